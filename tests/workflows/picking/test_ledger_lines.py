"""The fast reader of ledgers beside the one that knows every form."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.workflows.ledger_text import KEPT, ledger_line
from meta_experiment.workflows.picking.ledger_lines import (
    LedgerLines,
    NotPlainError,
)
from meta_experiment.workflows.picking.other_ledgers import OtherLedger
from meta_experiment.workflows.picking.variant_draws import arms_of
from meta_experiment.workflows.state.generations import DrawTerms
from meta_experiment.workflows.state.parsing import read_state
from meta_experiment.workflows.state.tally import tally

ARMS = arms_of(
    "e", {"variants": ["A", "B"], "start_date": "2026-03-02", "end_date": "2026-03-05"}
)


def run(number, variant, day=3, **more):
    stamp = f"2026-03-{day:02d}T{number // 60 % 24:02d}:{number % 60:02d}:00.000Z"
    return {"run_id": str(number), "timestamp": stamp, "assignments": {"e": variant}, **more}


def ledger(runs):
    return b"".join(map(ledger_line, runs))


def by_state(data):
    found = tally(
        read_state(data, "state.jsonl"), "e", (DrawTerms(float("-inf"), ARMS.start, ARMS.end),)
    )
    return {name: item.total for name, item in found.variants.items() if item.total}


@st.composite
def ledgers(draw):
    """Return a plain ledger: runs in order, some outside of the dates, told or not."""
    many = draw(st.integers(0, 12))
    days = sorted(draw(st.lists(st.integers(1, 7), min_size=many, max_size=many)))
    runs = []
    for number, day in enumerate(days):
        told = draw(st.sampled_from([None, {}, {"e": {"probability": 0.5}}]))
        more = {} if told is None else {"assignment": told}
        runs.append(run(number, draw(st.sampled_from("AB")), day, **more))
    if runs and draw(st.booleans()):
        runs[0]["baseline_counts"] = {"e": {"A": draw(st.integers(0, 50)), "B": 3}}
    return ledger(runs)


@given(ledgers())
def test_both_readers_count_alike(data):
    counts = {name: n for name, n in LedgerLines(data).counts(ARMS).items() if n}
    assert counts == by_state(data)


@given(ledgers())
def test_a_run_that_is_added_is_counted_by_both(data):
    own = run(900, "B", 7, assignment={"e": {"probability": 1}})
    before = LedgerLines(data).counts(ARMS)
    after = LedgerLines(data).with_run(own)
    assert by_state(after) == {
        name: n for name, n in {**before, "B": before.get("B", 0) + 1}.items() if n
    }


def test_a_run_of_a_clock_that_went_back_is_left_to_the_other_writer():
    with pytest.raises(NotPlainError):
        LedgerLines(ledger([run(1, "A", 4)])).with_run(run(2, "B", 3))


def test_what_is_cut_off_is_counted_on_the_first_line():
    runs = [run(n, "AB"[n % 2], 3) for n in range(KEPT + 1)]
    runs[0]["baseline_counts"] = {"e": {"A": 7}, "f": {"x": 1}}
    data = LedgerLines(ledger(runs)).with_run(run(2000, "A", 4))
    kept = [json.loads(item) for item in data.splitlines()]
    assert len(kept) == KEPT
    assert kept[0]["baseline_counts"] == {"e": {"A": 8, "B": 1}, "f": {"x": 1}}
    assert kept[-1]["run_id"] == "2000"
    assert by_state(data) == {"A": 7 + 257 + 1, "B": 256}
    again = LedgerLines(data).with_run(run(2001, "B", 5))
    assert by_state(again) == {"A": 265, "B": 257}


@pytest.mark.parametrize(
    "data",
    [
        b'{"counts": {}, "runs": []}\n',
        ledger([run(1, "A")]) + b"{torn\n",
        ledger([run(1, "A"), run(0, "B", 2)]),
        ledger([run(1, "A"), run(2, "B", baseline_counts={"e": {"A": 1}})]),
        ledger([{**run(1, "A"), "timestamp": "yesterday"}]),
        ledger([{**run(1, "A"), "run_id": 1}]),
        ledger([{**run(1, "A"), "assignments": {"e": 1}}]),
        ledger([{**run(1, "A"), "baseline_counts": {"e": {"A": "1"}}}]),
        b"1\n",
        b"{},{}\n",
    ],
)
def test_what_is_not_plain_is_left_to_the_other_reader(data):
    with pytest.raises(NotPlainError):
        LedgerLines(data)


def test_a_run_that_was_repeated_counts_once_by_its_last_attempt():
    runs = [run(1, "A"), {**run(2, "B"), "run_id": "1"}, run(3, "A")]
    found = LedgerLines(ledger(runs))
    assert found.counts(ARMS) == {"A": 1, "B": 1}
    assert found.assignments("1") == {"e": "B"}


def told(*variants):
    return {"assignment": {"e": {"probability": 0.5, "among": list(variants)}}}


@pytest.mark.parametrize("form", ["plain", "other"])
@pytest.mark.parametrize(
    ("runs", "before", "counts"),
    [
        ("AC" * 15 + "AB" * 2, {}, {"A": 2, "B": 2}),
        ("AC" * 15, {"A": 7}, {}),
        ("ABB", {"A": 7, "B": 7}, {"A": 8, "B": 9}),
        ("ABB", {"A": 7, "C": 7}, {"A": 1, "B": 2}),
    ],
)
def test_counts_begin_behind_the_last_run_of_other_variants(
    tmp_path, form, runs, before, counts
):
    """What was counted before any of them is of the same generation only if nothing tells."""
    lines = [run(number, variant) for number, variant in enumerate(runs)]
    if before:
        lines[0]["baseline_counts"] = {"e": before}
    path = tmp_path / "state.jsonl"
    path.write_bytes(ledger(lines))
    found = LedgerLines(path.read_bytes()) if form == "plain" else OtherLedger(str(path))
    assert {name: n for name, n in found.counts(ARMS).items() if n} == counts


def test_a_variant_that_is_added_begins_a_generation_where_runs_say_what_they_were_drawn_from():
    old = [run(number, "AB"[number % 2], **told("A", "B")) for number in range(30)]
    more = arms_of("e", ["A", "B", "new"])
    assert LedgerLines(ledger(old)).counts(more) == {}
    assert LedgerLines(ledger(old)).counts(arms_of("e", ["B", "A"])) == {"A": 15, "B": 15}
    fresh = [*old, run(30, "new", **told("new", "B", "A"))]
    assert LedgerLines(ledger(fresh)).counts(more) == {"new": 1}


def test_a_ramp_begins_anew_with_its_generation():
    runs = [run(number, "C", continual_state={"e": {"current_stage": 2}}) for number in (1, 2)]
    found = LedgerLines(ledger(runs))
    assert found.stage(arms_of("e", ["A", "C"])) == 2
    assert found.stage(ARMS) == 0
