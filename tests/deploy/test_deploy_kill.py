"""Processes that are really killed: the next command finishes or undoes what they began."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.deploy.conftest import CONTROL, TREATMENT
from tests.faults import FaultyFileSystem

from meta_experiment.deploy import Ending

pytestmark = pytest.mark.long

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 120.0  # seconds

# A promotion that stops dead at its N-th operation and says so.
VICTIM = """
import sys, time
from pathlib import Path
from tests.deploy.conftest import World
from tests.faults import FaultyFileSystem

class Stalling(FaultyFileSystem):
    def _pass(self, name, path, half=None):
        super()._pass(name, path, half)
        if len(self.operations) == int(sys.argv[2]):
            Path(sys.argv[3]).touch()
            time.sleep(600)

World(Path(sys.argv[1])).promote(Stalling())
"""


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "reached"


def start(world, marker, operation=0):
    """Start a promotion in a process of its own and wait until it has reached the marker."""
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY / 'scripts'}:{REPOSITORY}"}
    command = [sys.executable, "-c", VICTIM, str(world.root), str(operation), str(marker)]
    victim = subprocess.Popen(command, env=environment, cwd=REPOSITORY)
    deadline = time.monotonic() + PATIENCE
    while not marker.exists():
        assert victim.poll() is None, "the promotion ended before it was to be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return victim


def kill(victim):
    victim.send_signal(signal.SIGKILL)
    victim.wait()


def test_killed_at_a_handful_of_moments(world, marker):
    """Killed with SIGKILL anywhere, a promotion is undone or finished by the next command."""
    before = world.state()
    dry = FaultyFileSystem()
    world.promote(dry)
    after = world.state()
    world.git("reset", "-q", "--hard", "HEAD^")
    for path, content in CONTROL.items():
        world.write(path, content)
    shutil.rmtree(world.layout.meta)
    assert world.state() == before
    outcomes = set()
    operations = len(dry.operations)
    for operation in (8, operations // 3, operations // 2, operations - 8, operations - 2):
        kill(start(world, marker, operation))
        (recovered,) = world.recover()
        outcomes.add(recovered.outcome)
        wanted = after if recovered.outcome is Ending.FINISHED else before
        assert world.state() == wanted
        assert world.litter() == []
        marker.unlink()
        shutil.rmtree(world.layout.meta)
    assert outcomes == {Ending.UNDONE, Ending.FINISHED}


def test_killed_while_a_hook_runs(world, marker):
    """A hook that outlives its killed promotion can no longer bring anything about."""
    before = world.state()
    done, go = marker.with_name("done"), marker.with_name("go")
    wait = f"while test ! -e '{go}'; do sleep 0.05; done"
    world.hook("pre-commit", f"touch '{marker}'; {wait}; touch '{done}'")
    kill(start(world, marker))
    (recovered,) = world.recover()
    assert recovered.outcome is Ending.UNDONE
    assert world.state() == before
    go.touch()
    deadline = time.monotonic() + PATIENCE
    while not done.exists():
        assert time.monotonic() < deadline, "the hook did not end"
        time.sleep(0.01)
    time.sleep(0.2)
    assert world.state() == before
    assert world.litter() == []


def test_killed_while_git_moves_the_branch(world, marker):
    """A git that is still moving the branch is waited for, so that nothing is half done."""
    go = marker.with_name("go")
    world.hook(
        "reference-transaction",
        f'if test "$1" = prepared && test ! -e "{marker}"\n'
        f'then touch "{marker}"; while test ! -e "{go}"; do sleep 0.05; done; fi',
    )
    kill(start(world, marker))
    threading.Timer(1.0, go.touch).start()
    (recovered,) = world.recover()
    assert recovered.outcome is Ending.FINISHED
    assert world.state()["files"] == TREATMENT
    assert world.state()["status"] == ""
    head = world.git("rev-parse", "HEAD").strip()
    assert world.registered() == {"payload": {"status": "promoted"}, "commit": head}
    assert world.git("rev-list", "--count", "HEAD").strip() == "2"
    assert world.litter() == []
