"""Processes at once, and processes killed: a small form of `python -m tests.chaos.full`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

REPOSITORY = Path(__file__).parents[2]
# what breaks the product inside the storm, and how the audit has to call it
SABOTAGE = {
    "locks": (
        """
import meta_experiment.files.lock as lock
swap(lock, "lock_now", lambda _: True)
swap(lock, "unlock", lambda _: None)
""",
        "has the count",
    ),
    "serving": (
        """
import os
import time
from meta_experiment.live import exposure
read = exposure.read_sequence
swap(exposure, "_locked", lambda *_: os.open(os.devnull, os.O_RDONLY))
swap(exposure, "read_sequence", lambda *what: (read(*what), time.sleep(0.02))[0])
""",
        "has the count",
    ),
    "durable": (
        """
import random
import meta_experiment.store.local.store as store
write = store.append_batches
swap(store, "append_batches", lambda *what: random.random() < 0.5 or write(*what))
""",
        "acknowledged and lost",
    ),
    "recovery": (
        """
from meta_experiment.services.health import recovery
import tests.chaos.writers as writers
swap(recovery, "finish_interrupted", lambda _: [])
swap(writers, "finish_unless_busy", lambda _: [])
""",
        "left over",
    ),
    "taking over": (
        """
from meta_experiment.live import exposure, sandbox
swap(exposure, "adopt", lambda *_: None)
""",
        "-boxed-",
    ),
    "seals": (
        """
import meta_experiment.protocol.log_head as heads
swap(heads, "is_own", lambda *_: True)
""",
        "nobody asked for",
    ),
    "hiding": (
        """
import meta_experiment.deploy.unseen as unseen
import meta_experiment.services.serving.working_trees as trees
swap(trees, "_UNTRACKED", b"")
swap(unseen.HiddenFiles, "_block", lambda *_: False)
""",
        "git keeps a stand-in",
    ),
    "linked trees": (
        """
import meta_experiment.deploy.unseen as unseen
import meta_experiment.services.serving.working_trees as trees
swap(trees, "_UNTRACKED", b"")
swap(unseen.HiddenFiles, "_block", lambda *_: False)
""",
        "git in ",
    ),
}
SWAP = """
def swap(module, name, other):
    assert hasattr(module, name), name  # else it would break nothing
    setattr(module, name, other)
"""


def environment():
    """Return the environment of a process that imports the program and the tests."""
    return {**os.environ, "PYTHONPATH": f"{REPOSITORY / 'scripts'}:{REPOSITORY}"}


def storm(folder, *options, sabotage=""):
    """Run a storm in a process of its own, which may fork because it has no threads."""
    code = f"{SWAP}{sabotage}\nfrom tests.chaos.storm import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, [folder, *options])],
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def until(wanted):
    """Return the options for a storm that goes on until each verb was done so often."""
    return ["--until", json.dumps(wanted)]


def test_fifty_kills_lose_nothing(tmp_path):
    """Eight writers of mixed verbs, killed at random moments: what was acknowledged stands."""
    wanted = {"record": 50, "assign": 20, "create": 1, "start": 1, "promote": 1}
    report = storm(tmp_path / "storm", "--kills", 50, "--seed", 5, *until(wanted))
    assert report["faults"] == []
    assert report["kills"] == 50
    assert len(report["signals"]) == 3
    assert Counter(wanted) <= Counter(report["operations"])


def test_kills_while_git_commits(tmp_path):
    """The same in a repository: no commit is half there, no index left behind.

    Some work in linked working trees, and some uses are in a sandbox.
    """
    wanted = {"serve": 1, "box": 2, "close": 1, "promote": 1, "rollback": 1}
    options = ["--kills", 10, "--writers", 4, "--seed", 6, "--git", "--trees", 2]
    report = storm(tmp_path / "storm", *options, *until(wanted))
    assert report["faults"] == []
    assert Counter(wanted) <= Counter(report["operations"])
    assert report["operations"]["commit"] >= 2


def test_sixteen_processes_at_once(tmp_path):
    """Recording, assigning, analysing, promoting, rolling back: balanced, nothing lost."""
    options = ["--writers", 16, "--seconds", 4, "--seed", 7]
    report = storm(tmp_path / "storm", *options, *until({"assign": 60, "promote": 1}))
    assert report["faults"] == []
    assert report["units"] > 16
    assert report["longest_ms"] < 30_000


@pytest.mark.parametrize("beside", ["stranger", "git"])
def test_a_neighbour_takes_no_trial_and_adds_none(tmp_path, beside):
    """Nor does anything of ours get into a commit, or of the stranger's into a verb's way."""
    options = ["--writers", 4, "--seconds", 3, "--seed", 9, "--git", "--beside", beside]
    report = storm(tmp_path / "storm", *options, *until({"record": 10}))
    assert report["faults"] == []
    assert report["disturbed"] >= 5


@pytest.mark.parametrize(
    ("what", "options"),
    [
        ("locks", ["--seconds", 1]),
        ("serving", ["--seconds", 3, "--writers", 16, "--git"]),
        ("durable", ["--seconds", 1]),
        ("recovery", ["--kills", 40]),
        ("taking over", ["--git", "--writers", 4, *until({"box": 6})]),
        ("seals", ["--git", "--writers", 2, "--seconds", 1, "--beside", "stranger"]),
        ("hiding", ["--git", "--writers", 3, "--beside", "git", "--seconds", 1]),
        ("linked trees", ["--git", "--writers", 3, "--trees", 1, "--seconds", 1]),
    ],
)
def test_the_audit_would_notice(tmp_path, what, options):
    """The storm can fail: without locks, without writing, without recovery it does."""
    sabotage, fault = SABOTAGE[what]
    reports = (
        storm(tmp_path / f"storm-{seed}", *options, "--seed", seed, sabotage=sabotage)
        for seed in range(8, 13)
    )
    assert any(fault in found for report in reports for found in report["faults"])
