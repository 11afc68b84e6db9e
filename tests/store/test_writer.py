"""An acknowledged trial is never lost and never counted twice."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter

import pytest
from tests.faults import FATAL, REFUSING, Crash, FaultyFileSystem, count_operations, every_fault
from tests.sealing import own_seal
from tests.store.making import (
    append_batches,
    append_events,
    assign,
    load_trials,
    read_trials,
    recorded,
)

from meta_experiment.errors import StorageError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.store.local import writer as writer_module
from meta_experiment.store.local.writer import Writer

WRITERS, TRIALS = 8, 25
ARMS = ("control", "treatment")


def test_fault_at_every_operation(tmp_path):
    """Acknowledged trials survive any fault; refused ones may be sent again and count once."""

    def batches(layout, files, acknowledged):
        for number in range(3):
            batch = [recorded(f"t{number}-{item}", 10.0 * number) for item in range(2)]
            append_events(layout, files, "host-0", "e", batch)
            acknowledged.extend(event.trial_id for event in batch)

    operations = count_operations(lambda files: batches(Layout(tmp_path / "count"), files, []))
    for index, files in enumerate(every_fault(operations)):
        layout, acknowledged = Layout(tmp_path / str(index)), []
        with pytest.raises((Crash, StorageError)):
            batches(layout, files, acknowledged)
        assert files.fired
        stored = [trial.trial_id for trial in read_trials(layout, "e").trials]
        assert set(acknowledged) <= set(stored)
        assert set(acknowledged) == set(stored) or files.fault in FATAL
        batches(layout, FileSystem(), [])
        log = read_trials(layout, "e")
        assert sorted(trial.trial_id for trial in log.trials) == sorted(
            f"t{number}-{item}" for number in range(3) for item in range(2)
        )
        assert log.conflict_count == 0
        assert log.set_aside_count <= 1


def test_refused_batch_is_taken_back_from_every_log(tmp_path, disk):
    """When one of several logs cannot be written, none holds a trial that was refused."""
    batches = {name: [recorded(f"new-{name}")] for name in "abc"}

    def prepared(name):
        layout = Layout(tmp_path / name)
        append_events(layout, disk, "h-0", "a", [recorded("old")])
        return layout

    counted = prepared("count")
    operations = count_operations(lambda files: append_batches(counted, files, "h-0", batches))
    for index, files in enumerate(every_fault(operations, REFUSING)):
        layout = prepared(str(index))
        with pytest.raises(StorageError):
            append_batches(layout, files, "h-0", batches)
        stored = [
            trial.trial_id for name in "abc" for trial in read_trials(layout, name).trials
        ]
        assert stored == ["old"]
        append_batches(layout, disk, "h-0", batches)
        assert len(read_trials(layout, "a").trials) == 2


def test_batch_is_acknowledged_by_one_sync(layout, monkeypatch):
    """A batch is one write and one synchronisation, however many trials it has."""
    append_events(layout, FileSystem(), "h-0", "e", [recorded("first")])
    files = FaultyFileSystem()
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(1), real(descriptor)))
    append_events(layout, files, "h-0", "e", [recorded(f"t{n}") for n in range(100)])
    assert [name for name, _ in files.operations] == ["append"]
    assert len(synced) == 1


def test_empty_batch_writes_nothing(layout, disk):
    """Nothing to say leaves no file."""
    append_events(layout, disk, "h-0", "e", [])
    assert not layout.all_trials.exists()


def test_names_are_exclusive_and_used_again(layout):
    """Living writers have different names; the name of one that left is taken up again."""
    with (
        Writer(layout, lambda: own_seal(layout.root)) as first,
        Writer(layout, lambda: own_seal(layout.root)) as second,
    ):
        assert first.name != second.name
        assert first.name == first.name
        kept = first.name
        first.release()
        with Writer(layout, lambda: own_seal(layout.root)) as third:
            assert third.name == kept


def test_name_is_safe_and_found_without_locks(layout, monkeypatch):
    """A machine with an odd name, and a place without locks, still give a usable name."""
    monkeypatch.setattr(writer_module, "machine", lambda: "../Büro pc\n")
    layout.meta.mkdir(parents=True)
    layout.locks.write_text("in the way")
    with Writer(layout, lambda: own_seal(layout.root)) as writer:
        assert writer.name.isascii()
        assert not set(writer.name) & set("/. \n")
        assert str(os.getpid()) in writer.name


def test_forked_child_claims_a_name_of_its_own(layout):
    """A child does not go on writing under its parent's name."""
    with Writer(layout, lambda: own_seal(layout.root)) as writer:
        name = writer.name
        context = multiprocessing.get_context("fork")
        queue = context.SimpleQueue()
        child = context.Process(target=lambda: queue.put(writer.name))
        child.start()
        assert queue.get() != name
        child.join()
        assert child.exitcode == 0


def _work(root, worker, barrier):
    layout, files = Layout(root), FileSystem()
    barrier.wait()
    with Writer(layout, lambda: own_seal(layout.root)) as writer:
        for number in range(TRIALS):
            unit = f"shared-{number}" if worker % 2 else f"own-{worker}-{number}"
            drawn = assign(
                layout,
                files,
                "e",
                unit,
                lambda position: ARMS[position % 2],
                at=number,
                wait=60,
            )
            event = recorded(drawn.trial_id, number, drawn.variant, unit)
            append_events(layout, files, writer.name, "e", [event])
            if number % 5 == 0:
                append_events(layout, files, writer.name, "e", [event])


@pytest.mark.long
def test_eight_writers_at_once(tmp_path):
    """Eight processes at once lose no trial, double none, and keep the arms balanced."""
    own_seal(tmp_path)  # tests write the key without a lock
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(WRITERS)
    workers = [
        context.Process(target=_work, args=(tmp_path, worker, barrier))
        for worker in range(WRITERS)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * WRITERS
    layout = Layout(tmp_path)
    log = read_trials(layout, "e")
    assert len(log.trials) == WRITERS * TRIALS
    assert (log.set_aside_count, log.conflict_count) == (0, 0)
    assert all(trial.metrics == {"duration_seconds": 1.5} for trial in log.trials)
    arms = {}
    for trial in log.trials:
        assert arms.setdefault(trial.unit, trial.variant) == trial.variant
    units = TRIALS * (WRITERS // 2) + TRIALS
    assert len(arms) == units
    counts = Counter(arms.values())
    assert abs(counts["control"] - counts["treatment"]) <= units % 2
    assert {trial.order for trial in log.trials} == set(range(units))
    assert list(load_trials(layout, FileSystem(), "e").trials) == list(log.trials)
