"""Slots: what an agent finds, what it changed, and that nothing of it is left for the next."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.runs.repositories import (
    ARM,
    COMMAND,
    dirty,
    fingerprint,
    repository,
    slots,
    tree,
    write,
)
from tests.support.git import git

from meta_experiment.errors import NotFoundError, StorageError, UnsafePathError
from meta_experiment.files.confine import Content
from meta_experiment.runs import work_tree
from meta_experiment.runs.work_tree import Changes

FOLDERS = {"skills", "commands", "agents", "output-styles", "workflows", "routines"}


@pytest.fixture
def root(tmp_path):
    return repository(tmp_path / "user" / "project")


@pytest.fixture
def pool(root, tmp_path):
    return slots(root, tmp_path)


def modes(root):
    return {
        str(path.relative_to(root)): stat.S_IMODE(path.lstat().st_mode)
        for path in root.rglob("*")
        if ".git" not in path.parts
    }


def seen(there):
    """Return what a client tells its model of a checkout."""
    commands = (
        "status",
        "log --format=fuller --name-only",
        "branch -a",
        "stash list",
        "remote -v",
    )
    told = [git(there, *command.split()) for command in commands]
    return [
        line for part in told for line in part.splitlines() if not line.startswith("commit")
    ]


def test_a_checkout_is_the_project_with_the_files_of_the_arm(root, pool, tmp_path):
    there = pool.prepare(3, ARM | {"new/skill.md": b"new\r\n", "dos.txt": None})
    assert there == tmp_path / "slots" / "3" / "project"
    expected = tree(root) | ARM | {"new/skill.md": b"new\r\n"}
    del expected["dos.txt"]
    assert tree(there) == expected
    assert (there / "run.sh").stat().st_mode & 0o111
    assert git(there, "branch", "-a") == "* feature/x\n"
    assert {path.name for path in (there / ".claude").iterdir()} == FOLDERS
    assert not (there / ".git" / "logs").exists()


def test_arms_look_the_same_from_outside(pool):
    one = seen(pool.prepare(1, ARM))
    assert "nothing to commit, working tree clean" in one
    assert [line for line in one if "review.md" in line]
    assert seen(pool.prepare(2, {COMMAND: b"Other text.\n"})) == one
    assert seen(pool.prepare(1, {COMMAND: b"Other text.\n"})) == one
    unchanged = seen(pool.prepare(2, {COMMAND: b"The text.\n"}))
    assert [line for line in unchanged if "Update project files" in line]


def test_permissions_are_kept_or_given(pool):
    there = pool.prepare(1, {"run.sh": b"#!/bin/sh\n", "tool": Content(b"x", 0o755)})
    assert stat.S_IMODE((there / "run.sh").stat().st_mode) == 0o755
    assert stat.S_IMODE((there / "tool").stat().st_mode) == 0o755
    assert stat.S_IMODE((pool.prepare(1, ARM) / COMMAND).stat().st_mode) == 0o644


def havoc(there, tmp_path):
    """Do what agents do, and worse."""
    git(there, "checkout", "-q", "-b", "mine")
    write(there, "a.txt", b"a\n")
    git(there, "add", "-A")
    git(there, "commit", "-qm", "Mine")
    git(there, "config", "filter.evil.clean", f"touch {tmp_path}/evil; cat")
    git(there, "config", "core.fsmonitor", f"touch {tmp_path}/evil")
    write(there, ".git/hooks/pre-commit", b"#!/bin/sh\nexit 1\n", 0o755)
    write(there, ".git/info/exclude", b"*\n")
    write(there, "with space/stashed.txt", b"x\n")
    git(there, "stash", "-q", "-u")
    git(there, "update-index", "--assume-unchanged", "dos.txt")
    write(there, "dos.txt", b"a\r\nX\r\n")
    write(there, ".gitattributes", b"* filter=evil\n")
    write(there, "built/output.log", b"ignored\n")
    write(there, "inner/file", b"x\n")
    git(there / "inner", "init", "-q")
    write(there, "../beside/file", b"x\n")
    os.mkfifo(there / "pipe")
    write(tmp_path, "outside", b"outside\n", 0o600)
    os.link(tmp_path / "outside", there / "hard")
    (there / "link").unlink()
    write(there, "link/inner", b"x\n")
    write(there, "locked/file", b"x\n")
    (there / "locked").chmod(0o500)
    (there / "run.sh").chmod(0o700)
    (there / "with space").chmod(0o500)
    (there / ".git" / "index.lock").touch()
    (tmp_path / "evil").unlink(missing_ok=True)


def test_nothing_of_a_run_is_left(pool, tmp_path):
    there = pool.prepare(1, ARM)
    before = (tree(there), modes(there), seen(there))
    havoc(there, tmp_path)
    assert pool.prepare(1, ARM) == there
    assert (tree(there), modes(there), seen(there)) == before
    assert not (tmp_path / "slots" / "1" / "beside").exists()
    assert not (there / ".git" / "hooks").exists()
    assert (tmp_path / "outside").read_bytes() == b"outside\n"
    assert stat.S_IMODE((tmp_path / "outside").stat().st_mode) == 0o600
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("harm", ["git gone", "git a link", "all gone", "project a link"])
def test_a_slot_that_was_taken_apart_is_made_whole(pool, tmp_path, harm):
    there = pool.prepare(1, ARM)
    before = (tree(there), seen(there))
    victim = tmp_path / "victim"
    write(victim, ".git/precious", b"x\n")
    if harm == "git gone":
        shutil.rmtree(there / ".git")
    elif harm == "git a link":
        shutil.rmtree(there / ".git")
        (there / ".git").symlink_to(victim / ".git")
    elif harm == "all gone":
        shutil.rmtree(there.parent)
    else:
        shutil.rmtree(there)
        there.symlink_to(victim)
    assert (tree(pool.prepare(1, ARM)), seen(there)) == before
    assert (victim / ".git" / "precious").exists()


@pytest.mark.parametrize("path", ["away/x.md", "link/x.md", "../x.md", ".git/config"])
def test_an_arm_leads_out_of_no_checkout(pool, path):
    with pytest.raises(UnsafePathError):
        pool.prepare(1, {path: b"x"})


def test_another_commit_is_checked_out_for_a_case(root, pool):
    write(root, "second.txt", b"2\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Second")
    there = pool.prepare(1, ARM, "feature/x")
    assert (there / "second.txt").exists()
    assert git(there, "log", "--format=%s") == "Update project files\nSecond\nFirst\n"
    assert not (pool.prepare(1, ARM) / "second.txt").exists()
    with pytest.raises(NotFoundError, match="no commit"):
        pool.prepare(1, ARM, "nowhere")


def test_all_kinds_of_changes_are_counted(pool):
    there = pool.prepare(1, ARM)
    assert pool.changes(1) == Changes({}, b"")
    write(there, "with space/näme.txt", b"one\nzwei\n")
    git(there, "commit", "-qam", "Mine")
    write(there, COMMAND, b"A better text.\nAnd more.\n")
    write(there, "new.txt", b"1\n2\n3\n")
    write(there, "bytes", b"\0\1\2\n\n")
    write(there, "noise.log", b"ignored\n")
    git(there, "rm", "-q", "run.sh")
    found = pool.changes(1)
    assert set(found.files) == {"with space/näme.txt", COMMAND, "new.txt", "bytes", "run.sh"}
    assert found.lines == 2 + 1 + 3 + 2
    assert b"+zwei\n" in found.patch
    assert pool.changes(1) == found
    assert pool.prepare(1, ARM) == there
    assert pool.changes(1) == Changes({}, b"")


def test_changes_are_told_whatever_the_agent_did_to_its_repository(pool, tmp_path):
    there = pool.prepare(1, ARM)
    havoc(there, tmp_path)
    found = set(pool.changes(1).files)
    assert {"dos.txt", "a.txt", ".gitattributes", "link", "link/inner", "hard"} <= found
    shutil.rmtree(there / ".git")
    assert set(pool.changes(1).files) == found
    assert not (tmp_path / "evil").exists()


def test_what_a_git_left_that_was_killed_is_in_nobodys_way(pool, tmp_path):
    there = pool.prepare(1, ARM)
    write(there, "new.txt", b"new\n")
    inode = there.stat().st_ino
    seen = lambda: set(pool.changes(1).files) == {"new.txt"}  # noqa: E731
    for call in (seen, lambda: pool.prepare(1, ARM)):
        (tmp_path / "slots" / "1.git" / "index.lock").touch()
        assert call()
    assert there.stat().st_ino == inode  # not made anew


def test_a_patch_is_bounded(pool, monkeypatch):
    monkeypatch.setattr(work_tree, "PATCH_LIMIT", 100)
    there = pool.prepare(1, ARM)
    write(there, "long.txt", b"line\n" * 1000)
    found = pool.changes(1)
    assert (len(found.patch), found.lines) == (100, 1000)


def test_files_that_git_ignores_are_there_when_a_list_asks(root, tmp_path):
    write(root, ".worktreeinclude", b".env\n*.md\nbuilt/**\n!built/not\n")
    write(root, ".env", b"TOKEN=1\n", 0o600)
    write(root, "built/tool", b"tool\n", 0o755)
    write(root, "built/not", b"no\n")
    (root / "built" / "tool-link").symlink_to("tool")
    write(root, "noise.log", b"not asked for\n")
    pool = slots(root, tmp_path)
    for _ in range(2):
        there = pool.prepare(1, ARM)
        assert (there / ".env").read_bytes() == b"TOKEN=1\n"
        assert stat.S_IMODE((there / ".env").stat().st_mode) == 0o600
        assert {path.name for path in (there / "built").iterdir()} == {"tool", "tool-link"}
        assert not (there / "noise.log").exists()
        assert git(there, "status", "--porcelain") == ""
        write(there, ".env", b"changed\n")


def test_a_client_folder_that_git_ignores_is_there(root, tmp_path):
    git(root, "rm", "-qr", "--cached", ".claude")
    write(root, ".gitignore", b".claude/\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Ignore")
    write(root, ".claude/skills/a/SKILL.md", b"a\n")
    write(root, ".claude/settings.local.json", b"{}")
    write(root, ".claude/meta/experiments.json", b"{}")
    pool = slots(root, tmp_path)
    for _ in range(2):
        there = pool.prepare(1, ARM)
        found = {name: data for name, data in tree(there).items() if name[:7] == ".claude"}
        assert found == {COMMAND: ARM[COMMAND], ".claude/skills/a/SKILL.md": b"a\n"}
        assert git(there, "status", "--porcelain") == ""
        write(there, COMMAND, b"x\n")
        assert set(pool.changes(1).files) == {COMMAND}


@pytest.mark.parametrize("committed", [True, False])
def test_an_agent_does_not_read_of_the_experiment(root, tmp_path, committed):
    write(root, ".claude/meta/experiments.json", b"{}")
    write(root, ".claude/meta/variants/x/t.md", b"The other arm.\n")
    if committed:
        git(root, "add", "-A")
        git(root, "commit", "-qm", "Experiment")
    there = slots(root, tmp_path).prepare(1, ARM)
    assert not (there / ".claude" / "meta").exists()
    assert git(there, "status", "--porcelain") == ""
    assert git(there, "show", "--format=", "--name-only") == f"{COMMAND}\n"
    if not committed:
        assert "meta" not in git(there, "log", "--format=", "--name-only")


def test_all_slots_go_whatever_is_in_them(pool, tmp_path):
    for number in (1, 2):
        havoc(pool.prepare(number, ARM), tmp_path / f"of-{number}")
    pool.dispose()
    assert not (tmp_path / "slots").exists()
    pool.dispose()


def test_a_full_disk_is_told_and_the_slot_made_anew(pool, monkeypatch, tmp_path):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(StorageError, match="No space left"):
        pool.prepare(1, ARM)
    monkeypatch.undo()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert (pool.prepare(1, ARM) / COMMAND).read_bytes() == ARM[COMMAND]


@pytest.mark.long
def test_a_prepare_that_was_killed_anywhere_is_made_good(root, tmp_path):
    """Kills come between any two steps that touch the disk."""
    for number in range(60):
        write(root, f"many/{number}.txt", b"x\n" * 2000)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Many")
    pool = slots(root, tmp_path)
    whole = pool.prepare(1, ARM)
    before = (tree(whole), seen(whole))
    code = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[1:3];"
        "from tests.runs.repositories import slots, ARM;"
        "pool = slots(Path(sys.argv[3]), Path(sys.argv[4]));"
        "print(1, flush=True); pool.prepare(int(sys.argv[5]), ARM)"
    )
    here = Path(__file__).parents[2]
    arguments = [code, here / "scripts", here, root, tmp_path]
    for step in range(40):
        number = "1" if step % 2 else "2"
        if step % 4 == 0:
            pool.dispose()
        victim = subprocess.Popen(
            [sys.executable, "-c", *map(str, arguments), number],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        with victim:
            victim.stdout.readline()
            time.sleep(0.004 * step)
            os.killpg(victim.pid, 9)
        there = pool.prepare(int(number), ARM)
        assert (tree(there), seen(there)) == before


@pytest.mark.long
def test_the_users_own_git_never_fails_while_slots_are_made(root, tmp_path):
    for number in range(300):
        write(root, f"many/{number}.txt", b"x\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Many")
    dirty(root)
    before = fingerprint(root)
    pool = slots(root, tmp_path)
    assert fingerprint(root) == before
    failures, finished, done = [], [], threading.Event()

    def prepare(number):
        for _ in range(5):
            pool.prepare(number, ARM)
            pool.changes(number)
        finished.append(number)

    def use(*lines):
        while not done.is_set():
            for line in lines:
                told = subprocess.run(
                    ["git", *line.split()], cwd=root, capture_output=True, check=False
                )
                failures.extend([told.stderr] if told.returncode else [])

    looks = ("branch", "log --all", "worktree list")
    uses = [
        (*looks, "branch -f b0"),
        (*looks, "branch -f b1"),
        ("commit -q --allow-empty -m x",),
    ]
    users = [threading.Thread(target=use, args=lines) for lines in uses]
    makers = [threading.Thread(target=prepare, args=(number,)) for number in range(8)]
    for thread in users + makers:
        thread.start()
    for thread in makers:
        thread.join()
    done.set()
    for thread in users:
        thread.join()
    assert failures == []
    assert len(finished) == 8
    assert git(root, "worktree", "list").count("\n") == 1
    assert set(git(root, "branch").split()) <= {"*", "feature/x", "b0", "b1"}
