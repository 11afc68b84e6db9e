"""What the long tests of the storm rely on, looked at every day."""

import subprocess
import sys

import pytest
from tests.chaos.test_storm import REPOSITORY, SABOTAGE, SWAP, environment, storm
from tests.everyday import some


@pytest.mark.parametrize("what", some(SABOTAGE, 4))
def test_a_sabotage_finds_what_it_breaks(what):
    """One whose target is gone breaks nothing, and a storm that notices proves nothing."""
    words = [sys.executable, "-c", SWAP + SABOTAGE[what][0]]
    done = subprocess.run(
        words, cwd=REPOSITORY, env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.long
def test_a_moment_of_storm_is_audited(tmp_path):
    """Two writers in a repository with a linked tree: what they were told stands."""
    options = ["--writers", 2, "--seed", 3, "--git", "--trees", 1]
    report = storm(tmp_path / "storm", *options)
    assert report["faults"] == []
    assert report["trials"] > 0
