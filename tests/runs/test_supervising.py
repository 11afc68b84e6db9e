"""Real programs under real supervisors: nothing of a run is left, however it ends."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from meta_experiment.errors import ConflictError, DependencyError, NotFoundError
from meta_experiment.runs import supervising
from meta_experiment.runs.supervising import Launch, ended, ending, launch, run, stop

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENT = {"PATH": os.environ["PATH"]}

# Three ways to outlive who started it: a session of its own, no parent, and no mark.
OUTLIVING = """
(setsid sh -c 'echo $$ >> pids; cd /; exec sleep 300' &)
(sh -c 'echo $$ >> pids; cd /; exec env -i /bin/sleep 300' &)
(env -i /usr/bin/setsid /bin/sh -c 'echo $$ >> pids; exec /bin/sleep 300' >/dev/null 2>&1 &)
while [ "$(wc -l < pids 2>/dev/null || echo 0)" -lt 3 ]; do sleep 0.01; done
"""


IN_TIME = 4.0  # seconds in which a shell on a busy machine has heard what it is to do


@pytest.fixture
def order(tmp_path):
    """A launch of nothing yet; a test says by which shell lines."""
    stdin = tmp_path / "prompt"
    stdin.write_bytes(b"what is typed")
    directory = tmp_path / "project"
    directory.mkdir()

    def made(script, name="run", **changed):
        command = ("sh", "-c", script)
        plain = Launch(command, directory, ENVIRONMENT, stdin, tmp_path / name, 60.0, 10**6)
        return replace(plain, **changed)

    return made


def is_there(process):
    """Tell whether a process runs; one that nobody has buried yet does not."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text("ascii", "replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def begun(order, many=3):
    """Return the processes that a run has begun, once all are there."""
    path, end = order.directory / "pids", time.monotonic() + 240
    while not path.exists() or len(path.read_text().split()) < many:
        assert time.monotonic() < end
        time.sleep(0.005)
    return [int(line) for line in path.read_text().split()]


def over(order, within=240.0):
    """Return how a launch ended, waiting for it."""
    return ended([order.folder], within)[order.folder]


def supervisor(order):
    return json.loads((order.folder / "supervisor.json").read_text())["pid"]


def gone(process, within=60.0):
    """Tell whether a process ends soon: a supervisor writes of the end just before its own."""
    end = time.monotonic() + within
    while is_there(process) and time.monotonic() < end:
        time.sleep(0.005)
    return not is_there(process)


def test_a_program_has_its_input_its_folder_and_nothing_of_this_environment(order, monkeypatch):
    monkeypatch.setenv("TOKEN", "secret")
    there = order("cat; pwd; env >&2; exit 7")
    found = run(replace(there, environment=ENVIRONMENT | {"GIVEN": "yes \udcff"}))
    assert (found.code, found.timed_out, found.flooded, found.stopped) == (
        7,
        False,
        False,
        False,
    )
    assert 0 < found.seconds < 60
    printed = (there.folder / "stdout").read_text()
    assert printed == f"what is typed{there.directory}\n"
    names = [
        line.partition(b"=")[0] for line in (there.folder / "stderr").read_bytes().split(b"\n")
    ]
    assert b"TOKEN" not in names
    assert {b"GIVEN", b"META_EXPERIMENT_RUN"} <= set(names)
    assert gone(supervisor(there))


def test_no_terminal_can_be_opened(order):
    assert run(order("exec 3</dev/tty")).code != 0


def test_what_a_program_leaves_behind_ends_with_it(order):
    there = order(OUTLIVING)
    assert run(there).code == 0
    assert [process for process in begun(there) if is_there(process)] == []


@pytest.mark.long
def test_a_program_out_of_time_is_ended_with_all_it_began(order):
    there = order(
        f"trap 'echo asked; exit 3' TERM; {OUTLIVING} sleep 300 & wait", within=IN_TIME
    )
    found = run(there)
    assert (found.code, found.timed_out) == (3, True)
    assert found.seconds >= IN_TIME
    assert (there.folder / "stdout").read_text() == "asked\n"
    assert [process for process in begun(there) if is_there(process)] == []


def test_what_is_printed_is_bounded(order):
    there = order("exec yes", output_limit=1000)
    found = run(there)
    assert (found.code, found.flooded, found.timed_out) == (-signal.SIGKILL, True, False)
    assert (there.folder / "stdout").stat().st_size == 1000
    quick = order("head -c 2000 /dev/zero >&2", "quick", output_limit=1000)
    found = run(quick)  # it may have ended by itself before it was looked at
    assert found.flooded
    assert found.code in (0, -signal.SIGKILL)


def test_a_run_is_stopped_from_outside(order):
    there = order(f"{OUTLIVING} sleep 300")
    launch(there)
    processes = begun(there)
    assert ending(there.folder) is None
    assert ended([there.folder], 0) == {}
    stop(there.folder)
    found = over(there)
    assert (found.code, found.stopped) == (-signal.SIGTERM, True)
    assert [process for process in processes if is_there(process)] == []
    stop(there.folder)


def test_a_run_whose_supervisor_was_killed_is_lost_and_cleared_up(order, monkeypatch):
    monkeypatch.setattr(supervising, "_LOOK_FOR_LOST", 0.05)
    there = order(f"{OUTLIVING} sleep 300")
    launch(there)
    processes = begun(there)
    neighbour = subprocess.Popen(["sleep", "300"], start_new_session=True)
    os.kill(supervisor(there), signal.SIGKILL)
    found = over(there)
    assert found.lost
    assert found.code is None
    assert math.isnan(found.seconds)
    assert [process for process in processes if is_there(process)] == []
    assert neighbour.poll() is None
    neighbour.kill()
    neighbour.wait()


def test_another_process_with_the_number_of_the_supervisor_is_not_taken_for_it(order):
    there = order("exit 0")
    run(there)
    (there.folder / "ending.json").unlink()
    path = there.folder / "supervisor.json"
    other = subprocess.Popen(["sleep", "300"], start_new_session=True)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": other.pid}))
    stop(there.folder)
    assert ending(there.folder).lost
    assert other.poll() is None
    other.kill()
    other.wait()


def test_what_was_never_launched_is_lost(tmp_path):
    assert ending(tmp_path / "nothing").lost


def test_nothing_is_launched_where_something_is_missing(order):
    with pytest.raises(DependencyError, match="no program 'no-such-program'"):
        launch(order("", command=("no-such-program", "-x")))
    with pytest.raises(NotFoundError, match="no folder"):
        launch(order("", directory=order("").directory / "none"))
    with pytest.raises(NotFoundError, match="no file"):
        launch(order("", stdin=order("").directory / "none"))
    assert not order("").folder.exists()


def test_a_program_that_cannot_be_executed_is_named(order):
    broken = order("").directory / "broken"
    broken.write_text("#!/no/such/shell\n")
    broken.chmod(0o755)
    there = order("", command=("./broken",))
    with pytest.raises(DependencyError, match="No such file"):
        launch(there)
    assert ending(there.folder).lost


def test_places_may_be_relative_and_reached_through_links(order, tmp_path, monkeypatch):
    monkeypatch.setattr(supervising, "_LOOK_FOR_LOST", 0.05)
    there = order(OUTLIVING)
    (tmp_path / "by-link").symlink_to(there.directory)
    monkeypatch.chdir(tmp_path)
    found = replace(there, directory=Path("by-link"), stdin=Path("prompt"), folder=Path("run"))
    launch(replace(found, command=("sh", "-c", f"{OUTLIVING} sleep 300")))
    processes = begun(there)
    os.kill(supervisor(there), signal.SIGKILL)
    assert over(found).lost
    assert [process for process in processes if is_there(process)] == []


def test_a_folder_serves_one_launch(order):
    there = order("echo one")
    run(there)
    with pytest.raises(ConflictError):
        launch(replace(there, command=("sh", "-c", "echo two")))
    assert (there.folder / "stdout").read_text() == "one\n"


def test_orders_that_were_cut_off_start_nothing():
    script = Path(supervising.__file__).with_name("supervisor.py")
    for orders in (b"", b"{\x00"):
        done = subprocess.run(
            [sys.executable, "-I", "-S", script], input=orders, capture_output=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


# A runner that launches two programs and waits.
RUNNER = """
import os, sys, time
from pathlib import Path
from meta_experiment.runs.supervising import Launch, launch
folder = Path(sys.argv[1])
for name, script in (("quick", "sleep 0.5; echo done"), ("slow", sys.argv[2])):
    launch(Launch(("sh", "-c", script), folder / "project", {"PATH": os.environ["PATH"]},
                  folder / "prompt", folder / name, 60.0, 10**6))
print("launched", flush=True)
time.sleep(60)
"""


@pytest.mark.long
def test_runs_outlive_a_runner_that_was_killed(order):
    slow = order(f"{OUTLIVING} sleep 300", "slow")
    quick = order("", "quick")
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(slow.folder.parent), slow.command[2]],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts")},
        stdout=subprocess.PIPE,
    )
    with runner:
        assert runner.stdout.readline() == b"launched\n"
        processes = begun(slow)
        runner.kill()
    assert ending(slow.folder) is None
    assert over(quick).code == 0
    assert (quick.folder / "stdout").read_text() == "done\n"
    assert all(is_there(process) for process in processes)
    stop(slow.folder)
    assert over(slow).stopped
    assert [process for process in processes if is_there(process)] == []


@pytest.mark.long
def test_a_program_that_does_not_listen_is_killed(order, monkeypatch):
    monkeypatch.setattr(supervising, "_GRACE", 1.0)
    found = run(order("trap '' TERM; while :; do sleep 1; done", within=IN_TIME))
    assert (found.code, found.timed_out) == (-signal.SIGKILL, True)
    assert found.seconds >= IN_TIME + 1.0


@pytest.mark.long
def test_a_flood_is_stopped_long_before_it_fills_the_disk(order):
    there = order("exec head -c 1000000000000 /dev/zero", output_limit=20_000_000)
    found = run(there)
    assert found.flooded
    assert (there.folder / "stdout").stat().st_size == 20_000_000


@pytest.mark.long
def test_two_hundred_runs_leave_no_process(order):
    orders = [order("setsid sleep 300 & exit 0", f"run-{number}") for number in range(200)]
    for number in range(0, 200, 8):
        for there in orders[number : number + 8]:
            launch(there)
        for there in orders[number : number + 8]:
            assert over(there).code == 0
    told = [json.loads((there.folder / "supervisor.json").read_text()) for there in orders]
    marks = {item["mark"].encode() for item in told}
    left = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            found = path.read_bytes()
        except OSError:
            continue
        left += [path for mark in marks if mark in found]
    assert left == []
    assert all(gone(item["pid"]) for item in told)
    assert len(supervising._children) <= 8  # the rest is buried


def test_whoever_waits_long_looks_seldom(order, monkeypatch):
    there = order("sleep 1")
    launch(there)
    looks = []
    look = supervising._written
    monkeypatch.setattr(supervising, "_written", lambda path: looks.append(1) or look(path))
    assert over(there).code == 0
    assert len(looks) < 30


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """A system without /proc and without a way to hold what lost its parent, such as macOS."""
    real = supervising.__file__
    code = f"""
import runpy, sys
sys.platform = "freebsd14"
runpy.run_path({str(Path(real).with_name("supervisor.py"))!r}, run_name="__main__")
"""
    (tmp_path / "supervisor.py").write_text(code)
    monkeypatch.setattr(supervising, "__file__", str(tmp_path / "supervising.py"))
    monkeypatch.setattr(supervising, "place_of_numbers", lambda: "")
    monkeypatch.setattr(sys, "platform", "freebsd14")


def test_what_a_system_cannot_hold_is_told():
    assert "(darwin)" in supervising.shortcoming("darwin")
    assert supervising.shortcoming("linux") is None


@pytest.mark.long
@pytest.mark.usefixtures("elsewhere")
def test_runs_are_held_without_linux(order, monkeypatch):
    assert run(order("cat; exit 3", "plain")).code == 3
    late = run(
        order("echo $$ >> pids; sleep 300 & echo $! >> pids; wait", "late", within=IN_TIME)
    )
    assert late.timed_out
    made = order("echo $$ >> pids; exec sleep 300", "killed")
    processes = begun(made, 2)
    assert not any(is_there(process) for process in processes)
    launch(made)
    (going,) = begun(made, 3)[2:]
    for zone in ("Pacific/Auckland", "America/Lima"):
        monkeypatch.setenv("TZ", zone)
        assert ending(made.folder) is None
    os.kill(supervisor(made), signal.SIGKILL)
    assert over(made).lost
    os.kill(going, signal.SIGKILL)
