"""The draw on the way of a prompt: that of `assign`, in the files of the local store."""

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests import logs
from tests.live.stage import REPOSITORY
from tests.sealing import own_seal

from meta_experiment.assign.arms import arm_index, hashed_arm
from meta_experiment.assign.draw import arm_for, takes_part
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.live import exposure as drawing
from meta_experiment.live.exposure import counts, expose
from meta_experiment.protocol import log_head, places
from meta_experiment.protocol.sequence import parse_assignment
from meta_experiment.protocol.sessions import PromptRef, Session, list_sessions
from meta_experiment.store.local.assignments import assign
from meta_experiment.types import (
    Assignment,
    Direction,
    Metric,
    MetricKind,
    Plan,
    Scale,
    Variant,
)

METRIC = Metric("duration_seconds", MetricKind.CONTINUOUS, Direction.LOWER, Scale.LOG)


@pytest.mark.parametrize("method", ["block", "hash", "least_used", "weighted"])
@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 1.0, 1.0), (1.0, 3.0, 0.5)])
def test_the_draw_is_that_of_assign(stage, method, weights):
    arms = ["control", "a", "b"][: len(weights)]
    plan = Plan(
        name="p", hypothesis="h", files=("a.md",),
        variants=tuple(map(Variant, arms, weights)), primary=METRIC,
        assignment=Assignment(method), traffic=0.5,
    )  # fmt: skip
    entry = stage.run(
        unit="session", arms=arms, weights=list(weights), method=method, seed="seed",
        traffic=0.5, sequence="",
    )  # fmt: skip
    root = str(stage.root)
    drawn = [
        (unit, expose(Session(root, unit), entry, PromptRef("p", ""), 1.0))
        for unit in map(str, range(60))
    ]
    counted = [(unit, one.variant) for unit, one in drawn if one.trial is not None]
    assert counted == [
        (unit, arm_for(plan, "seed", unit, place)) for place, (unit, _) in enumerate(counted)
    ]
    assert [one.trial is not None for _, one in drawn] == [
        takes_part(plan, "seed", unit, 1.0) for unit, _ in drawn
    ]
    assert {one.variant for _, one in drawn if one.trial is None} == {"control"}
    assert 15 < len(counted) < 45


def test_before_and_after_its_dates_everybody_gets_the_control_and_counts_nowhere(stage):
    """The second of the start takes part, that of the end does not any more."""
    entry = stage.run(unit="session", sequence="11", opens=100.0, closes=200.0)
    moments = {"a": 99.9, "b": 100.0, "c": 199.9, "d": 200.0}
    root = str(stage.root)
    for unit, at in moments.items():
        seen = expose(Session(root, unit), entry, PromptRef("p", ""), at)
        within = 100 <= at < 200
        assert (seen.variant, seen.trial is not None) == (
            "treatment" if within else "control",
            within,
        )
        assert counts(Session(root, unit), entry, "p", at) is within
    assert [line[1] for line in stage.assignments()] == ["b", "c"]


def test_arms_stay_balanced_as_the_sequence_is_used_up(stage):
    entry = stage.run(sequence="11")
    root = str(stage.root)
    drawn = [
        expose(Session(root, "s"), entry, PromptRef(f"p{n}", ""), 1.0).variant
        for n in range(40)
    ]
    assert drawn[:2] == ["treatment", "treatment"]
    assert Counter(drawn[10:]) == {"control": 15, "treatment": 15}
    assert [int(line[0]) for line in stage.assignments()] == list(range(1, 41))


@pytest.mark.parametrize("method", ["block", "hash", "weighted"])
def test_units_of_an_arm_that_has_ended_get_the_control_and_count_nowhere(stage, method):
    """All others get what they would have got; a unit drawn for it before leaves it too."""
    arms = ["control", "a", "b"]
    given = {"unit": "session", "arms": arms, "weights": [1.0] * 3, "method": method}
    root = str(stage.root)
    entry = stage.run(**given, sequence="", ended=["b"])
    units = [f"u{number}" for number in range(40)]
    drawn = [expose(Session(root, unit), entry, PromptRef("p", ""), 1.0) for unit in units]
    expected = [
        arms[arm_index(method, [1.0] * 3, entry.seed, unit, place)]
        for place, unit in enumerate(units)
    ]
    assert set(expected) == set(arms)
    for unit, shown, arm in zip(units, drawn, expected, strict=True):
        assert shown.variant == ("control" if arm == "b" else arm)
        assert (shown.trial is None) is (arm == "b")
        assert counts(Session(root, unit), entry, "p", 1.0) is (arm != "b")
    lines = stage.assignments()
    assert [line[2] for line in lines] == expected
    unit = units[expected.index("b")]
    again = expose(Session(root, unit), entry, PromptRef("q", ""), 2.0)
    assert (again.variant, again.trial) == ("control", None)
    assert stage.assignments() == lines


def test_a_unit_leaves_an_arm_that_ends(stage):
    """Its open trial goes on to its end, and its next invocation is the control's."""
    root, before = str(stage.root), stage.run(unit="session", sequence="1")
    first = expose(stage.session(), before, PromptRef("p1", ""), 1.0)
    ended = stage.run(unit="session", sequence="1", ended=["treatment"])
    same = expose(stage.session(), ended, PromptRef("p1", ""), 2.0)
    assert (first.variant, same.variant) == ("treatment", "treatment")
    later = expose(stage.session(), ended, PromptRef("p2", ""), 3.0)
    assert (later.variant, later.trial) == ("control", None)
    elsewhere = Session(str(stage.home), "s1")
    apart = expose(Session(root, "s1"), ended, PromptRef("p3", ""), 3.0, elsewhere)
    assert (apart.variant, apart.trial) == ("control", None)
    assert len(stage.assignments()) == 1


def test_assign_and_serving_continue_each_other(stage):
    entry = stage.run(unit="session", sequence="0110")
    layout, seal = Layout(stage.root), own_seal(stage.root)
    first = expose(stage.session(), entry, PromptRef("p1", ""), 2.5)

    def draw(position):
        return entry.arms[int(entry.sequence[position])]

    told = assign(layout, FileSystem(), seal, entry.id, "s1", draw, at=3.0)
    assert (told.variant, told.repeated, told.position) == (first.variant, True, 0)
    new = assign(layout, FileSystem(), seal, entry.id, "s\t2", draw, at=3.0)
    again = expose(stage.session("s-2"), entry, PromptRef("p", ""), 4.0)
    assert (new.variant, again.variant) == ("treatment", "treatment")
    assert [line[0] for line in stage.assignments()] == ["1", "1", "2", "3"]
    written = logs.lines(logs.sequence(stage.root, entry.id)).decode().splitlines()
    assert all(parse_assignment(line) for line in written)


def test_a_torn_line_is_cut_off_and_a_damaged_one_passed_over(stage):
    entry = stage.run(sequence="0011")
    name = logs.sequence(stage.root, "exp-1").name
    torn = b"1\tp0\tcontrol\tt\t5\nxx\n2\tp1\tcont"
    path = logs.own_log(stage.root, "exp-1", name, torn)
    assert expose(stage.session("s"), entry, PromptRef("p1", ""), 1.0).variant == "control"
    whole = [line[:3] for line in stage.assignments()]
    assert whole == [["1", "p0", "control"], ["xx"], ["2", "p1", "control"]]
    assert path.read_bytes().endswith(b"\n")


def test_a_lock_that_cannot_be_had_is_waited_for_briefly_and_agreed_upon_apart(stage):
    entry = stage.run(unit="session")
    root = str(stage.root)
    path = Path(places.lock(root, "exp-1.assign"))
    path.parent.mkdir(parents=True)
    with path.open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        start = time.monotonic()
        drawn = [
            expose(Session(root, "s9"), entry, PromptRef(prompt, ""), 1.0) for prompt in "aab"
        ]
        assert time.monotonic() - start < 10  # seconds, for three waits of 50 ms
    assert stage.assignments() == []
    assert {one.variant for one in drawn} == {
        entry.arms[hashed_arm(entry.weights, entry.seed, "s9")]
    }
    assert drawn[0].trial.trial_id == drawn[1].trial.trial_id != drawn[2].trial.trial_id
    apart = logs.drawn_apart(stage.root, "exp-1").read_text()
    assert apart.count("\ts9\t") == 2
    # later it joins the sequence with the variant it has
    joined = expose(Session(root, "s9"), entry, PromptRef("c", ""), 1.0)
    assert joined.variant == drawn[0].variant
    assert stage.assignments()[0][:3] == ["1", "s9", joined.variant]


def test_a_part_of_a_prompt_waits_for_another_that_draws_however_slow_the_disk(
    stage, monkeypatch
):
    """Else it would draw apart, and the prompt were of two arms; other prompts draw apart."""
    entry = stage.run()
    apart = hashed_arm(entry.weights, entry.seed, "p1")
    entry = stage.run(sequence="01" if apart else "10")  # the other arm
    turn = PromptRef("p1", "")
    stage.session("s").write_turn(turn)
    monkeypatch.setattr(drawing, "WAIT", 0.01)
    monkeypatch.setattr(drawing, "_WAIT_OF_A_PROMPT", 240.0)
    read, locked = drawing.read_sequence, drawing.locked
    drawn, waits = [], threading.Event()

    def draw():
        drawn.append(expose(stage.session("s"), entry, turn, 1.0))

    def slow(*given):
        monkeypatch.setattr(drawing, "read_sequence", read)
        monkeypatch.setattr(
            drawing, "locked", lambda *it, **how: waits.set() or locked(*it, **how)
        )
        other.start()
        waits.wait()
        expose(stage.session("another"), entry, PromptRef("p2", ""), 1.0)
        return read(*given)

    other = threading.Thread(target=draw)
    monkeypatch.setattr(drawing, "read_sequence", slow)
    draw()
    other.join()
    assert drawn[0].trial.trial_id == drawn[1].trial.trial_id
    assert [line[1] for line in stage.assignments()] == ["p1"]
    assert b"\tp1\t" not in logs.lines(logs.drawn_apart(stage.root, "exp-1"))


@pytest.mark.long
def test_two_agents_that_load_one_skill_at_once_are_one_exposure(stage):
    """Real processes, started together, forty times."""
    stage.run(sequence="01" * 40)
    for number in range(20):
        turn = PromptRef(f"p{number}", "/t")
        stage.session().write_turn(turn)
        with ThreadPoolExecutor(2) as both:
            texts = list(both.map(lambda _: stage.text(), range(2)))
        assert texts[0] == texts[1]
    lines = stage.assignments()
    assert [line[0] for line in lines] == [str(number) for number in range(1, 21)]
    assert len(stage.session().open_trials()) == 20
    assert stage.faults() == []


CROWD = """
import sys
sys.path.insert(0, sys.argv[1])
from meta_experiment.live.exposure import expose
from meta_experiment.protocol.index import find_entry
from meta_experiment.protocol.sessions import Session, PromptRef
root, me = sys.argv[2:]
for number in range(50):
    expose(Session(root, me), find_entry(root, "exp-1"), PromptRef(f"{me}-{number}", ""), 1.0)
"""


def test_many_processes_lose_no_assignment_and_repeat_no_position(stage):
    stage.run(sequence="01" * 200)
    scripts = str(REPOSITORY / "scripts")
    crowd = [
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", CROWD, scripts, stage.root, f"w{n}"]
        )
        for n in range(4)
    ]
    assert [process.wait() for process in crowd] == [0, 0, 0, 0]
    path = logs.drawn_apart(stage.root, "exp-1")
    apart = (
        [line for line in path.read_text().splitlines() if "\t" in line]
        if path.exists()
        else []
    )
    lines = stage.assignments()
    assert len(lines) + len(apart) == 200
    assert [int(line[0]) for line in lines] == list(range(1, len(lines) + 1))
    opened = sum(len(session.open_trials()) for session in list_sessions(str(stage.root)))
    assert opened == 200


def strange_assignments(stage, name):
    """Put a file beside ours that says what every unit has."""
    lines = "".join(f"{n}\tp{n}\ttreatment\tx{n}\t1000\n" for n in range(1, 9))
    return stage.write(f".claude/meta/trials/exp-1/{name}", lines)


@pytest.mark.parametrize(
    "name", ["assignments.tsv", "assignments-live.tsv", "assignments.00000000.tsv"]
)
def test_what_a_stranger_drew_steers_nothing_until_its_writer_is_admitted(stage, name):
    """Neither beside our sequence nor in the place of a file that was ours once."""
    entry = stage.run(sequence="0" * 20)
    strange_assignments(stage, name)
    assert expose(stage.session(), entry, PromptRef("p1", ""), 1.0).variant == "control"
    admitted = log_head.admitted_lines(
        {"exp-1": {log_head.writer_of(name)}}, own_seal(stage.root)
    )
    Path(log_head.admitted_file(str(stage.root))).write_bytes(admitted)
    assert expose(stage.session(), entry, PromptRef("p2", ""), 1.0).variant == "treatment"
    assert expose(stage.session(), entry, PromptRef("p1", ""), 1.0).variant == "control"


@pytest.mark.parametrize("kind", ["pipe", "zeros", "folder"])
def test_a_strangers_file_without_end_hinders_nothing(stage, kind):
    """It is not opened: it does not count."""
    entry = stage.run(sequence="0101")
    path = strange_assignments(stage, "assignments-evil.tsv")
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "zeros":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    assert expose(stage.session(), entry, PromptRef("p1", ""), 1.0).trial is not None
    assert len(stage.assignments()) == 1


def test_a_strangers_file_in_the_place_of_the_sequence_is_left_alone(stage):
    """The sequence goes on in another file; where there is none, nothing is drawn."""
    entry = stage.run(sequence="0101")
    place = logs.sequence(stage.root, "exp-1")
    path = strange_assignments(stage, place.name)
    before = path.read_bytes()
    drawn = [
        expose(stage.session(), entry, PromptRef(f"p{n}", ""), 1.0).variant for n in range(3)
    ]
    assert drawn == ["control", "treatment", "control"]
    assert path.read_bytes() == before
    for number in range(2, 9):
        strange_assignments(stage, f"{place.stem}-{number}.tsv")
    with pytest.raises(OSError, match="other files stand in the place of our logs"):
        expose(stage.session(), entry, PromptRef("p9", ""), 1.0)


def test_a_first_line_that_a_crash_cut_short_is_written_anew(stage):
    """At each of its bytes; nothing stands behind it that could be lost."""
    entry = stage.run(sequence="01" * 60)
    place = logs.sequence(stage.root, "exp-1")
    whole = logs.head(stage.root, "exp-1", place.name)
    for cut in range(len(whole)):
        stage.write(f".claude/meta/trials/exp-1/{place.name}", whole[:cut])
        expose(stage.session(), entry, PromptRef(f"p{cut}", ""), 1.0)
        assert place.read_bytes().startswith(whole)
        assert len(stage.assignments()) == 1


def test_a_full_disk_leaves_no_part_of_a_line(stage, monkeypatch):
    entry = stage.run(sequence="0000")
    root = str(stage.root)
    expose(Session(root, "s"), entry, PromptRef("p1", ""), 1.0)
    before = stage.assignments()
    real = os.write

    def short(descriptor, data):
        return real(descriptor, data[:7]) if data.startswith(b"2\t") else real(descriptor, data)

    monkeypatch.setattr(os, "write", short)
    with pytest.raises(OSError, match="No space"):
        expose(Session(root, "s"), entry, PromptRef("p2", ""), 1.0)
    assert stage.assignments() == before
    assert len(Session(root, "s").open_trials()) == 1
