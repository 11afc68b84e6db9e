"""Prompt files come back from an experiment with every byte and their mode."""

import pytest
from tests.chaos.prompts import OWN, Project

pytestmark = pytest.mark.long


@pytest.mark.parametrize(("way", "first"), [("there_and_back", 0), ("not_at_all", 2)])
def test_prompts_come_back_byte_for_byte(tmp_path, way, first):
    """CRLF, BOM, no last newline, odd modes, bytes that are no text: as they were.

    A quarter each way; `python -m tests.chaos.full` takes all both ways, and public ones.
    """
    root = tmp_path / "project"
    root.mkdir()
    project = Project(root, OWN)
    for prompt in OWN[first::4]:
        getattr(project, way)(prompt)
    project.check()
    assert len(OWN) == 15
