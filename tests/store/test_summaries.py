"""What is remembered of the logs never differs from the logs."""

from __future__ import annotations

import os
import random
import shutil
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.faults import Crash, count_operations, every_fault
from tests.logs import lines, own_log
from tests.sealing import own_seal
from tests.store.making import (
    append_events,
    assign,
    body,
    line,
    load_trials,
    log_checksums,
    read_trials,
    recorded,
    write_log,
)

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.store.local import checksums
from meta_experiment.store.local.reading import summaries
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import TrialStatus

BIG = 500  # lines; enough to be worth remembering


def big_log(layout, count=BIG, writer="h-0"):
    return write_log(
        layout,
        "".join(
            line(
                trial_id=f"{writer}-{number}",
                unit=f"unit-{number // 3}",
                at=1000.0 + number,
                variant=("control", "treatment")[number // 3 % 2],
                metrics={"m": number / 7, "n": number} if number % 2 else {"m": number},
                fingerprint={"model": f"m{number % 3}"},
            )
            for number in range(count)
        ),
        writer,
    )


def same(layout, disk):
    """Load with the summary and compare with the logs alone."""
    loaded, read = load_trials(layout, disk, "e"), read_trials(layout, "e")
    assert list(loaded.trials) == list(read.trials)
    assert loaded.set_aside == read.set_aside
    assert loaded.set_aside_count == read.set_aside_count
    assert (loaded.conflicts, loaded.conflict_count) == (read.conflicts, read.conflict_count)
    assert loaded.sources == read.sources
    return loaded


def test_second_look_reads_nothing_and_later_ones_only_what_is_new(layout, disk):
    """Only bytes that were added since the last look are read again."""
    path = big_log(layout)
    assert same(layout, disk).bytes_read == body(path)
    assert same(layout, disk).bytes_read == 0
    append_events(layout, disk, "h-0", "e", [recorded("new", unit="u-new")])
    append_events(layout, disk, "h-1", "e", [recorded("other", unit="u-new")])
    log = same(layout, disk)
    assert 0 < log.bytes_read < 500
    assert {"new", "other"} < {trial.trial_id for trial in log.trials}


def test_small_logs_are_not_remembered(layout, disk):
    """A log that is read in a moment leaves no summary."""
    write_log(layout, line())
    same(layout, disk)
    assert not layout.summaries("e").exists()


def test_everything_of_a_fold_is_remembered(layout, disk):
    """Damage, conflicts, exclusions, late values and positions survive being remembered."""
    for unit in ("unit-5", "unit-1"):
        assign(layout, disk, "e", unit, lambda _: "control", at=5.0)
    with big_log(layout).open("a") as stream:
        stream.write("damaged\n" + line(trial_id="h-0-1", metrics={"m": -5}, at=1e6))
        stream.write(line(trial_id="h-0-2", metrics={"late": 5}, at=1e6, status=None))
    append_events(
        layout,
        disk,
        "h-0",
        "e",
        [TrialEvent(EventKind.EXCLUDED, 1.0, "h-0-3", "control", reason="r")],
    )
    first = same(layout, disk)
    second = same(layout, disk)
    assert second.bytes_read == 0
    assert (second.set_aside_count, second.conflicts) == (1, first.conflicts)
    assert first.conflict_count == second.conflict_count > 0
    append_events(layout, disk, "h-0", "e", [recorded("h-0-2", 10.0, metrics={"late": 7})])
    trials = {trial.trial_id: trial for trial in same(layout, disk).trials}
    assert trials["h-0-2"].metrics["late"] == 7.0
    assert trials["h-0-3"].excluded == "r"
    assert trials["h-0-15"].order == 0


def _cut(log):
    written = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(written[:-3]))


def _other_end_and_more(log):
    data = log.read_bytes()
    log.write_bytes(data[:-40] + data[-40:].replace(b"1", b"2") + line(trial_id="x").encode())


def _other_middle(log):
    with log.open("r+b") as stream:
        stream.seek(log.read_bytes().index(b'"h-0-7"'))
        stream.write(b'"h-0-x"')
    os.utime(log, (2e9, 2e9))  # an edit within the same tick of the clock cannot be seen


def _other_middle_and_more(log):
    with log.open("r+b") as stream:
        stream.seek(log.read_bytes().index(b'"h-0-7"'))
        stream.write(b'"h-0-x"')
    with log.open("a") as stream:
        stream.write(line(trial_id="after"))


def _edited_and_more(log):
    edited = log.with_name("copy")
    edited.write_bytes(log.read_bytes().replace(b'"h-0-7"', b'"h-0-x"') + line().encode())
    edited.replace(log)


def _renamed(log):
    root, text = log.parents[4], lines(log)
    log.unlink()
    own_log(root, "e", "h-9.jsonl", text)  # as the head of a log holds for its name


def _damaged(summary):
    data = bytearray(summary.read_bytes())
    data[len(data) // 2] ^= 1
    summary.write_bytes(data)


def _shorter(summary):
    summary.write_bytes(summary.read_bytes()[:-10])


def _longer(summary):
    with summary.open("ab") as stream:
        stream.write(b"x")


def _senseless(summary):
    summary.write_bytes(b"[]\n")


def _other_version(summary):
    seal = own_seal(summary.parents[3])
    data = summary.read_bytes().partition(b"\n")[2]
    header, end, pieces = data.replace(b'"version": 8', b'"version": 9', 1).partition(b"\n")
    summary.write_bytes(seal.wrap(f"summary {summary.name}", header + end) + pieces)


@pytest.mark.parametrize(
    "change",
    [
        _cut,
        _other_end_and_more,
        _other_middle,
        _other_middle_and_more,
        _edited_and_more,
        _renamed,
    ],
)
def test_changed_log_is_read_from_the_beginning(layout, disk, change):
    """A log that is not a continuation of what it was is read anew."""
    log = big_log(layout)
    load_trials(layout, disk, "e")
    change(log)
    total = sum(map(body, layout.trials("e").iterdir()))
    assert same(layout, disk).bytes_read == total


@pytest.mark.parametrize("change", [_damaged, _shorter, _longer, _senseless, _other_version])
def test_doubtful_summary_is_left_aside(layout, disk, change):
    """A summary that is damaged or of another program costs time, never the right result."""
    log = big_log(layout)
    load_trials(layout, disk, "e")
    change(layout.summaries("e"))
    assert same(layout, disk).bytes_read == body(log)
    assert same(layout, disk).bytes_read == 0


@pytest.mark.long
def test_summary_that_cannot_be_written_is_no_failure(layout, disk):
    """The trials are there even when no summary can be kept, and no crash spoils one."""
    path = big_log(layout)
    operations = count_operations(lambda files: load_trials(layout, files, "e"))
    for files in every_fault(operations):
        shutil.rmtree(layout.summaries("e").parent, ignore_errors=True)
        with suppress(Crash):
            assert len(load_trials(layout, files, "e").trials) == BIG
        assert files.fired
        assert len(same(layout, disk).trials) == BIG
    with path.open("a") as stream:
        stream.write(line(trial_id="after"))
    assert len(same(layout, disk).trials) == BIG + 1


events = st.builds(
    lambda kind, at, trial, variant, unit, status, metrics, model, reason: TrialEvent(
        kind,
        float(at),
        f"t{trial}",
        variant,
        unit,
        status=status if kind is EventKind.RECORDED else None,
        metrics=metrics if kind is EventKind.RECORDED else {},
        fingerprint={"model": model} if kind is EventKind.RECORDED and model else {},
        reason=reason if kind is EventKind.EXCLUDED else None,
    ),
    st.sampled_from(EventKind),
    st.integers(0, 1000),
    st.integers(0, 4),
    st.sampled_from(["control", "treatment"]),
    st.none() | st.sampled_from(["u0", "u1"]),
    st.none() | st.sampled_from(TrialStatus),
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), max_size=3),
    st.sampled_from(["", "m1", "m2"]),
    st.sampled_from(["r1", "r2"]),
)


@pytest.mark.long
@settings(max_examples=60)
@given(st.lists(events, max_size=25, unique_by=lambda event: event.at), st.randoms())
def test_result_does_not_depend_on_when_it_was_looked_at(tmp_path_factory, given_events, rng):
    """Many looks while several writers write give what one look at the end gives."""
    root, disk = tmp_path_factory.mktemp("root"), FileSystem()
    looked, at_end = Layout(root / "looked"), Layout(root / "end")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summaries, "WORTHWHILE", 1)
        for event in given_events:
            writer = f"w-{rng.randrange(3)}"
            append_events(looked, disk, writer, "e", [event])
            if rng.random() < 0.5:
                load_trials(looked, disk, "e")
        last = load_trials(looked, disk, "e")
    shuffled = list(given_events)
    rng.shuffle(shuffled)
    append_events(at_end, disk, "w-0", "e", shuffled)
    read = read_trials(at_end, "e")
    assert list(last.trials) == list(read.trials)
    assert (last.conflicts, last.conflict_count) == (read.conflicts, read.conflict_count)


def test_checksums_tell_where_a_log_differs(layout, disk, monkeypatch):
    """Every byte that was folded is compared, whatever was added since."""
    monkeypatch.setattr(checksums, "BLOCK", 4096)
    monkeypatch.setattr(summaries, "BLOCK", 4096)
    monkeypatch.setattr(summaries, "WORTHWHILE", 1)
    log = big_log(layout)
    assert log_checksums(layout, "e") == {}
    load_trials(layout, disk, "e")
    append_events(layout, disk, "h-0", "e", [recorded("more")] * 30)
    load_trials(layout, disk, "e")
    assert log_checksums(layout, "e") == {"h-0.jsonl": None}
    whole = log.read_bytes()
    for place in (100, 4095, 4096, 50_000, len(whole) - 2):
        log.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] + b"x\n")
        assert log_checksums(layout, "e") == {"h-0.jsonl": place // 4096 * 4096}
    log.write_bytes(whole[:5000])
    assert log_checksums(layout, "e") == {"h-0.jsonl": 5000}
    log.unlink()
    assert log_checksums(layout, "e") == {"h-0.jsonl": 0}


def test_many_names_are_kept_apart():
    """A pool of names gives each its own number, and each number its name."""
    from meta_experiment.store.fold.names import NamePool

    pool, rng = NamePool(), random.Random(5)  # noqa: S311
    known = {}
    for _ in range(20_000):
        name = f"{rng.randrange(8000)}-ü"
        assert pool.number(name) == known.setdefault(name, len(known))
    assert len(pool) == len(known)
    assert all(pool.name(number) == name for name, number in known.items())
