"""Working trees of one repository, and folders that only look like one."""

import os

import pytest
from tests.support.git import git

from meta_experiment.protocol.worktrees import linked_tree, linked_trees


@pytest.fixture
def main(tmp_path):
    main = tmp_path / "main"
    main.mkdir()
    git(main, "init", "-q")
    git(main, "commit", "-q", "--allow-empty", "-m", "x")
    return main


@pytest.mark.parametrize("relative", [False, True])
def test_a_linked_tree_knows_the_main_one(main, tmp_path, relative):
    """Outside of it and inside, from any folder, however git spelled the link."""
    for place in (tmp_path / "apart", main / ".claude/worktrees/within"):
        git(main, "worktree", "add", "-q", str(place))
        if relative:
            target = (place / ".git").read_text().removeprefix("gitdir: ").rstrip()
            (place / ".git").write_text(f"gitdir: {os.path.relpath(target, place)}\n")
        (place / "deep").mkdir()
        tree = linked_tree(str(place / "deep"))
        assert (tree.top, tree.main) == (str(place), str(main))
        assert tree.twin(f"{place}/deep/x") == f"{main}/deep/x"
    found = [tree.top for tree in linked_trees(str(main))]
    assert sorted(found) == sorted(
        [str(tmp_path / "apart"), f"{main}/.claude/worktrees/within"]
    )


def test_other_folders_are_no_linked_trees(main, tmp_path):
    """The main tree, a submodule, a bare repository's tree, a copy, a tree that is gone."""
    (main / "deep").mkdir()
    assert linked_tree(str(main / "deep")) is None
    assert linked_tree(str(tmp_path)) is None
    assert list(linked_trees(str(tmp_path))) == []

    git(main, "worktree", "add", "-q", str(tmp_path / "apart"))
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / ".git").write_bytes((tmp_path / "apart/.git").read_bytes())
    assert linked_tree(str(copy)) is None

    (tmp_path / "apart").rename(tmp_path / "moved")
    assert list(linked_trees(str(main))) == []
    assert linked_tree(str(tmp_path / "moved")) is None

    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(main), str(bare))
    git(bare, "worktree", "add", "-q", str(tmp_path / "of-bare"))
    assert linked_tree(str(tmp_path / "of-bare")) is None

    odd = tmp_path / "odd"
    odd.mkdir()
    for text in ("", "gitdir:", "gitdir: /nowhere", "nothing", "gitdir: ."):
        (odd / ".git").write_text(text)
        assert linked_tree(str(odd)) is None


@pytest.mark.parametrize("absolute", [False, True])
def test_an_archive_cannot_name_itself_a_tree_of_another_repository(main, tmp_path, absolute):
    """It brings both ends of the link along, but not into the folder of that repository."""
    strange = tmp_path / "strange"
    for inside in ("x", ".x/worktrees/x"):
        folder = strange / inside
        folder.mkdir(parents=True)
        git_folder = str(main / ".git")
        shared = git_folder if absolute else os.path.relpath(git_folder, folder)
        (strange / ".git").write_text(f"gitdir: {inside}\n")
        (folder / "commondir").write_text(f"{shared}\n")
        (folder / "gitdir").write_text(f"{strange}/.git\n")
        (folder / "HEAD").write_text("ref: refs/heads/main\n")
        assert linked_tree(str(strange)) is None
