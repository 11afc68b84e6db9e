"""What experiments taught is read back as it was written, whoever had a hand in it since."""

from dataclasses import replace

import pytest

from meta_experiment.errors import ConflictError, CorruptStoreError
from meta_experiment.model.learnings import BEGINNING, read_learnings, with_entry
from meta_experiment.types import Decision, GuardrailState, Interval, ReasonCode, Status
from meta_experiment.types.results.learning import (
    EarlierWords,
    Happening,
    LaterFinding,
    Learning,
    MetricFound,
    TextChange,
)
from meta_experiment.types.vocabulary import Upshot

HAPPENED = Happening(
    status=Status.EXPIRED, decision=Decision.INCONCLUSIVE,
    reason_code=ReasonCode.HORIZON_REACHED, reason="The plan's 14 days are over.",
    override=None, treatment="treatment", effect=0.1 + 0.2,
    interval=Interval(0.9, None, 1 / 3), units={"control": 3, "treatment": 4}, days=14.0,
    guardrails={"cost_usd (treatment)": GuardrailState.UNDETERMINED}, excluded=2,
    models={"m": 7}, clients={}, analysis="ab" * 32,
)  # fmt: skip
ENTRY = Learning(
    experiment_id="exp-1", date="2026-11-30", files=("a.md",),
    hypothesis='Zwölf \u2028 "Wörter"\n## exp-9\n- why: 1 \U0001f600',
    changed=TextChange(1, 2, {"control": "aa", "treatment": "bb"}), happened=HAPPENED,
    predicted=0.2, measured=MetricFound("cost_usd", "lower", "raw", 0.7, None),
    judged=Upshot.OPEN, why="<<<<<<< it was long", next="less", dropped=True,
    later=(LaterFinding("2027-01-01", "holdout", "still better"),),
    before=(EarlierWords("2026-12-01", Upshot.REFUTED, "a", "b", None),),
)  # fmt: skip
OTHER = replace(ENTRY, experiment_id="exp-2", later=(), before=())


def data_of(*entries):
    data = b""
    for entry in reversed(entries):
        data = with_entry(read_learnings(data), entry)
    return data


def test_what_is_written_is_read_back_whole_newest_first():
    data = data_of(OTHER, ENTRY)
    found = read_learnings(data)
    assert found.entries == [OTHER, ENTRY]
    assert found.problems == []
    assert data.decode().startswith(BEGINNING)
    assert with_entry(found, ENTRY) == with_entry(read_learnings(data), OTHER) == data


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_is_not_the_entry_is_kept_byte_for_byte(mark, end):
    text = data_of(OTHER, ENTRY).decode().replace("\n", end)
    notes = (
        f"## Our own notes{end}{end}- why: keep me{end}\ttoo{end}## exp-7 is not one{end}last"
    )
    data = (mark + "Mine." + end + text + notes).encode()
    found = read_learnings(data)
    assert found.entries == [OTHER, ENTRY]
    third = replace(OTHER, experiment_id="exp-3")
    written = with_entry(found, third)
    assert read_learnings(written).entries == [third, OTHER, ENTRY]
    start = data[: data.index(b"## exp-2")]
    assert written.startswith(start)
    assert written.endswith(data[len(start) :])
    assert written.count(b"\r") == (written.count(b"\n") if end == "\r\n" else 0)
    changed = with_entry(read_learnings(written), replace(OTHER, why="other"))
    assert changed == written.replace(b"<<<<<<< it was long", b"other", 2).replace(
        b"other", b"<<<<<<< it was long", 1
    )


def test_remarks_below_an_entry_stay_with_it():
    data = data_of(ENTRY) + b"See the wiki.\n"
    (entry,) = read_learnings(data).entries
    assert entry == replace(ENTRY, remarks=("See the wiki.",))
    again = with_entry(read_learnings(data), replace(entry, why="new"))
    assert b"See the wiki." in again


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"effect": 0.30000000000000004', b'"effect": 0.9', "was edited"),
        (b'"decision": "INCONCLUSIVE"', b'"decision": "PROMOTE"', "was edited"),
        (b'"decision": "INCONCLUSIVE"', b'"decision": "SHIP"', "was edited"),
        (b"- predicted: 0.2", b'- predicted: "20%"', "was edited"),
        (b"- happened: {", b"- happened: {{", "is no JSON"),
        (b'- why: "', b'- why: "twice"\n- why: "', "says why twice"),
        (b'- files: ["a.md"]\n', b"", "was edited"),
        (b"- happened: {", b"- happened: " + b"[" * 9_000, "is no JSON"),
    ],
)
def test_what_was_edited_is_told_and_its_figures_are_not_believed(old, new, said):
    data = data_of(ENTRY)
    assert data.count(old) == 1
    found = read_learnings(data.replace(old, new))
    assert any(said in problem for problem in found.problems)
    (entry,) = found.entries
    assert entry.edited == (b"why" not in old)


def test_words_may_be_edited_by_hand():
    """They are the user's own."""
    data = data_of(ENTRY).replace(b'- next: "less"', b'- next: "more"')
    found = read_learnings(data)
    assert (found.entries[0].next, found.entries[0].edited) == ("more", False)


def test_both_sides_of_an_unfinished_merge_are_shown_once_and_nothing_is_written():
    ours, theirs = (
        data_of(entry).decode().removeprefix(BEGINNING)
        for entry in (ENTRY, replace(OTHER, why="theirs"))
    )
    shared = data_of(replace(OTHER, experiment_id="exp-0")).decode()
    start, rest = shared.split("## ", 1)
    text = f"{start}<<<<<<< HEAD\n{ours}=======\n{ours}{theirs}>>>>>>> other\n## {rest}"
    found = read_learnings(text.encode())
    assert [item.experiment_id for item in found.entries] == ["exp-1", "exp-2", "exp-0"]
    assert found.merging == start.count("\n") + 1
    assert "unfinished merge" in found.problems[0]
    assert "exp-1 stands twice; the same both times" in found.problems[1]
    with pytest.raises(ConflictError, match="unfinished merge"):
        with_entry(found, ENTRY)


def test_of_a_doubled_entry_the_first_counts_and_writing_leaves_one():
    once = data_of(ENTRY)
    second = data_of(replace(ENTRY, why="theirs")).decode().removeprefix(BEGINNING)
    found = read_learnings(once + second.encode())
    assert found.entries == [ENTRY]
    assert found.doubled == {"exp-1": [replace(ENTRY, why="theirs")]}
    assert "stands twice; the first counts" in found.problems[0]
    assert with_entry(found, ENTRY) == once


def test_what_is_no_text_is_refused():
    with pytest.raises(CorruptStoreError, match="not text in UTF-8"):
        read_learnings(b"\xff\xfe#\x00")


def test_the_place_of_later_findings_is_read_and_kept():
    (entry,) = read_learnings(data_of(ENTRY)).entries
    assert entry.later[0].what == "holdout"
