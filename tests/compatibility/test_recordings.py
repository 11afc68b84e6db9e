"""Whole lives of experiments end as they are recorded: as JSON and as text.

After a change of what is said on purpose: `PYTHONPATH=scripts:. python -m
tests.compatibility.record`, and read what `git diff` shows.
"""

import tempfile
from pathlib import Path

import pytest
from tests.compatibility.program import require_same
from tests.compatibility.recording import RECORDED, RECORDINGS, Recording
from tests.compatibility.script import STEPS, Fed

from meta_experiment.cli.groups import commands
from meta_experiment.cli.main import group


@pytest.mark.long
@pytest.mark.parametrize("name", RECORDED)
def test_the_program_says_what_is_recorded(name):
    """Byte for byte, but for what is masked; as recorded, in a folder whose path is short."""
    with tempfile.TemporaryDirectory() as folder:
        said = RECORDED[name](Path(folder))
    require_same((RECORDINGS / name).read_text(encoding="utf-8"), said)


@pytest.mark.long
def test_the_demo_promotes_and_brings_the_bytes_back(tmp_path):
    """Its draws follow from the day, so that it is not recorded."""
    recording = Recording(tmp_path, "text")
    recording.run(("demo --keep shown",))
    said = "\n".join(recording.lines)
    assert "PROMOTE (treatment_better)  treatment is promoted" in said
    checks = [line for line in said.splitlines() if line.startswith("checked: ")]
    assert len(checks) == 2
    assert "exact bytes" in checks[0]


def test_every_verb_is_in_the_script():
    lines = [step.line if isinstance(step, Fed) else step for step in STEPS]
    begun = [f"{line} " for line in lines if isinstance(line, str)]
    for words, _ in commands(group):
        assert any(line.startswith(f"{words} ") for line in begun), words
