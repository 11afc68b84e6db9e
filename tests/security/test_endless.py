"""A pull request may put a device, or anybody a pipe, in place of any file of the state."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import CONTROL

REPOSITORY = Path(__file__).resolve().parents[2]
VERBS = (
    "status", "status --json", "analyze {0}", "history {0}", "check", "verify", "doctor",
    "recover", "repair", "auto", "assign {0} --unit u",
    "record {0} --variant control --metric duration_seconds=3",
    "pause {1}", "stop {1} --yes", "promote {1} --override x --yes", "baseline {0}",
)  # fmt: skip


@pytest.mark.long(100)
@pytest.mark.parametrize("kind", ["zeros", "pipe"])
def test_no_verb_crashes_or_hangs_over_a_file_without_end(project, tmp_path, kind):
    """Each says what is wrong or does without, within bounds of memory and time."""
    made = project.create()
    project("assign", made, "--unit", "u1")
    project.observe(made, 5)
    (project.root / ".claude/commands/other.md").write_bytes(CONTROL)
    project.git("add", ".claude/commands/other.md")
    project.git("commit", "-qm", "another command")
    flags = ("--file", ".claude/commands/other.md=v2.md", "--primary-metric", "cost_usd")
    served = project("create", *flags, "--start", "--json").json["experiment_id"]
    project("status")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    verbs = [verb.format(made, served) for verb in VERBS]
    done = subprocess.run(
        [sys.executable, "-m", "tests.security.endless", project.root, scratch, kind, *verbs],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": f"{REPOSITORY / 'scripts'}:{REPOSITORY}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert report["faults"] == []
    assert report["files"] >= 20
    assert report["runs"] == report["files"] * len(verbs)
