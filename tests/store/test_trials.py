"""Logs are read into trials: nothing lost, nothing double, nothing silently dropped."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.making import (
    append_events,
    assign,
    line,
    read_trials,
    recorded,
    write_log,
)

from meta_experiment.errors import UsageError
from meta_experiment.files.headway import heard_by
from meta_experiment.files.roots import Layout
from meta_experiment.store.fold.events import encode_event
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
            covariates={"argument_length": 40, "output_tokens": 7.5},
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
    assert trial.covariates == {"argument_length": 40.0, "output_tokens": 7.5}
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


@pytest.mark.long
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


def test_reading_tells_how_far_it_is_over_all_logs(layout, disk):
    """By bytes, to the end; what was read before is no part of it."""
    for writer in ("host-0", "host-1"):
        event = TrialEvent(EventKind.ASSIGNED, 10.0, f"t-{writer}", "treatment", writer)
        append_events(layout, disk, writer, "e", [event] * 3)
    heard = []
    with heard_by(lambda doing, share: heard.append((doing, share))):
        read_trials(layout, "e")
    assert {doing for doing, _ in heard} == {"reading trials"}
    shares = [share for _, share in heard]
    assert shares == sorted(shares)
    assert 0.0 < shares[0] < shares[-1] == pytest.approx(1.0)
