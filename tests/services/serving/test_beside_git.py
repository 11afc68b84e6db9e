"""Branches, stashes, worktrees, copies and other roots beside prompts that are served."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.git import git
from tests.support.serving import (
    AGENT,
    COMMAND,
    PLACED,
    SKILL,
    changed,
    control,
    drafted,
    drafted_in,
    entries_of,
    git_bytes,
    opened,
    treatment,
)

from meta_experiment.errors import RefusedError
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import index, places
from meta_experiment.services.acting import lifecycle, promotion
from meta_experiment.services.health import recovery
from meta_experiment.services.health.recovery import finish_unless_busy
from meta_experiment.services.serving import unserved
from meta_experiment.services.serving.freshness import stale
from meta_experiment.services.serving.reconciliation import reconcile
from meta_experiment.types import Status


@pytest.mark.parametrize("path", [COMMAND, SKILL, AGENT])
def test_branches_stashes_and_commits_go_on_as_if_nothing_ran(root, path):
    """commit -a ships no stand-in; a switch there and back finds it again."""
    made = drafted(root, path)
    git(root, "switch", "--quiet", "-c", "other")
    (root / path).write_bytes(b"another text\n")
    git(root, "commit", "--quiet", "-am", "other")
    git(root, "switch", "--quiet", "main")
    lifecycle.start(opened(root), made)
    git(root, "add", "-A", ".claude/meta")
    git(root, "commit", "--quiet", "-m", "state")
    stand_in_version = (root / path).read_bytes()

    (root / "code.py").write_text("1")
    git(root, "add", "code.py")
    git(root, "stash", "--quiet", "--include-untracked")
    git(root, "stash", "pop", "--quiet")
    git(root, "commit", "--quiet", "-am", "work")
    assert git(root, "show", f"HEAD:{path}").encode() == control(path)
    assert git(root, "ls-files", "--", *PLACED[path]) == "" or not PLACED[path]
    assert (root / path).read_bytes() == stand_in_version

    git(root, "switch", "--quiet", "other")
    assert (root / path).read_bytes() == b"another text\n"
    assert len(unserved.drift_notes(Layout(root))) == 1
    git(root, "switch", "--quiet", "main")
    assert (root / path).read_bytes() == stand_in_version
    assert changed(root) == ""
    promotion.stop(opened(root), made, "x", dry_run=False)
    assert (root / path).read_bytes() == control(path)


@pytest.mark.long
def test_a_branch_that_does_not_list_an_experiment_is_no_end_of_it(root):
    """It is told from a pause, so that uses on such a branch can be named as not counted."""
    (root / "code.py").write_text("1")
    git(root, "add", "code.py")
    git(root, "commit", "--quiet", "-m", "before")
    git(root, "branch", "older")
    made, held = drafted(root, COMMAND), drafted(root, SKILL)
    for name in (made, held):
        lifecycle.start(opened(root), name)
    lifecycle.pause(opened(root), held)
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "experiments")
    git(root, "switch", "--quiet", "older")
    reconcile(opened(root))
    assert entries_of(root) == {made: "unlisted", held: "ended"}
    git(root, "switch", "--quiet", "main")
    reconcile(opened(root))
    assert entries_of(root) == {made: "running", held: "ended"}


def test_a_panic_on_a_branch_that_does_not_list_an_experiment_holds_on_those_that_do(root):
    """Whoever stops everything means everything, wherever they stand."""
    (root / "code.py").write_text("1")
    git(root, "add", "code.py")
    git(root, "commit", "--quiet", "-m", "before")
    git(root, "branch", "older")
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "experiments")
    git(root, "switch", "--quiet", "older")
    assert any(made in line for line in recovery.panic(opened(root)).done)
    assert entries_of(root) == {made: "ended"}
    assert recovery.panic(opened(root)).done == ()
    git(root, "switch", "--quiet", "main")
    finish_unless_busy(opened(root))
    assert (root / SKILL).read_bytes() == control(SKILL)
    assert changed(root) == ""
    lifecycle.start(opened(root), made)
    assert entries_of(root)[made] == "running"


@pytest.mark.long
def test_a_line_end_conversion_of_git_changes_nothing(root):
    """core.autocrlf: the working tree has CRLF, the repository LF, and the filter both."""
    git(root, "config", "core.autocrlf", "true")
    file = root / SKILL
    file.parent.mkdir(parents=True)
    file.write_bytes(control(SKILL).replace(b"\n", b"\r\n"))
    made = drafted(root, SKILL, treatment(SKILL).replace(b"\n", b"\r\n"))
    assert b"\r" not in git_bytes(root, "show", f"HEAD:{SKILL}")
    lifecycle.start(opened(root), made)
    stand_in_version = file.read_bytes()
    assert b"serve-variant" in stand_in_version
    assert stand_in_version.count(b"\r\n") == stand_in_version.count(b"\n")
    assert changed(root) == ""
    file.unlink()
    git(root, "checkout", "--quiet", "--", SKILL)
    assert file.read_bytes() == stand_in_version
    promotion.promote(opened(root), made, promotion.ActionOptions(override="x"), dry_run=False)
    assert file.read_bytes() == treatment(SKILL).replace(b"\n", b"\r\n")
    assert git_bytes(root, "show", f"HEAD:{SKILL}") == treatment(SKILL)


def test_a_file_that_git_encrypts_gets_no_stand_in(root):
    """Ours would go before the other filter, and a commit would hold the plain bytes."""
    (root / ".gitattributes").write_text(".claude/skills/** filter=crypt\n")
    git(root, "config", "filter.crypt.clean", "tr a-z n-za-m")
    made = drafted(root, SKILL)
    with pytest.raises(RefusedError, match="'crypt'"):
        lifecycle.start(opened(root), made)
    assert (root / SKILL).read_bytes() == control(SKILL)
    assert not (root / ".git/meta-experiment").exists()
    assert changed(root) == ""
    command = drafted(root, COMMAND)  # stays in its place: nothing is hidden there
    lifecycle.start(opened(root), command)
    (root / ".gitattributes").write_text(".claude/skills/** filter\n")  # no filter's name
    git(root, "add", "--renormalize", ".")
    git(root, "commit", "--quiet", "--message", "plain")
    lifecycle.start(opened(root), made)
    assert b"serve-variant" in (root / SKILL).read_bytes()
    assert changed(root) == ""


@pytest.mark.long
def test_a_linked_worktree_gets_the_control(root, tmp_path):
    """The filter is shared among worktrees; only the one that started has the stand-in."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    other = tmp_path / "other tree"
    git(root, "worktree", "add", "--quiet", str(other), "-b", "side")
    assert (other / SKILL).read_bytes() == control(SKILL)
    assert changed(other) == ""
    lifecycle.start(opened(other), made)  # joined: its own stand-in, its own block
    assert (other / SKILL).read_bytes() not in (control(SKILL), (root / SKILL).read_bytes())
    for tree in (root, other):
        assert changed(tree) == ""
    promotion.stop(opened(root), made, "x", dry_run=False)
    assert (root / SKILL).read_bytes() == control(SKILL)
    assert changed(other) == ""
    promotion.stop(opened(other), made, "x", dry_run=False)
    assert (other / SKILL).read_bytes() == control(SKILL)
    assert not (root / ".git/meta-experiment").exists()


def test_another_checkout_serves_nothing_until_it_joins(root, tmp_path):
    """A clone gets the registry and is left alone; `start` there joins, a pull ends it."""
    made = drafted(root, COMMAND)
    lifecycle.start(opened(root), made)
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "run")
    clone = tmp_path / "clone"
    git(root, "clone", "--quiet", str(root), str(clone))
    assert finish_unless_busy(opened(clone)) == []
    assert not (clone / PLACED[COMMAND][0]).exists()
    moved = lifecycle.start(opened(clone), made)
    assert moved.before is Status.RUNNING
    assert (clone / PLACED[COMMAND][0]).exists()
    promotion.stop(opened(root), made, "x", dry_run=False)
    git(root, "commit", "--quiet", "-am", "stop")
    assert changed(clone) == ""  # that it joined is its own
    git(clone, "pull", "--quiet")
    assert stale(Layout(clone))
    assert finish_unless_busy(opened(clone)) == []
    assert not (clone / PLACED[COMMAND][0]).exists()
    assert not stale(Layout(clone)) or finish_unless_busy(opened(clone)) == []


def test_a_branch_without_the_registry_serves_nothing_and_a_switch_back_does(root):
    """The plans are committed like everything else; another branch may know none of them."""
    git(root, "commit", "--quiet", "--allow-empty", "-m", "empty")
    git(root, "branch", "bare")
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    git(root, "commit", "--quiet", "-am", "running")
    stand_in_version = (root / SKILL).read_bytes()
    git(root, "switch", "--quiet", "bare")
    assert not (root / SKILL).exists()
    finish_unless_busy(opened(root))
    assert [entry.running for entry in index.entries(str(root))] == [False]
    git(root, "switch", "--quiet", "main")
    finish_unless_busy(opened(root))
    assert (root / SKILL).read_bytes() == stand_in_version
    assert [entry.running for entry in index.entries(str(root))] == [True]


def test_a_root_that_was_moved_is_served_from_its_new_place(root, tmp_path):
    """Every path of the old place is replaced, in the stand-in and on the machine's list."""
    made = drafted(root, SKILL)
    lifecycle.start(opened(root), made)
    moved = tmp_path / "moved"
    root.rename(moved)
    finish_unless_busy(opened(moved))
    assert str(moved).encode() in (moved / SKILL).read_bytes()
    assert str(root).encode() not in (moved / SKILL).read_bytes()
    assert [item.path for item in places.roots(places.data_folder(os.environ))] == [str(moved)]
    assert changed(moved) == ""
    promotion.stop(opened(moved), made, "x", dry_run=False)
    assert (moved / SKILL).read_bytes() == control(SKILL)
    assert str(root) not in (moved / ".git/info/exclude").read_text()


@pytest.mark.long
@pytest.mark.parametrize("first", ["one", ""])
def test_roots_in_one_repository_leave_each_other_alone(root, first):
    """Two folders, or a folder and the top: what hides the one's stand-in stays with it."""
    one, two = root / first, root / "two"
    for place in (one, two):
        place.mkdir(exist_ok=True)
        (place / SKILL).parent.mkdir(parents=True)
        (place / SKILL).write_bytes(control(SKILL))
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "start")
    made = {place: drafted_in(place, SKILL) for place in (one, two)}
    stand_in_version = {}
    for place in (two, one):
        lifecycle.start(opened(place), made[place])
        stand_in_version[place] = (place / SKILL).read_bytes()
        assert b"serve-variant" in stand_in_version[place]
    assert (two / SKILL).read_bytes() == stand_in_version[two]
    promotion.stop(opened(one), made[one], "x", dry_run=False)
    assert (two / SKILL).read_bytes() == stand_in_version[two]
    (two / SKILL).touch()
    assert git(root, "status", "--short", "--", SKILL, f"two/{SKILL}") == ""
    promotion.stop(opened(two), made[two], "x", dry_run=False)
    assert not (root / ".git/meta-experiment").exists()
    left = (root / ".git/info/exclude").read_text()
    assert left.startswith("*.log\nscratch\n")
    assert all("/.claude/meta/" in line for line in left.splitlines() if line.startswith("/"))


@pytest.mark.long
def test_worktrees_may_start_at_once(root, tmp_path):
    """Each has its block in the files that they share, and none is lost."""
    made = drafted(root, COMMAND)
    trees = [tmp_path / f"tree {number}" for number in range(4)]
    for tree in trees:
        git(root, "worktree", "add", "--quiet", "--detach", str(tree))
    code = (
        "import sys, time; from pathlib import Path\n"
        "from meta_experiment.files.roots import Layout\n"
        "from meta_experiment.services.acting import lifecycle\n"
        "from meta_experiment.services.workspace import Workspace\n"
        "space = Workspace.open(Layout(Path(sys.argv[1]).resolve()), time.time)\n"
        "sys.stdin.read(); lifecycle.start(space, sys.argv[2])"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tree), made],
            stdin=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(lifecycle.__file__).parents[3])},
        )
        for tree in trees
    ]
    for process in started:
        process.stdin.close()
    assert [process.wait() for process in started] == [0, 0, 0, 0]
    exclude = (root / ".git/info/exclude").read_text()
    assert all(
        f"meta-experiment (end of line added) {tree}" in exclude
        or f">>> meta-experiment {tree}" in exclude
        for tree in trees
    )
    assert not (root / ".git/meta-experiment").exists()


def test_a_file_of_git_that_is_a_link_is_not_written_through(root, tmp_path):
    """Other repositories may share it: lines of ours would hide their files too."""
    shared = tmp_path / "ignore"
    shared.write_bytes(b"*.mine\n")
    (root / ".git/info/exclude").unlink()
    (root / ".git/info/exclude").symlink_to(shared)
    made = drafted(root, COMMAND)
    with pytest.raises(RefusedError, match="is a link"):
        lifecycle.start(opened(root), made)
    assert shared.read_bytes() == b"*.mine\n"
    assert (root / ".git/info/exclude").is_symlink()
    assert not (root / PLACED[COMMAND][0]).exists()


@pytest.mark.parametrize("path", [COMMAND, SKILL])
def test_copies_of_a_checkout_fall_back_each_to_its_own_control(tmp_path, path):
    """Both call an experiment alike; what is kept of its prompt is not the other's."""
    first, second = tmp_path / "first", tmp_path / "second"
    (first / path).parent.mkdir(parents=True)
    opened(first).checkout.identity()
    shutil.copytree(first, second)
    (first / path).write_bytes(control(path))
    (second / path).write_bytes(control(path).replace(b"slowly", b"in turn"))
    own = {root: (root / path).read_bytes() for root in (first, second)}
    made = [drafted(root, path) for root in own]
    assert made[0] == made[1]
    for root in own:
        lifecycle.start(opened(root), made[0])
    for root, text in own.items():
        (stand_in,) = PLACED[path] or [path]
        printed = re.search(r"cat (\S*/served/\S+)", (root / stand_in).read_text())[1]
        assert Path(printed).read_bytes().strip() == text.rpartition(b"---\n")[2].strip()
