"""Logs are read into trials: nothing lost, nothing double, nothing silently dropped."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import logs
from tests.logs import lines
from tests.store.making import (
    append_events,
    assign,
    experiment,
    fold_of,
    line,
    load_trials,
    read_trials,
    recorded,
    sequence,
    write_log,
)

from meta_experiment.errors import UsageError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.model.instants import to_text
from meta_experiment.store.local.fold.events import encode_event
from meta_experiment.store.local.fold.fold import METRIC_LIMIT
from meta_experiment.store.local.logs import NO_LOG, log_sizes
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import TrialStatus


def reasons(log):
    return [(item.line_number, item.reason) for item in log.set_aside]


def test_events_fold_into_one_trial(layout, disk):
    """Assignment, exposure and outcome of one trial are one trial with all that was said."""
    events = [
        TrialEvent(EventKind.ASSIGNED, 10.0, "t1", "treatment", "session-1"),
        TrialEvent(EventKind.EXPOSED, 11.0, "t1", "treatment", "session-1"),
        TrialEvent(
            EventKind.RECORDED,
            12.0,
            "t1",
            "treatment",
            "session-1",
            status=TrialStatus.INTERRUPTED,
            metrics={"duration_seconds": 2.5, "output_tokens": 0},
            fingerprint={"model": "m1"},
        ),
    ]
    append_events(layout, disk, "host-0", "e", events)
    (trial,) = read_trials(layout, "e").trials
    assert trial.trial_id == "t1"
    assert trial.variant == "treatment"
    assert trial.unit == "session-1"
    assert trial.exposed
    assert trial.status is TrialStatus.INTERRUPTED
    assert trial.metrics == {"duration_seconds": 2.5, "output_tokens": 0.0}
    assert (trial.assigned_at, trial.closed_at) == (10.0, 12.0)
    assert trial.fingerprint == {"model": "m1"}
    assert trial.excluded is None


def test_open_and_unexposed_trials(layout, disk):
    """A trial without an outcome is open, one that was only assigned is not exposed."""
    events = [
        TrialEvent(EventKind.ASSIGNED, 1.0, "a", "control", "u1"),
        TrialEvent(EventKind.EXPOSED, 2.0, "b", "control", "u2"),
    ]
    append_events(layout, disk, "host-0", "e", events)
    assigned, exposed = read_trials(layout, "e").trials
    assert (assigned.exposed, assigned.status, assigned.closed_at) == (False, None, None)
    assert (exposed.exposed, exposed.status, exposed.metrics) == (True, None, {})


def test_excluded_trials_carry_their_reason(layout, disk):
    """An exclusion stays with its trial, whatever is recorded before or after."""
    append_events(
        layout,
        disk,
        "host-0",
        "e",
        [
            TrialEvent(EventKind.EXCLUDED, 1.0, "a", "control", "u1", reason="file_drifted"),
            recorded("a", 2.0, unit="u1"),
        ],
    )
    (trial,) = read_trials(layout, "e").trials
    assert trial.excluded == "file_drifted"
    assert trial.metrics == {"duration_seconds": 1.5}


def test_same_trial_twice_is_one_trial(layout, disk):
    """Metrics of a repeated trial merge; of two values for one the first stands."""
    append_events(layout, disk, "host-0", "e", [recorded(at=1.0, metrics={"a": 1, "b": 2})])
    append_events(layout, disk, "host-0", "e", [recorded(at=2.0, metrics={"b": 9, "c": 3})])
    append_events(layout, disk, "host-1", "e", [recorded(at=1.0, metrics={"a": 1, "b": 2})])
    log = read_trials(layout, "e")
    (trial,) = log.trials
    assert trial.metrics == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert log.conflict_count == 1
    assert "t1" in log.conflicts[0]
    assert "b" in log.conflicts[0]


def test_earlier_value_stands_however_late_it_is_read(layout, disk):
    """Each value is as old as the event it came with, also when the trial closed earlier."""
    outcomes = [
        recorded(at=5.0, metrics={"a": 1}, fingerprint={"model": "late"}),
        recorded(at=3.0, metrics={"b": 2}, status=TrialStatus.ERROR),
        recorded(at=4.0, metrics={"a": 9}, fingerprint={"model": "early"}),
    ]
    append_events(layout, disk, "host-0", "e", outcomes)
    (trial,) = read_trials(layout, "e").trials
    assert trial.metrics == {"a": 9.0, "b": 2.0}
    assert (trial.status, trial.closed_at) == (TrialStatus.ERROR, 3.0)
    assert trial.fingerprint == {"model": "early"}


def test_first_of_one_batch_is_kept(layout, disk):
    """Of two outcomes with the same time in one file, the one written first stands."""
    batch = [recorded(metrics={"a": 5}), recorded(metrics={"a": 1})]
    append_events(layout, disk, "host-0", "e", batch)
    assert read_trials(layout, "e").trials[0].metrics == {"a": 5.0}


def test_unit_is_taken_from_any_event_that_knows_it(layout, disk):
    """A reporter that only has the trial's id need not know the unit."""
    append_events(layout, disk, "a-0", "e", [recorded("t1", 5.0), recorded("t2", 6.0)])
    append_events(
        layout, disk, "b-0", "e", [TrialEvent(EventKind.EXPOSED, 4.0, "t1", "control", "s1")]
    )
    assert {trial.trial_id: trial.unit for trial in read_trials(layout, "e").trials} == {
        "t1": "s1",
        "t2": "t2",
    }


def test_contradicting_arms_are_told(layout, disk):
    """A trial that two events put into different arms keeps the earlier, and is told."""
    append_events(layout, disk, "h-0", "e", [recorded(at=5.0, variant="treatment", unit="u")])
    append_events(layout, disk, "h-0", "e", [recorded(at=3.0, variant="control", unit="u")])
    log = read_trials(layout, "e")
    assert log.trials[0].variant == "control"
    assert log.conflict_count >= 1


def test_order_is_that_of_the_sequence(layout, disk):
    """Units stand as they were assigned; those never assigned follow by time."""
    append_events(
        layout,
        disk,
        "h-0",
        "e",
        [
            recorded("x", 3.0, unit="late"),
            recorded("y", 2.0, unit="early"),
            recorded("z", 1.0, unit="second"),
        ],
    )
    for unit in ("first", "second", "first"):
        assign(layout, disk, "e", unit, lambda _: "control", at=100.0)
    trials = read_trials(layout, "e").trials
    assert [trial.order for trial in trials] == [0, 0, 1, 1, 2, 3]
    assert [trial.unit for trial in trials] == [
        "first",
        "first",
        "second",
        "second",
        "early",
        "late",
    ]


def test_assigned_trials_come_from_the_sequence(layout, disk):
    """Each line of the sequence is an assigned trial that awaits its exposure."""
    drawn = assign(layout, disk, "e", "s1", lambda _: "treatment", at=1234.5678)
    (trial,) = read_trials(layout, "e").trials
    assert (trial.trial_id, trial.variant, trial.exposed) == (
        drawn.trial_id,
        "treatment",
        False,
    )
    assert trial.assigned_at == pytest.approx(1234.567)
    append_events(layout, disk, "h-0", "e", [recorded(drawn.trial_id, 1300.0, "treatment")])
    (trial,) = read_trials(layout, "e").trials
    assert (trial.unit, trial.exposed, trial.order) == ("s1", True, 0)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{", "not valid JSON"),
        ('{"event":"recorded","at":1', "not valid JSON"),
        ("[1,2]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("[" * 100_000, "not valid JSON"),
        (b"\xff\xfe", "not valid UTF-8"),
        (line(metrics={"m": "1"}), "metric is not a finite number"),
        (line(metrics={"m": True}), "metric is not a finite number"),
        (line(metrics={"m": None}), "metric is not a finite number"),
        (line(metrics={"m": math.nan}), "not valid JSON"),
        (line(metrics={"m": math.inf}), "not valid JSON"),
        (line(metrics={"m": 1}).replace("1}", "1e999}"), "metric is not a finite number"),
        (line(metrics={"m": 10**400}), "metric is not a finite number"),
        (line(metrics={"m": 1}).replace(" 1}", " " + "9" * 5000 + "}"), "not valid JSON"),
        (line(metrics={"": 1}), "metric's name"),
        (line(metrics=[1]), "'metrics' is not an object"),
        (line(metrics=None), "'metrics' is not an object"),
        (line(at="now"), "'at' is not a time"),
        (line(at=True), "'at' is not a time"),
        (line(at=-1), "'at' is not a time"),
        (line(at=1.7e12), "'at' is not a time"),
        (line(at=2.5e11), "'at' is not a time"),
        (line(at=9.9e11), "'at' is not a time"),
        (line(trial_id=1), "'trial_id' or 'variant'"),
        (line(trial_id=""), "'trial_id' or 'variant'"),
        (line(trial_id="x" * 5000), "'trial_id' or 'variant'"),
        (line(variant=None), "'trial_id' or 'variant'"),
        (line(unit=[]), "'unit'"),
        (line(unit="\ud800"), "surrogate"),
        (line(status="fine"), "unknown status"),
        (line(status=["ok"]), "unknown status"),
        (line(event="started"), "unknown event"),
        (line(event=["recorded"]), "unknown event"),
        (line(event="excluded"), "'reason'"),
        (line(fingerprint={"model": 1}), "'fingerprint'"),
        (line(fingerprint="m"), "'fingerprint'"),
        (line(note="x" * (1 << 20)), "longer than 1 MB"),
    ],
)
def test_unusable_line_is_set_aside_alone(layout, bad, reason):
    """A line that cannot be used is reported by its number, and its neighbours count."""
    data = bad if isinstance(bad, bytes) else bad.encode()
    good = [line(trial_id=name).encode() for name in ("a", "b")]
    write_log(layout, good[0] + data.rstrip(b"\n") + b"\n\n" + good[1])
    log = read_trials(layout, "e")
    assert [trial.trial_id for trial in log.trials] == ["a", "b"]
    assert log.set_aside_count == 1
    assert log.set_aside[0][:2] == ("host-0.jsonl", 3)
    assert reason in log.set_aside[0].reason


def test_too_long_line_that_spans_many_chunks(layout):
    """A line of several megabytes is passed over without being kept in memory."""
    write_log(layout, line(trial_id="a") + "x" * 5_000_000 + "\n" + line(trial_id="b"))
    log = read_trials(layout, "e")
    assert [trial.trial_id for trial in log.trials] == ["a", "b"]
    assert reasons(log) == [(3, "longer than 1 MB")]


def test_line_numbers_hold_across_chunks(layout):
    """A damaged line far down in a large file is named by its true number."""
    written = [line(trial_id=f"t{index}") for index in range(3000)]
    written[2500] = "damaged\n"
    write_log(layout, "".join(written))
    log = read_trials(layout, "e")
    assert len(log.trials) == 2999
    assert reasons(log) == [(2502, "not valid JSON")]


def test_torn_tail_waits_and_does_not_swallow_the_next_line(layout, disk):
    """A line without its newline is no line yet; after a crash the next append stands alone."""
    whole, torn = line(trial_id="a"), line(trial_id="b")[:40]
    path = write_log(layout, whole + torn)
    log = read_trials(layout, "e")
    assert [trial.trial_id for trial in log.trials] == ["a"]
    assert log.set_aside_count == 0
    append_events(layout, disk, "host-0", "e", [recorded("c")])
    log = read_trials(layout, "e")
    assert [trial.trial_id for trial in log.trials] == ["a", "c"]
    assert reasons(log) == [(3, "not valid JSON")]
    assert lines(path).startswith((whole + torn).encode())


def test_two_torn_lines_do_not_complete_each_other(layout):
    """Pieces that would be valid JSON together are two damaged lines."""
    write_log(layout, '{"a":[{"x":1}\n{"y":2}]}\n' + line(trial_id="a"))
    log = read_trials(layout, "e")
    assert [trial.trial_id for trial in log.trials] == ["a"]
    assert log.set_aside_count == 2


def test_unknown_fields_are_passed_over(layout):
    """A line of a later program with more fields is still a trial."""
    write_log(layout, line(seq=7, extra={"deep": [1]}))
    assert len(read_trials(layout, "e").trials) == 1


def test_damage_in_the_sequence_is_told(layout, disk):
    """A damaged line of the sequence costs that line only."""
    assign(layout, disk, "e", "a", lambda _: "control", at=1.0)
    with sequence(layout).open("ab") as stream:
        stream.write(b"garbage\n2\tu\t\tid\t1\n-1\tu\tv\tid\t1\n")
    assign(layout, disk, "e", "b", lambda _: "control", at=2.0)
    log = read_trials(layout, "e")
    assert [trial.unit for trial in log.trials] == ["a", "b"]
    assert [number for number, _ in reasons(log)] == [3, 4, 5]


def test_a_time_that_no_calendar_has_is_set_aside(layout):
    """In a log and in the sequence, one by one and by the hundred; the last year is taken."""
    for count in (1, 200):
        late = [f"{n}\tu{n}\tcontrol\tt{n}\t{250 * 10**12 - 1 + n % 2}\n" for n in range(count)]
        logs.own_log(layout.root, "e", "assignments.1.tsv", "".join(late))
        log = read_trials(layout, "e")
        assert log.set_aside_count == count // 2
        assert {to_text(trial.assigned_at)[:4] for trial in log.trials} == {"9892"}


@pytest.mark.parametrize("clock", [-1e9, -0.5, 0.0, 1e13, -math.inf])
def test_whatever_the_clock_says_what_is_acknowledged_is_read(layout, disk, clock):
    """It may stand before 1970, or far ahead."""
    store = logs.store(layout, disk)
    store.add(lambda _: experiment("e"))
    drawn = store.assign("e", "u1", lambda _: "control", clock)
    store.record([Outcome("e", drawn.trial_id), Outcome("e", None)], clock)
    log = store.trials(experiment("e"))
    assert (len(log.trials), log.set_aside_count, log.conflict_count) == (2, 0, 0)
    assert all(trial.status is TrialStatus.OK for trial in log.trials)
    assert all(0 <= trial.closed_at < 2.5e11 for trial in log.trials)


def test_a_file_that_two_processes_began_at_once_has_its_first_line_twice(layout):
    """Where no lock is to be had; nothing is lost and nothing is damaged."""
    head = logs.head(layout.root, "e", "assignments-1-live.tsv")
    row = b"0\tu%d\tcontrol\tt%d\t1000\n"
    logs.own_log(layout.root, "e", "assignments-1-live.tsv", row % (1, 1) + head + row % (2, 2))
    log = read_trials(layout, "e")
    assert (len(log.trials), log.set_aside_count) == (2, 0)


@dataclass
class Outcome:
    """What somebody reports of a trial."""

    experiment_id: str
    trial_id: str | None
    variant: str = "control"
    unit: str | None = None
    status: TrialStatus = TrialStatus.OK
    metrics: dict = field(default_factory=lambda: {"m": 1.0})
    fingerprint: dict = field(default_factory=dict)


def test_number_of_metrics_is_limited(layout):
    """A log cannot fill the memory with ever new names of metrics."""
    text = "".join(
        line(trial_id=str(index), metrics={f"m{index}": 1.0})
        for index in range(METRIC_LIMIT + 5)
    )
    write_log(layout, text)
    log = read_trials(layout, "e")
    assert len(log.trials) == METRIC_LIMIT
    assert log.set_aside_count == 5


def test_strange_metrics_take_no_room_of_those_that_are_asked_for(layout, disk):
    """A line of 256 names, read first, costs neither the plan's metrics nor our own theirs."""
    foreign = line(trial_id="x", metrics={f"m{index}": 1.0 for index in range(METRIC_LIMIT)})
    write_log(layout, foreign, writer="0")
    plan = experiment().plan
    plan = replace(plan, secondary=(replace(plan.primary, name="of-the-plan"),))
    asked = {"duration_seconds": 1.5, "tool_calls.Bash": 2.0, "of-the-plan": 3.0}
    append_events(layout, disk, "host-0", "e", [recorded(f"t{n}", metrics=asked) for n in "ab"])
    write_log(layout, line(trial_id="y", metrics={"one-more": 1.0}), writer="z")
    log = read_trials(layout, "e", plan.metrics)
    assert [trial.metrics for trial in log.trials if trial.trial_id != "x"] == [asked, asked]
    assert [item.file for item in log.set_aside] == ["z.jsonl"]


def test_a_count_of_more_units_than_lines_is_not_believed(layout, disk):
    """It gives its unit no place, and the sequence goes on as if it did not stand there."""
    assign(layout, disk, "e", "a", lambda _: "control", at=1.0)
    with sequence(layout).open("ab") as stream:
        stream.write(b"999999999\tu0\tcontrol\tabc\t1795292446000\n")
    for unit in "bc":
        assign(layout, disk, "e", unit, lambda _: "control", at=2.0)
    log = read_trials(layout, "e")
    assert [(trial.unit, trial.order) for trial in log.trials] == [
        ("a", 0), ("b", 1), ("c", 2), ("u0", 3),
    ]  # fmt: skip
    assert log.set_aside_count == 0


def test_details_of_damage_are_limited_but_counted(layout):
    """Thousands of damaged lines are counted without keeping each."""
    write_log(layout, "x\n" * 2500)
    log = read_trials(layout, "e")
    assert log.set_aside_count == 2500
    assert len(log.set_aside) == 1000


def test_no_log_is_no_trial(layout):
    """An experiment without logs has no trials, and reading makes no folder."""
    log = read_trials(layout, "e")
    assert (len(log.trials), log.bytes_read, log.sources) == (0, 0, {})
    assert not layout.all_trials.exists()


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
@pytest.mark.parametrize("name", ["x.jsonl", "assignments-x.tsv"])
def test_what_is_no_log_is_set_aside_and_the_rest_counts(layout, tmp_path, kind, name):
    """What stands in a log's place and is none is told, not followed; other logs are read."""
    write_log(layout, line())
    place = layout.trials("e") / name
    (tmp_path / "outside").write_text(line(trial_id="foreign"))
    if kind == "folder":
        place.mkdir()
    elif kind == "link":
        place.symlink_to(tmp_path / "outside")
    else:
        os.mkfifo(place)
    for log in (read_trials(layout, "e"), load_trials(layout, FileSystem(), "e")):
        assert len(log.trials) == 1
        assert [item.sentence for item in log.set_aside] == [f"{name}: no regular file"]
        assert log.set_aside_count == 1
    assert fold_of(layout, "e", [log.trials[0].trial_id]).conflicts == []
    assert log_sizes(layout.trials("e"))[name] == NO_LOG


@pytest.mark.parametrize(
    "event",
    [
        recorded(metrics={"m": math.nan}),
        recorded(metrics={"m": math.inf}),
        recorded(trial_id=""),
        recorded(variant=""),
        recorded(at=math.nan),
        recorded(trial_id="\ud800"),
        recorded(fingerprint={"x": "y" * (1 << 20)}),
        TrialEvent(EventKind.EXCLUDED, 1.0, "t", "control"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(layout, disk, event):
    """A batch with an event that reading would set aside is refused whole."""
    with pytest.raises(UsageError):
        append_events(layout, disk, "h-0", "e", [recorded("good"), event])
    assert len(read_trials(layout, "e").trials) == 0


def encodable(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


names = st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable())
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**300), 10**300)


@given(
    trial_id=st.text(min_size=1, max_size=30).filter(encodable),
    unit=st.none() | names,
    metrics=st.dictionaries(names, numbers, max_size=5),
    at=st.floats(0, 1e11),
)
def test_what_is_written_is_read_back(tmp_path_factory, trial_id, unit, metrics, at):
    """Any event that is accepted comes back as it was, whatever its texts hold."""
    layout = Layout(tmp_path_factory.mktemp("root"))
    event = recorded(trial_id, at, unit=unit, metrics=metrics)
    write_log(layout, encode_event(event))
    (trial,) = read_trials(layout, "e").trials
    assert (trial.trial_id, trial.unit) == (trial_id, unit or trial_id)
    assert trial.metrics == {name: float(value) for name, value in metrics.items()}
    assert trial.closed_at == at


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
field_names = st.sampled_from(
    ["event", "at", "trial_id", "variant", "unit", "status", "metrics", "fingerprint", "reason"]
)


@given(st.lists(st.binary(max_size=40) | st.dictionaries(field_names, json_values), max_size=8))
def test_no_line_is_fatal_or_lost(tmp_path_factory, pieces):
    """Whatever stands in a log, each line is used or set aside, and the good ones count."""
    layout = Layout(tmp_path_factory.mktemp("root"))
    given_lines = [
        piece.replace(b"\n", b"")
        if isinstance(piece, bytes)
        else (line(**piece).strip().encode() if piece else b"")
        for piece in pieces
    ]
    good = line(trial_id="good", metrics={}).encode()
    write_log(layout, b"\n".join([*given_lines, good]))
    log = read_trials(layout, "e")
    used = {trial.trial_id for trial in log.trials}
    assert "good" in used
    blank = sum(not _text(item).strip() for item in given_lines)
    assert len(given_lines) - blank - log.set_aside_count >= len(used) - 1


def _text(data):
    return data.decode("utf-8", "replace")


def test_trials_behave_as_a_sequence(layout):
    """The trials can be counted, indexed, sliced and iterated again and again."""
    write_log(layout, "".join(line(trial_id=f"t{n}", unit=f"u{n}", at=n) for n in range(5)))
    trials = read_trials(layout, "e").trials
    assert [trial.trial_id for trial in trials] == ["t0", "t1", "t2", "t3", "t4"]
    assert trials[-1] == list(trials)[-1]
    assert [trial.trial_id for trial in trials[1:3]] == ["t1", "t2"]
    assert json.dumps([dict(trial.metrics) for trial in trials])
