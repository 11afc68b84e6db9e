"""Agents: whose file a name means, by where the client was started (seen in the real one)."""

import os
from pathlib import Path

import pytest

from meta_experiment.live.agent_files import agent_files, listed_agents

TREE = {  # agents below each folder
    "above": "up",
    "above/home": "personal, both",
    "above/top": "shared, both, main",
    "above/top/sub": "both, below",
    "above/top/sub/nested": "inner",
    "above/side": "shared",
}


@pytest.fixture
def tree(tmp_path):
    """A repository `top` with a nested one, a home beside it, and two linked worktrees."""
    for place, names in TREE.items():
        folder = tmp_path / place / ".claude/agents/team"
        folder.mkdir(parents=True)
        for name in names.split(", "):
            (folder / f"of-{name}.md").write_text(f"---\nmodel: x\nname: {name}\n---\nText")
    (tmp_path / "above/top/.git").mkdir()
    (tmp_path / "above/top/sub/nested/.git").mkdir()
    for place, link in (("side", tmp_path / "above/top"), ("bare", "../top")):
        folder = tmp_path / "above" / place
        folder.mkdir(exist_ok=True)
        (folder / ".git").write_text(f"gitdir: {link}/.git/worktrees/{place}\n")
    return tmp_path / "above"


def found(tree, name, started, **more):
    files = agent_files(name, str(tree / started), {"HOME": str(tree / "home"), **more})
    places = [Path(os.path.realpath(file).partition("/.claude")[0]) for file in files]
    return [place.relative_to(tree).as_posix() for place in places]


@pytest.mark.parametrize(
    ("name", "started", "place"),
    [
        ("both", "top/sub", "top/sub"),
        ("both", "top", "top"),
        ("both", "side", "home"),
        ("main", "top/sub", "top"),
        ("main", "top/sub/nested", None),
        ("below", "top", None),
        ("up", "top", None),
        ("up", "home", None),
        ("personal", "top/sub", "home"),
        ("shared", "side", "side"),
        ("main", "side", None),
        ("main", "bare", "top"),
        ("none", "top/sub", None),
    ],
)
def test_the_nearest_folder_up_to_the_top_has_it(tree, name, started, place):
    """Then the home directory; a worktree without agents takes the main checkout's."""
    assert found(tree, name, started) == ([place] if place else [])


def test_without_a_repository_all_folders_around_count(tree):
    """As far as the home directory, whose agents are the user's own."""
    (tree / "plain").mkdir()
    assert found(tree, "up", "plain") == ["."]
    (tree / "home/plain").mkdir()
    assert found(tree, "up", "home/plain") == []
    assert found(tree, "personal", "home/plain") == ["home"]


def test_the_users_own_lie_where_the_client_is_told(tree):
    """Another folder of settings has agents of its own, and the home none."""
    settings = {"CLAUDE_CONFIG_DIR": str(tree / "top/sub/.claude")}
    assert found(tree, "personal", "side", **settings) == []
    assert found(tree, "below", "side", **settings) == ["top/sub"]


def test_two_files_of_one_name_are_both_told(tree):
    """Which of them the client takes, its listing of the folder decides."""
    (tree / "top/.claude/agents/again.md").write_text("---\nname: main\n---\n")
    assert found(tree, "main", "top") == ["top", "top"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("---\nname: x\n---\n", True),
        ("\ufeff---\r\nname: 'x'  # mine\r\n---\r\n", True),
        ('---\ndescription: d\nname : "x"\n---', True),
        ("---\ndescription: d\n---\nname: x\n", False),
        ("name: x\n", False),
        ("---\nof:\n  name: x\n---\n", False),
        ("", False),
    ],
)
def test_the_name_is_that_of_the_frontmatter(tree, text, named):
    """The file's own name counts for nothing."""
    (tree / "top/.claude/agents/x.md").write_text(text)
    assert bool(found(tree, "x", "top")) == named


@pytest.mark.parametrize("lines", [None, b"", b"{\n", b'{"x":"\\"type\\":\\"agent_listing"}\n'])
def test_a_client_that_lists_no_agents_tells_none(tmp_path, lines):
    """An older one puts them elsewhere."""
    path = tmp_path / "transcript.jsonl"
    if lines is not None:
        path.write_bytes(lines)
    assert listed_agents(str(path)) == {}
