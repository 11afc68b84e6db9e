"""A damaged line costs itself alone, and is told."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, replace

import pytest
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
from tests.store.test_trials import reasons

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.model.instants import to_text
from meta_experiment.store.fold.fold import METRIC_LIMIT
from meta_experiment.store.local.logs import NO_LOG, log_sizes
from meta_experiment.types import TrialStatus


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
    covariates: dict = field(default_factory=dict)


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
    assert [item.source for item in log.set_aside] == ["z.jsonl"]


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
