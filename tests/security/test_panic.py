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


@pytest.mark.parametrize(
    "registry", ["no JSON", '{"schema_version": 99}', '{"schema_version": 2, "new": 1}']
)
def test_a_registry_that_cannot_be_read_keeps_no_prompt_from_coming_back(project, registry):
    """Nor is anything served again with the registry, until somebody starts it."""
    made = project.create(start=False)
    project("start", made)
    path = project.root / ".claude/meta/experiments.json"
    before = path.read_bytes()
    path.write_text(registry)
    said = project("panic", code=1)
    assert "Nothing stands in for a prompt file any more." in said.err
    assert "recover" in said.err or "Update" in said.err
    assert path.read_text() == registry
    assert project.path(COMMAND).read_bytes() == CONTROL
    assert not project.path(STAND_IN).exists()
    path.write_bytes(before)
    project("status")
    assert not project.path(STAND_IN).exists()
    project("start", made)
    assert project.path(STAND_IN).exists()
