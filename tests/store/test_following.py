"""Who reads the same trials again and again gets what one reading from the beginning gives."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import logs
from tests.store.making import (
    append_events,
    line,
    load_trials,
    read_trials,
    recorded,
    write_log,
)
from tests.store.test_summaries import (
    _cut,
    _edited_and_more,
    _other_end_and_more,
    _other_middle,
    _other_middle_and_more,
    _renamed,
    events,
)

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.store.fold import fold
from meta_experiment.store.local.reading import summaries
from meta_experiment.store.local.reading.following import Following
from meta_experiment.store.trial_log import Conflict, EventKind, TrialEvent
from meta_experiment.types import TrialStatus

CHANGES = [
    _cut,
    _edited_and_more,
    _other_end_and_more,
    _other_middle,
    _other_middle_and_more,
    _renamed,
]


class Reader:
    """One that follows the logs of a root."""

    def __init__(self, layout):
        self.layout = layout
        self.following = Following(layout, FileSystem(), "e")

    def log(self):
        return self.following.log(logs.counting(self.layout.root), ())

    def same(self):
        """Read, and compare with a reading from the beginning."""
        found, read = self.log(), read_trials(self.layout, "e")
        assert found.trials == tuple(read.trials)
        assert found.set_aside == read.set_aside
        assert found.set_aside_count == read.set_aside_count
        assert found.conflicts == read.conflicts
        assert found.conflict_count == read.conflict_count
        assert (found.apart, found.sources) == (read.apart, read.sources)
        return found


@pytest.fixture
def reader(layout):
    return Reader(layout)


@pytest.mark.long
@settings(max_examples=40)
@given(st.lists(events, max_size=20, unique_by=lambda event: event.at), st.randoms())
def test_every_look_is_the_same_as_one_from_the_beginning(tmp_path_factory, given_events, rng):
    layout, disk = Layout(tmp_path_factory.mktemp("root")), FileSystem()
    reader = Reader(layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summaries, "WORTHWHILE", 1)
        for event in given_events:
            append_events(layout, disk, f"w-{rng.randrange(3)}", "e", [event])
            if rng.random() < 0.2:
                load_trials(layout, disk, "e")
            if rng.random() < 0.6:
                reader.same()
        reader.same()


OK, ERROR = TrialStatus.OK, TrialStatus.ERROR


@pytest.mark.parametrize(
    ("said", "what", "stands"),
    [
        ([{"metrics": {"m": value}} for value in (0, 1, 0)], "m", 0),
        ([{"status": status} for status in (OK, ERROR, OK)], "status", OK),
        ([{"variant": name} for name in ("control", "other", "control")], "variant", "control"),
        ([{"unit": name} for name in (None, "u", "v")], "unit", "u"),
        ([{"unit": name} for name in ("u", None, "v", "u")], "unit", "u"),
    ],
)
def test_what_stands_and_what_disagrees_is_the_same_in_every_order(
    tmp_path_factory, disk, said, what, stands
):
    """The first value by time stands, and its point is one conflict, told once."""
    for order in permutations(enumerate(said)):
        reader = Reader(Layout(tmp_path_factory.mktemp("root")))
        for at, more in order:
            event = recorded(at=float(at), **({"metrics": {}} | more))
            append_events(reader.layout, disk, f"w-{at}", "e", [event])
            found = reader.same()
        assert (found.conflicts, found.conflict_count) == ((Conflict("t1", what),), 1)
        [trial] = found.trials
        assert trial.metrics.get(what, getattr(trial, what, None)) == stands


@pytest.mark.parametrize(
    ("what", "values"),
    [
        ("metrics", ({"m": 1.0}, {"m": 2.0})),
        ("status", (OK, ERROR)),
        ("variant", ("control", "other")),
        ("unit", ("u", "v")),
        ("fingerprint", ({"model": "a"}, {"model": "b"})),
    ],
)
def test_of_one_moment_the_first_file_stands(layout, disk, reader, monkeypatch, what, values):
    """Two writers at the same time: which was read first says nothing."""
    monkeypatch.setattr(summaries, "WORTHWHILE", 1)
    for name, value in zip(("w-1", "w-0"), values, strict=True):
        load_trials(layout, disk, "e")
        append_events(layout, disk, name, "e", [recorded(**{what: value})])
        trial = reader.same().trials[0]
        assert getattr(trial, what) == value
    assert load_trials(layout, disk, "e").trials[0] == trial


def test_names_of_metrics_find_room_in_the_order_of_the_files(
    layout, disk, reader, monkeypatch
):
    """Where there are too many, those of the first file are kept."""
    monkeypatch.setattr(fold, "METRIC_LIMIT", 1)
    for at, name in enumerate(("w-1", "w-0")):
        event = recorded(name, float(at), metrics={name: 1.0})
        append_events(layout, disk, name, "e", [event])
        found = reader.same()
    assert [trial.metrics for trial in found.trials] == [{"w-0": 1.0}]


@pytest.mark.parametrize("outcome_unit", ["u", None])
def test_own_outcome_says_when_the_unit_was_named(layout, disk, reader, outcome_unit):
    """A line of our own that names the unit sooner is as good as any other."""
    told = [(EventKind.EXPOSED, 1.0, None), (EventKind.EXPOSED, 9.0, "u")]
    for kind, at, unit in told:
        append_events(layout, disk, "w-0", "e", [TrialEvent(kind, at, "t1", "control", unit)])
        reader.same()
    append_events(layout, disk, "w-1", "e", [recorded(at=7.0, unit=outcome_unit)])
    reader.same()
    append_events(layout, disk, "w-2", "e", [recorded(at=8.0, unit="v")])
    assert reader.same().trials[0].unit == (outcome_unit or "v")


def test_the_same_details_are_kept_whenever_they_are_read(layout, disk, reader, monkeypatch):
    """Of more than are kept, those stand that come first in the files."""
    monkeypatch.setattr(fold, "KEPT", 3)
    for at, name in enumerate(("w-2", "w-1", "w-0")):
        path = write_log(layout, "damaged\n" * 7, name)
        for value in (1.0, 2.0):
            event = recorded(f"{name}-t", at + value / 10, metrics={"m": value})
            append_events(layout, disk, name, "e", [event])
        assert path.name == reader.same().set_aside[0].source
    assert [it.source for it in reader.same().set_aside] == ["w-0.jsonl"] * 3


def test_only_what_is_new_is_read_and_what_was_given_out_stays(layout, disk, reader):
    append_events(layout, disk, "h-0", "e", [recorded(f"t{n}") for n in range(50)])
    before = reader.same()
    kept = before.trials
    append_events(layout, disk, "h-0", "e", [recorded("new", at=1.0)])
    after = reader.same()
    assert 0 < after.bytes_read < before.bytes_read / 10
    assert before.trials == kept
    assert len(after.trials) == 51
    assert reader.same().bytes_read == 0


@pytest.mark.parametrize("change", CHANGES)
def test_a_log_that_does_not_only_grow_is_read_anew(layout, reader, change):
    path = write_log(
        layout,
        "".join(line(trial_id=f"h-0-{n}", unit=f"u{n}", metrics={"m": n}) for n in range(40)),
        "h-0",
    )
    reader.same()
    change(path)
    reader.same()
