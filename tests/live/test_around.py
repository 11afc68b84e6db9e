"""Which files are a session's prompts: in packages, and in linked working trees."""

import subprocess

import pytest
from tests.live.stage import FRONT

from meta_experiment.live.around import roots_around
from meta_experiment.protocol import missed

COMMAND = ".claude/commands/review.md"


@pytest.fixture
def tree(stage, tmp_path):
    """A linked working tree of the stage's repository, with the command in it."""
    stage.run()
    linked = tmp_path / "linked"
    for words in (
        ("init", "-q"),
        ("add", COMMAND),
        ("commit", "-qm", "x"),
        ("worktree", "add", "-q", "-b", "linked", str(linked)),
    ):
        subprocess.run(["git", "-C", stage.root, *words], check=True, capture_output=True)
    return linked


def call(stage, directory, prompt="p1"):
    """Call the command in a session that began in a directory; return what is served."""
    document = {"prompt_id": prompt, "command_name": "review", "command_args": "one"}
    told = {**document, "cwd": str(directory)}
    stage.hook("UserPromptExpansion", "prompt", told, CLAUDE_PROJECT_DIR=str(directory))
    return stage.text(cwd=directory)


def test_a_session_in_a_linked_tree_is_handed_over_and_counted(stage, tree):
    """Below the root of the main tree, which need not be near."""
    (tree / "deep").mkdir()
    assert call(stage, tree) == "Control for one."
    assert call(stage, tree / "deep", "p2") == "Treatment for one."
    assert len(stage.assignments()) == 2
    assert stage.faults() == []


def test_a_linked_tree_with_another_text_gets_that(stage, tree, monkeypatch):
    """Though what is run is the main tree's skill; nothing is counted, and that is noted."""
    (tree / COMMAND).write_text(FRONT + "Mine for $ARGUMENTS.")
    assert call(stage, tree) == "Mine for one."
    assert stage.assignments() == []
    stage.hook("Stop", "stop", {"prompt_id": "p1", "background_tasks": []})
    monkeypatch.setenv("HOME", str(stage.home))
    (item,) = missed.missed(str(stage.root))
    assert (item.place, item.why) == (str(tree), "edited")


def test_a_linked_tree_without_commands_has_those_of_the_main_one(stage, tree):
    """As where the client's folder is not tracked."""
    (tree / COMMAND).unlink()
    (tree / ".claude/commands").rmdir()
    assert call(stage, tree) == "Control for one."
    assert len(stage.assignments()) == 1


def test_the_nearest_command_of_a_name_is_served(stage, monkeypatch):
    """The skill that goes before the root's command would hide that of a package.

    That is no use of the root's, and none is missed.
    """
    stage.run()
    stage.write(f"apps/web/{COMMAND}", FRONT + "Of the web: $ARGUMENTS.")
    (stage.root / "apps/api").mkdir()
    assert call(stage, stage.root / "apps/web") == "Of the web: one."
    assert stage.assignments() == []
    stage.hook("Stop", "stop", {"prompt_id": "p1", "background_tasks": []})
    monkeypatch.setenv("HOME", str(stage.home))
    assert missed.missed(str(stage.root)) == []
    assert call(stage, stage.root / "apps/api", "p2") == "Control for one."
    assert len(stage.assignments()) == 1


def test_a_session_that_went_into_a_tree_keeps_the_prompts_it_began_with(stage, tree):
    """The client reads them where it was started."""
    (tree / COMMAND).write_text(FRONT + "Mine for $ARGUMENTS.")
    document = {"prompt_id": "p1", "command_name": "review", "command_args": "one"}
    stage.hook("UserPromptExpansion", "prompt", {**document, "cwd": str(tree)})
    assert stage.text(cwd=tree) == "Control for one."
    assert len(stage.assignments()) == 1


def test_a_tree_with_experiments_of_its_own_meets_those(stage, tree, monkeypatch):
    """And not the main tree's, which are not in its place."""
    monkeypatch.setenv("HOME", str(stage.home))
    assert [root.place for root in roots_around(str(tree), str(tree))] == [str(tree)]
    roots = stage.home / ".local/share/meta-experiment/roots.tsv"
    roots.write_text(roots.read_text() + f"ba9876543210\tproject\t{tree}\n")
    assert [root.path for root in roots_around(str(tree), str(tree))] == [str(tree)]
    main = str(stage.root)
    assert [root.path for root in roots_around(main, main)] == [main]
