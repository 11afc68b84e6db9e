"""State of workflows: every form is read, nothing counts twice, and writers lose nothing."""

import json
import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.errors import CorruptStoreError, StorageError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.workflows.state.generations import DrawTerms
from meta_experiment.workflows.state.ledger import LedgerRun
from meta_experiment.workflows.state.parsing import StateReader, moment, read_state
from meta_experiment.workflows.state.tally import notes, tally
from meta_experiment.workflows.state.union import attempts, cut_off, merged
from meta_experiment.workflows.state.writing import ledger_text, record_run

REAL = Path(__file__).parent / "ledgers"


def real(name):
    return read_state((REAL / name).read_bytes(), name)


def counts(ledger, experiment, *dates):
    found = tally(ledger, experiment, dates)
    return {name: (one.drawn, one.cut_off, one.gated) for name, one in found.variants.items()}


def run(number, variant="a", *, at=None, name="x", **more):
    at = number if at is None else at
    timestamp = f"2026-05-{1 + at // 24:02}T{at % 24:02}:00:00.000Z"
    return LedgerRun(str(number), {name: variant}, timestamp, moment(timestamp), **more)


def line(number, variant="a", *, at=None, **more):
    document = {"run_id": str(number), "timestamp": run(number, at=at).timestamp}
    return json.dumps(document | {"assignments": {"x": variant}} | more).encode() + b"\n"


@pytest.mark.parametrize(
    ("file", "experiment", "expected"),
    [
        (
            "githubnext.model_size.first24.state.jsonl",
            "model_size",
            {"claude-haiku-4.5": (11, 418, 0), "claude-sonnet-4.6": (13, 389, 0)},
        ),
        (
            "job-hot.tool_verbosity.state.json",
            "tool_verbosity",
            {"full_bash": (9, 0, 0), "minimal_toolset": (14, 0, 0)},
        ),
        ("strawgate.issuearborist.state.json", "prompt_style", {"concise": (1, 0, 0)}),
        (
            "yermakoffivan.tone_variant.state.jsonl",
            "tone_variant",
            {"neutral": (20, 0, 0), "urgent": (16, 0, 0)},
        ),
        ("yul-agentic.style.state.jsonl", "style", {"detailed": (1, 0, 0)}),
    ],
)
def test_real_ledgers_come_to_their_true_counts(file, experiment, expected):
    assert counts(real(file), experiment) == expected


def test_a_run_before_the_start_of_an_experiment_does_not_count():
    ledger = real("githubnext.prompt_style.state.json")
    starts = DrawTerms(0.0, first="2026-05-12")
    assert len(ledger.runs) == 56
    assert counts(ledger, "prompt_style", starts) == {
        "concise": (29, 0, 0),
        "detailed": (26, 0, 1),
    }
    assert tally(ledger, "prompt_style", [starts]).first == moment("2026-05-12T09:27:14.946Z")


def test_a_run_before_the_start_is_an_ordinary_line_of_a_ledger_and_does_not_count():
    text = ledger_text(real("githubnext.prompt_style.state.json"))
    assert len(text.splitlines()) == 56
    starts = DrawTerms(0.0, first="2026-05-12")
    found = counts(read_state(text, "state.jsonl"), "prompt_style", starts)
    assert found == {"concise": (29, 0, 0), "detailed": (26, 0, 1)}


def test_without_dates_a_state_tells_how_many_runs_it_does_not_count():
    ledger = real("githubnext.prompt_style.state.json")
    assert ledger.uncounted == {"prompt_style": {"detailed": 1}}
    assert counts(ledger, "prompt_style") == {"concise": (29, 0, 0), "detailed": (26, 0, 1)}


def test_versions_of_a_workflow_are_told_and_reset_nothing():
    found = tally(real("yermakoffivan.tone_variant.state.jsonl"), "tone_variant")
    assert len(found.harnesses) == 4
    assert sum(found.harnesses.values()) == found.total == 36
    assert "4 versions (one of them not said)" in " ".join(notes(found))


def test_dates_are_those_that_held_when_a_run_was_made():
    """The workflow once began on the 3rd; since the 5th it says that it began on the 2nd."""
    fifth = moment("2026-05-05")
    dates = [DrawTerms(fifth, first="2026-05-02"), DrawTerms(0.0, first="2026-05-03")]
    ledger = merged([read_state(line(n, at=24 * n), "state.jsonl") for n in range(7)])
    assert counts(ledger, "x", *dates) == {"a": (5, 0, 2)}


@pytest.mark.parametrize(
    ("dates", "day", "inside"),
    [
        (DrawTerms(0.0, "2026-06-01"), "2026-06-01", True),
        (DrawTerms(0.0, "2026-06-01"), "2026-05-31", False),
        (DrawTerms(0.0, None, "2026-06-30"), "2026-06-30T23:59:59", True),
        (DrawTerms(0.0, None, "2026-06-30"), "2026-07-01", False),
        (DrawTerms(0.0, "2026-05-01", "2026-06-30"), "2026-06-01", True),
        (DrawTerms(0.0, "2026-05-01", "2026-06-30"), "2026-07-01T00:30:00+02:00", True),
        (DrawTerms(0.0), "1999-01-01", True),
    ],
)
def test_both_ends_of_the_dates_are_days_of_utc(dates, day, inside):
    assert dates.hold(moment(day)) is inside


def test_a_run_that_says_what_it_drew_needs_no_dates():
    drew = {"assignment": {"x": {"probability": 0.5, "unit": "run", "deterministic": False}}}
    text = line(1, schema_version=2, **drew) + line(2, assignment={}) + line(3)
    found = tally(read_state(text, "state.jsonl"), "x")
    assert (found.variants["a"].drawn, found.variants["a"].gated) == (2, 1)
    assert found.untold == 1
    assert any(
        "Whether 1 run of x lay outside its dates is not known" in item for item in notes(found)
    )


def test_a_bad_line_is_set_aside_and_the_others_count():
    text = line(1) + b"{broken\n\r\n" + b"[1]\n" + b'{"a":1}\n' + b'{"run_id":"7"}\n' + line(2)
    text += b'\xff\n{"run_id":"8","timestamp":"soon","assignments":{"x":"a"}}\n'
    text += b'{"run_id":"9","assignments":{"x":true}}\n' + b"[" * 9000
    found = read_state(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"), "state.jsonl")
    assert [run.run_id for run in found.runs] == ["1", "2"]
    assert [bad.sentence.removeprefix("state.jsonl, ") for bad in found.bad] == [
        "line 2: no JSON (Expecting property name enclosed in double quotes)",
        "line 3: no object",
        "line 4: neither a run nor a state",
        "line 5: no assignments",
        "line 7: no text in UTF-8",
        "line 8: its timestamp is no date and time, 'soon'",
        "line 9: the variant of 'x' is no text",
        "line 10: nested too deeply",
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"{broken",
        b'{"counts": {"x": {"a": -1}}}',
        b'{"counts": {"x": {"a": true}}}',
        b'{"counts": 3}',
        b'{"runs": {"a": 1}}',
        b'{\n  "counts": {\n    "x": 4\n  }\n}\n',
        b'{\n  "counts": {\n',
        b"[]",
        b"\xff\xfe{\x00}\x00",
    ],
)
def test_a_document_that_is_no_state_is_refused(text):
    with pytest.raises(CorruptStoreError, match="is no state of a workflow"):
        read_state(text, "state.json")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"counts":{"f":{"A":1}}}', {"A": (0, 1, 0)}),
        (b"", {}),
        (b"\n \n", {}),
        (b'{"counts": {}, "runs": []}', {}),
        (b'{\n "counts": {"f": {"A": 5}},\n "runs": []\n}\n', {"A": (0, 5, 0)}),
    ],
)
def test_counts_may_stand_alone(text, expected):
    assert counts(read_state(text, "state.json"), "f") == expected


def test_a_whole_state_among_lines_stands_for_what_came_before_it():
    older = {"counts": {"x": {"a": 3}}, "runs": [json.loads(line(5))]}
    text = line(1) + json.dumps(older).encode() + b"\n" + line(6, "b")
    assert counts(read_state(text, "state.jsonl"), "x") == {"a": (1, 2, 0), "b": (1, 0, 0)}


def test_a_run_of_an_older_state_that_cannot_be_read_is_told():
    text = json.dumps({"counts": {"x": {"a": 1}}, "runs": [json.loads(line(1)), 7]}).encode()
    assert [bad.sentence for bad in read_state(text, "s").bad] == ["s, run 2: no object"]


def test_an_attempt_repeated_counts_once_and_one_with_another_variant_for_none():
    text = line(1) + line(1, at=5) + line(2) + line(2, "b", at=6) + line(3, "b")
    found = tally(read_state(text, "state.jsonl"), "x")
    assert found.contaminated == ("2",)
    assert found.repeated == 1
    assert {name: one.total for name, one in found.variants.items()} == {"a": 1, "b": 1}
    assert [run.timestamp for run in attempts(read_state(text, "s"))["1"]] == [
        run(1).timestamp,
        run(1, at=5).timestamp,
    ]


def test_the_same_run_with_another_baseline_is_one_run():
    """A union of whole lines keeps it twice."""
    text = line(3, baseline_counts={"x": {"a": 2}}) + line(3) + line(4)
    assert counts(read_state(text, "state.jsonl"), "x") == {"a": (2, 2, 0)}


def test_what_one_source_cut_off_and_another_lists_is_counted_once():
    """The later ledger has cut off what the earlier one lists, and two more in between."""
    earlier = read_state(line(3, baseline_counts={"x": {"a": 2}}) + line(4), "one")
    later = read_state(line(9, "b", baseline_counts={"x": {"a": 6}}), "two")
    for order in ([earlier, later], [later, earlier]):
        assert counts(merged(order), "x") == {"a": (2, 4, 0), "b": (1, 0, 0)}


def test_variants_without_a_time_are_those_of_the_attempt_that_has_one():
    told = LedgerRun("1", {"x": "a"}, attempt=2)
    ledger = read_state(line(1) + line(1, at=9), "state.jsonl")
    both = merged([ledger, merged([ledger])])
    assert len(merged([both, read_state(b"", "s")]).runs) == 2
    one = read_state(line(1), "state.jsonl")
    reader = StateReader()
    reader.add_run(told)
    assert merged([one, reader.ledger]).runs == (run(1, attempt=2),)
    assert merged([reader.ledger, one]).runs == (run(1, attempt=2),)
    other = LedgerRun("1", {"x": "b"})
    reader.add_run(other)
    assert tally(merged([one, reader.ledger]), "x").contaminated == ("1",)


def test_variants_may_be_told_in_part():
    whole = read_state(line(1), "s").runs[0]
    both = merged([_ledger(whole), _ledger(LedgerRun("1", {"x": "a", "y": "b"}, attempt=1))])
    (one,) = both.runs
    assert (one.assignments, one.timestamp, one.attempt) == (
        {"x": "a", "y": "b"}, whole.timestamp, 1,
    )  # fmt: skip
    assert tally(both, "x").repeated == 0
    other = LedgerRun("1", {"y": "b"}, whole.timestamp, whole.at)
    (again,) = merged([_ledger(whole), _ledger(other)]).runs
    assert again.assignments == {"x": "a", "y": "b"}


_RUNS = st.lists(
    st.tuples(st.integers(1, 9), st.sampled_from("ab"), st.integers(0, 40)), max_size=14
)


@pytest.mark.long
@given(_RUNS, st.integers(1, 5), st.randoms())
def test_merging_is_a_union_in_any_order(rows, parts, random):
    runs = [run(number, variant, at=at) for number, variant, at in rows]
    whole = merged([merged([]), *(read_state(_text([one]), "s") for one in runs)])
    pieces = [read_state(_text(random.choices(runs, k=6)), "s") for _ in range(parts) if runs]
    pieces += [read_state(_text([one]), "s") for one in runs] + [whole]
    random.shuffle(pieces)
    assert merged(pieces).runs == whole.runs
    half = merged(pieces[: parts // 2])
    assert merged([half, *pieces[parts // 2 :]]) == merged(pieces)
    assert merged([merged(pieces), merged(pieces)]) == merged(pieces)


@pytest.mark.long
@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=20), st.integers(1, 6), st.data())
def test_however_a_ledger_is_cut_its_counts_stay(variants, keep, data):
    """Ledgers that were kept at different times, of one history, all of them cut."""
    runs = [run(number, variant) for number, variant in enumerate(variants)]
    times = data.draw(st.lists(st.integers(1, len(runs)), min_size=1, max_size=4))
    kept = []
    for until in [*times, len(runs)]:
        ledger = read_state(b"", "s")
        for one in runs[:until]:
            ledger = read_state(ledger_text(merged([ledger, _ledger(one)]), keep), "s")
        kept.append(ledger)
    found = tally(merged(data.draw(st.permutations(kept))), "x")
    assert {name: one.total for name, one in found.variants.items()} == {
        name: variants.count(name) for name in set(variants)
    }


def test_what_is_cut_off_stands_on_the_first_line_that_is_kept():
    ledger = merged([_ledger(run(number, variant)) for number, variant in enumerate("ABA")])
    text = ledger_text(ledger, keep=2)
    assert json.loads(text.splitlines()[0])["baseline_counts"] == {"x": {"A": 1}}
    assert counts(read_state(text, "s"), "x") == {"A": (1, 1, 0), "B": (1, 0, 0)}


def test_what_nobody_knows_of_a_line_is_written_back():
    text = line(1, harness_version="h", features={"event": "push"}, schema_version=2)
    assert json.loads(ledger_text(read_state(text, "s"))) == json.loads(text)


@pytest.mark.parametrize("name", ["state.jsonl", "state.json"])
def test_a_recorded_run_is_in_the_file_once(tmp_path, name):
    path = tmp_path / name
    for number in (1, 2, 2, 1):
        after = record_run(FileSystem(), path, run(number, "ab"[number % 2]))
    assert counts(after, "x") == counts(read_state(path.read_bytes(), name), "x")
    assert counts(after, "x") == {"a": (1, 0, 0), "b": (1, 0, 0)}


def test_the_older_form_stays_as_it_was_written(tmp_path):
    path = tmp_path / "state.json"
    path.write_text('{\n  "counts": {"x": {"a": 2}},\n  "notify_message": "soon"\n}\n')
    record_run(FileSystem(), path, run(1), gated=["y"])
    record_run(FileSystem(), path, run(2, name="y"), gated=["y"])
    assert json.loads(path.read_text()) == {
        "counts": {"x": {"a": 3}},
        "notify_message": "soon",
        "runs": [
            {"run_id": "1", "timestamp": run(1).timestamp, "assignments": {"x": "a"}},
            {"run_id": "2", "timestamp": run(2).timestamp, "assignments": {"y": "a"}},
        ],
    }
    assert path.read_text() == json.dumps(json.loads(path.read_text()), indent=2) + "\n"


def test_513_runs_are_512_lines_and_a_bad_one_is_never_lost(tmp_path):
    path = tmp_path / "state.jsonl"
    path.write_bytes(b"".join(map(line, range(512))).removesuffix(b"\n"))
    record_run(FileSystem(), path, run(600, "b"))
    assert len(path.read_bytes().splitlines()) == 512
    assert counts(read_state(path.read_bytes(), "s"), "x") == {"a": (511, 1, 0), "b": (1, 0, 0)}
    path.write_bytes(path.read_bytes() + b"{torn")
    record_run(FileSystem(), path, run(601, "b"))
    assert len(path.read_bytes().splitlines()) == 514
    assert b"{torn\n" in path.read_bytes()
    assert counts(read_state(path.read_bytes(), "s"), "x")["b"] == (2, 0, 0)


def test_a_file_that_cannot_be_read_or_written_is_left_as_it_is(tmp_path):
    path = tmp_path / "state.jsonl"
    path.write_bytes(b"not a state")
    with pytest.raises(CorruptStoreError):
        record_run(FileSystem(), path, run(1))
    assert path.read_bytes() == b"not a state"

    class Full(FileSystem):
        def replace(self, *_, **__):
            raise OSError(28, "No space left on device")

    path.write_bytes(line(1))
    with pytest.raises(StorageError, match="No space left"):
        record_run(Full(), path, run(2))
    assert path.read_bytes() == line(1)


def _write(path, numbers):
    for number in numbers:
        record_run(FileSystem(), path, run(number), keep=20)


@pytest.mark.parametrize("name", ["state.jsonl", "state.json"])
def test_writers_at_once_lose_nothing(tmp_path, name):
    path = tmp_path / name
    context = multiprocessing.get_context("fork")
    writers = [
        context.Process(target=_write, args=(path, range(first, 40, 4))) for first in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = tally(read_state(path.read_bytes(), name), "x")
    assert found.total == 40
    assert found.variants["a"].drawn == 20
    assert cut_off(read_state(path.read_bytes(), name), "x") == {"a": 20}


def test_what_each_run_carries_along_is_parsed_once():
    reader, text = StateReader(), b""
    for number in range(50):
        text += line(number)
        reader.add(text, f"run-{number}")
    assert len(reader.ledger.runs) == 50
    assert len(reader._parsed) == 50


def _text(runs):
    return b"".join(ledger_text(_ledger(one)) for one in runs)


def _ledger(one):
    reader = StateReader()
    reader.add_run(one)
    return reader.ledger
