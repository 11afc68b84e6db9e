"""One sequence for all processes: sticky, gapless, repaired after a crash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.faults import FATAL, Crash, FaultyFileSystem, count_operations, every_fault
from tests.logs import lines
from tests.logs import store as store_of
from tests.store.making import assign, assign_apart, read_trials, sequence

from meta_experiment.errors import LockedError, StorageError, UsageError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.protocol.sequence import parse_assignment


def alternating(position):
    return ("control", "treatment")[position % 2]


def never(position):
    raise AssertionError(f"drawn again for position {position}")


def test_positions_count_units_not_trials(layout, disk):
    """A new unit takes the next position; a unit seen before keeps its variant and position."""
    first = assign(layout, disk, "e", "a", alternating, at=1.0)
    second = assign(layout, disk, "e", "b", alternating, at=2.0)
    again = assign(layout, disk, "e", "a", never, at=3.0)
    third = assign(layout, disk, "e", "c", alternating, at=4.0)
    assert [item.position for item in (first, second, again, third)] == [0, 1, 0, 2]
    assert [item.variant for item in (first, second, again, third)] == [
        "control",
        "treatment",
        "control",
        "control",
    ]
    assert [item.repeated for item in (first, second, again, third)] == [
        False,
        False,
        True,
        False,
    ]
    assert len({item.trial_id for item in (first, second, again, third)}) == 4


def test_lines_are_as_documented(layout, disk):
    """The file holds count, unit, variant, trial and milliseconds, for readers without JSON."""
    assign(layout, disk, "e", "a", alternating, at=1.5, new_id=lambda: "t1")
    assign(layout, disk, "e", "a", alternating, at=2.0, new_id=lambda: "t2")
    assign(layout, disk, "e", "b", alternating, at=2.5, new_id=lambda: "t3")
    assert lines(sequence(layout)).decode() == (
        "1\ta\tcontrol\tt1\t1500\n1\ta\tcontrol\tt2\t2000\n2\tb\ttreatment\tt3\t2500\n"
    )


def test_unit_named_like_a_variant_or_number(layout, disk):
    """A unit is found in its own column only."""
    units = ["control", "treatment", "t1", "1", "1000"]
    for index, unit in enumerate(units):
        drawn = assign(layout, disk, "e", unit, alternating, at=1.0, new_id=lambda: "t1")
        assert (drawn.position, drawn.repeated) == (index, False)
    for index, unit in enumerate(units):
        assert assign(layout, disk, "e", unit, never, at=2.0).position == index


@pytest.mark.long
@given(
    st.lists(
        st.text(min_size=1, max_size=8).filter(
            lambda t: t.encode("utf-8", "ignore").decode() == t
        )
    )
)
def test_any_text_is_a_unit(tmp_path_factory, units):
    """Tabs, newlines and backslashes in a unit neither break the file nor its stickiness."""
    layout, disk = Layout(tmp_path_factory.mktemp("root")), FileSystem()
    first = {}
    for unit in units:
        drawn = assign(layout, disk, "e", unit, alternating, at=1.0)
        assert first.setdefault(unit, (drawn.position, drawn.variant)) == (
            drawn.position,
            drawn.variant,
        )
    assert sorted(position for position, _ in first.values()) == list(range(len(first)))
    trials = read_trials(layout, "e").trials
    assert {trial.unit for trial in trials} == set(units)
    assert all(first[trial.unit] == (trial.order, trial.variant) for trial in trials)


@pytest.mark.parametrize("unit", ["", "x" * 5000, "\ud800"])
def test_impossible_units_are_refused(layout, disk, unit):
    """A unit that could not be stored is refused before anything is written."""
    with pytest.raises(UsageError):
        assign(layout, disk, "e", unit, alternating, at=1.0)
    assert not sequence(layout).exists()


@pytest.mark.parametrize("tail", [b"3", b"3\tc\tcontr", b"3\tc\tcontrol\tt\t99", b"\0\0\0\0"])
def test_torn_tail_is_cut_off(layout, disk, tail):
    """What a crash left of a line is no assignment, and the next one takes its place."""
    for unit in "ab":
        assign(layout, disk, "e", unit, alternating, at=1.0)
    whole = sequence(layout).read_bytes()
    sequence(layout).write_bytes(whole + tail)
    drawn = assign(layout, disk, "e", "c", alternating, at=2.0, new_id=lambda: "t")
    assert (drawn.position, drawn.repeated) == (2, False)
    assert sequence(layout).read_bytes() == whole + b"3\tc\tcontrol\tt\t2000\n"


def test_damaged_last_line_does_not_restart_the_count(layout, disk):
    """A whole but senseless last line is passed over when positions are counted."""
    for unit in "abc":
        assign(layout, disk, "e", unit, alternating, at=1.0)
    with sequence(layout).open("ab") as stream:
        stream.write(b"garbage\n\n")
    assert assign(layout, disk, "e", "d", alternating, at=2.0).position == 3


def test_held_sequence_is_told_at_once(layout, disk):
    """Nobody waits for the sequence longer than fifty milliseconds."""
    with FileLock(layout.lock("e.assign")), pytest.raises(LockedError):
        assign(layout, disk, "e", "a", alternating, at=1.0)


def test_drawing_apart_is_sticky_and_joins_the_sequence(layout, disk):
    """A unit drawn while the sequence was held keeps its variant when it joins later."""
    store = store_of(layout, disk)
    assign(layout, disk, "e", "a", alternating, at=1.0)
    with FileLock(layout.lock("e.assign")):
        apart = store.assign("e", "b", never, 2.0, draw_apart=lambda: "control")
        known = store.assign("e", "a", never, 2.0, draw_apart=lambda: "treatment")
    assert (apart.variant, apart.position, apart.repeated) == ("control", None, False)
    assert (known.variant, known.position, known.repeated) == ("control", 0, True)
    again = assign_apart(layout, disk, "e", "b", lambda: "treatment", writer="other-0", at=3.0)
    assert (again.variant, again.repeated) == ("control", True)
    joined = store.assign("e", "b", never, 4.0)
    assert (joined.variant, joined.position, joined.repeated) == ("control", 1, True)
    trials = read_trials(layout, "e").trials
    assert [(trial.unit, trial.variant, trial.order) for trial in trials] == [
        ("a", "control", 0),
        ("a", "control", 0),
        ("b", "control", 1),
        ("b", "control", 1),
        ("b", "control", 1),
    ]


def test_without_another_draw_the_lock_is_an_error(layout, disk):
    """A caller that gives no way to draw apart learns that the sequence is held."""
    with FileLock(layout.lock("e.assign")), pytest.raises(LockedError):
        store_of(layout, disk).assign("e", "a", alternating, 1.0)


def test_lines_are_read_or_refused():
    """A line that is not an assignment in every field is none."""
    assert parse_assignment("2\tu\\t1\tcontrol\tt\t1500") == (2, ("t", "control", "u\t1", 1.5))
    for bad in (
        "",
        "2\tu\tv\tt",
        "x\tu\tv\tt\t1",
        "2\tu\tv\tt\t-1",
        "²\tu\tv\tt\t1",
        "2\tu\tv\tt\t1\t",
    ):
        assert parse_assignment(bad) is None


def test_fault_at_every_operation(tmp_path):
    """Whatever fails, earlier units keep their variant and the sequence has no gap."""

    def scenario(root):
        layout = Layout(root)

        def run(files):
            assign(layout, files, "e", "a", alternating, at=1.0)
            sequence(layout).open("ab").close()
            assign(layout, files, "e", "b", alternating, at=2.0)

        return layout, run

    (tmp_path / "count").mkdir()
    operations = count_operations(scenario(tmp_path / "count")[1])
    for index, files in enumerate(every_fault(operations)):
        layout, run = scenario(tmp_path / str(index))
        with pytest.raises((Crash, StorageError)):
            run(files)
        assert files.fired
        drawn = [assign(layout, FileSystem(), "e", unit, alternating, at=3.0) for unit in "abc"]
        assert [item.position for item in drawn] == [0, 1, 2]
        assert [item.variant for item in drawn] == ["control", "treatment", "control"]
        log = read_trials(layout, "e")
        assert log.set_aside_count == 0


def test_repair_that_fails_leaves_the_tail_for_the_next(layout, disk):
    """A crash while a torn tail is cut off costs nothing."""
    assign(layout, disk, "e", "a", alternating, at=1.0)
    with sequence(layout).open("ab") as stream:
        stream.write(b"2\tb\tcon")
    for mode in FATAL:
        with pytest.raises(Crash):
            assign(layout, FaultyFileSystem(1, mode), "e", "b", alternating, at=2.0)
    assert assign(layout, disk, "e", "b", alternating, at=2.0).position == 1
    assert read_trials(layout, "e").set_aside_count == 0


def test_line_is_durable_on_return_but_not_under_the_lock(layout, disk):
    """The line is synchronised, after the sequence was let go."""

    class Watching(FileSystem):
        synced = False

        def sync_file(self, path):
            with FileLock(layout.lock("e.assign"), timeout=0):
                self.synced = True
            super().sync_file(path)

    assign(layout, disk, "e", "a", alternating, at=1.0)
    watching = Watching()
    assign(layout, watching, "e", "b", alternating, at=1.0)
    assert watching.synced


@pytest.mark.long
@given(st.lists(st.lists(st.binary(max_size=12), max_size=6).map(b"\t".join), max_size=6))
def test_no_damage_of_the_sequence_is_fatal(tmp_path_factory, lines):
    """Whatever stands in the sequence, units are assigned, sticky, and read back."""
    layout, disk = Layout(tmp_path_factory.mktemp("root")), FileSystem()
    assign(layout, disk, "e", "before", alternating, at=1.0)
    with sequence(layout).open("ab") as stream:
        stream.write(b"\n".join(lines))
    for unit in ("before", "after"):
        drawn = assign(layout, disk, "e", unit, alternating, at=2.0)
        again = assign(layout, disk, "e", unit, never, at=3.0)
        assert (again.variant, again.position) == (drawn.variant, drawn.position)
    trials = read_trials(layout, "e").trials
    assert sum(trial.unit == "after" for trial in trials) >= 2


@pytest.mark.parametrize(
    "bad",
    [b"9" * 5000 + b"\tu\tv\tt\t1", b"9999999999\tu\tv\tt\t1", b"2\tu\tv\xff\tt\t1"],
)
def test_impossible_lines_are_passed_over(layout, disk, bad):
    """A count beyond all bounds or a variant that is no text does not stop the sequence."""
    assign(layout, disk, "e", "a", alternating, at=1.0)
    with sequence(layout).open("ab") as stream:
        stream.write(bad + b"\n")
    drawn = assign(layout, disk, "e", "u", alternating, at=2.0)
    assert drawn.position in (1, 2)
    assert drawn.variant in ("control", "treatment")
    log = read_trials(layout, "e")
    assert (len(log.trials), log.set_aside_count) == (2, 1)
