"""What a neighbour puts in the place of a private file keeps nobody from a panic."""

import os

import pytest
from tests.cli.conftest import COMMAND, CONTROL
from tests.everyday import some

STAND_IN = ".claude/skills/review/SKILL.md"
KINDS = {"pipe": os.mkfifo, "words": lambda path: path.write_text("words")}
PLACES = (
    "active.idx",
    "local/admitted",
    "local/board.json",
    "local/started/{made}",
    "local/news",
    "local/notice",
    "local/id",
    "local/live/state",
    "local/live/{made}/shim",
    "local/live/{made}/original",
    "local/live/{made}/control.md",
)


@pytest.mark.parametrize("place", some(PLACES, 4))
def test_nothing_in_the_place_of_a_private_file_keeps_a_prompt_from_coming_back(project, place):
    """The experiment is paused, its stand-in is gone, the prompt is the user's own."""
    made = project.create(start=False)
    for kind, put in KINDS.items():
        project("start" if kind == "pipe" else "resume", made)
        assert project.path(STAND_IN).exists()
        path = project.root / ".claude/meta" / place.format(made=made)
        path.unlink(missing_ok=True)
        put(path)
        project("panic")
        assert project("status", made, "--json").json["experiments"][0]["status"] == "paused"
        assert project.path(COMMAND).read_bytes() == CONTROL
        assert not project.path(STAND_IN).exists(), kind
        path.unlink(missing_ok=True)
        project("recover")
