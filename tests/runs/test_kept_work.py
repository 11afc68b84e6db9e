"""The work of a run on a commit of the user's: merged, or told what stands against it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace

import pytest
from tests.runs.repositories import ARM, COMMAND, dirty, fingerprint, repository, slots, write
from tests.support.git import git

from meta_experiment.errors import GitError, RefusedError
from meta_experiment.git import Git
from meta_experiment.runs import kept_work
from meta_experiment.runs.kept_work import find_work, make_branch, trial_merge


class Work:
    """A project, and a run that works in a checkout of it."""

    def __init__(self, folder):
        self.folder = folder
        self.root = repository(folder / "user" / "project")
        self.git = Git.find(self.root)

    def begin(self, arm=ARM):
        self.pool = slots(self.root, self.folder)
        return self.pool.prepare(1, arm)

    def keep(self):
        self.pool.changes(1)
        self.pool.keep_work(1, self.folder / "work")
        return find_work(self.folder / "work")

    @property
    def head(self):
        return git(self.root, "rev-parse", "HEAD").strip()

    def merge(self, prefix=""):
        lenders = [str(self.folder / "base" / "objects")]
        scratch = self.folder / "scratch"
        tried = trial_merge(
            self.git, self.head, find_work(self.folder / "work"), lenders, prefix, scratch
        )
        assert not scratch.exists()
        return tried

    def branch(self, tried, name="taken"):
        return make_branch(self.git, name, self.head, tried, "Taken\n")


@pytest.fixture
def work(tmp_path):
    return Work(tmp_path)


def read(root, name, at="taken"):
    return subprocess.run(
        ["git", "cat-file", "blob", f"{at}:{name}"], cwd=root, capture_output=True, check=True
    ).stdout


def test_work_comes_onto_a_base_that_moved_and_nothing_else_does(work):
    """Binary files, permissions, links, removals; not the text of the variant."""
    there = work.begin()
    write(there, "with space/näme.txt", b"one\ntwo\nthree\n")
    write(there, "picture.bin", bytes(range(256)) * 8)
    write(there, "tool.sh", b"#!/bin/sh\n", 0o755)
    (there / "run.sh").unlink()
    (there / "away").unlink()
    (there / "away").symlink_to("dos.txt")
    git(there, "add", "-A")
    git(there, "commit", "-qm", "Half of it")  # committed or not is the same
    write(there, "later.txt", b"later\n")
    work.keep()
    write(work.root, "dos.txt", b"a\r\nmoved\r\n")
    git(work.root, "commit", "-qam", "Moved")
    write(work.root, "with space/näme.txt", b"uncommitted\n")
    git(work.root, "add", "-A")
    write(work.root, "untracked", b"x")
    before = fingerprint(work.root)
    tried = work.merge()
    assert fingerprint(work.root) == before
    assert tried.conflicts == tried.left_out == ()
    assert tried.files == {
        "away": 2, "later.txt": 1, "picture.bin": 0, "run.sh": 2, "tool.sh": 1,
        "with space/näme.txt": 1,
    }  # fmt: skip
    head = work.head
    commit = work.branch(tried)
    assert git(work.root, "log", "-1", "--format=%H %P %s", "taken").split() == [
        commit, head, "Taken",
    ]  # fmt: skip
    assert read(work.root, "picture.bin") == bytes(range(256)) * 8
    assert read(work.root, "dos.txt") == b"a\r\nmoved\r\n"
    assert read(work.root, COMMAND) == b"The text.\n"
    assert read(work.root, "with space/näme.txt") == b"one\ntwo\nthree\n"
    assert "run.sh" not in git(work.root, "ls-tree", "-r", "--name-only", "taken")
    after = fingerprint(work.root)
    assert after["status"] == before["status"]
    new = {path for path in after if after[path] != before.get(path)}
    places = (f"{work.root}/.git/objects/", f"{work.root}/.git/refs/heads/taken")
    logs = (f"{work.root}/.git/logs/refs/heads/taken",)
    assert all(path.startswith((*places, *logs)) for path in new)
    assert before.keys() <= after.keys()


def test_where_both_sides_changed_nothing_is_made(work):
    there = work.begin()
    write(there, "with space/näme.txt", b"one\nruns\n")
    write(there, "picture.bin", b"\0runs")
    (there / "dos.txt").unlink()
    work.keep()
    write(work.root, "with space/näme.txt", b"one\nmine\n")
    write(work.root, "picture.bin", b"\0mine")
    write(work.root, "dos.txt", b"mine\r\n")
    git(work.root, "add", "-A")
    git(work.root, "commit", "-qm", "Mine")
    before = fingerprint(work.root)
    tried = work.merge()
    assert tried.conflicts == ("dos.txt", "picture.bin", "with space/näme.txt")
    assert fingerprint(work.root) == before


def test_what_was_not_committed_when_the_run_began_is_no_work_of_it(work):
    """Where the run went on from it, it is in the way until it is committed."""
    dirty(work.root)
    there = work.begin()
    write(there, "other.txt", b"work\n")
    work.keep()
    assert work.merge().files == {"other.txt": 1}
    write(there, "staged.txt", b"staged, then changed\nand gone on\n")
    work.keep()
    assert work.merge().conflicts == ("staged.txt",)
    git(work.root, "add", "-A")
    git(work.root, "commit", "-qm", "All")
    assert work.merge().files == {"other.txt": 1, "staged.txt": 1}


def test_nothing_of_the_users_settings_runs(work, tmp_path, monkeypatch):
    """No hook, filter, driver of merges or program that signs."""
    home = tmp_path / "home"
    write(home, "trap", f"#!/bin/sh\ntouch {home}/sprung\ncat\n".encode(), 0o755)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "config"))
    trap = f'"{home}/trap"'
    write(
        home, "config",
        f'[merge "m"]\n driver = {trap}\n[filter "f"]\n clean = {trap}\n smudge = {trap}\n'
        f'[diff "d"]\n textconv = {trap}\n command = {trap}\n[gpg]\n program = {trap}\n'
        f"[commit]\n gpgSign = true\n[core]\n fsmonitor = {trap}\n".encode(),
    )  # fmt: skip
    write(work.root, ".gitattributes", b"*.txt merge=m diff=d\n*.run filter=f\n")
    write(work.root, "a.txt", b"1\n2\n3\n4\n5\n")
    git(work.root, "-c", "commit.gpgSign=false", "add", "-A")
    git(work.root, "-c", "commit.gpgSign=false", "commit", "-qm", "x")
    there = work.begin()
    write(there, "a.txt", b"1\n2\n3\n4\nruns\n")
    work.keep()
    write(work.root, "a.txt", b"mine\n2\n3\n4\n5\n")
    git(work.root, "-c", "commit.gpgSign=false", "commit", "-qam", "x")
    for name in ("post-commit", "reference-transaction", "pre-commit", "post-checkout"):
        write(work.root, f".git/hooks/{name}", (home / "trap").read_bytes(), 0o755)
    (home / "sprung").unlink(missing_ok=True)
    work.branch(work.merge())
    assert read(work.root, "a.txt") == b"mine\n2\n3\n4\nruns\n"
    assert not (home / "sprung").exists()


def test_what_is_none_of_the_projects_is_left_out(work):
    """State of this program, and repositories that an agent made or took in."""
    there = work.begin()
    write(there, ".claude/meta/experiments.json", b"{}")
    git(there, "init", "-q", "inner")
    git(there / "inner", "commit", "-q", "--allow-empty", "-m", "x")
    write(there, "a.txt", b"a\n")
    work.keep()
    tried = work.merge()
    assert tried.left_out == (".claude/meta/experiments.json", "inner")
    assert tried.files == {"a.txt": 1}


@pytest.mark.long
def test_what_is_there_already_changes_nothing(work):
    write(work.begin(), "a.txt", b"a\n")
    work.keep()
    write(work.root, "a.txt", b"a\n")
    git(work.root, "add", "-A")
    git(work.root, "commit", "-qm", "Same")
    tried = work.merge()
    assert (tried.files, tried.conflicts) == ({}, ())


@pytest.mark.long
def test_work_without_its_base_is_refused(work):
    write(work.begin(), "dos.txt", b"a\r\nruns\r\n")
    pack, _ = work.keep()
    assert pack.stat().st_size < 2_000  # of the base nothing is in it
    assert pack.stat().st_mode & 0o077 == 0
    other = repository(work.folder / "other")
    write(other, "x", b"x")
    work.root, work.git = other, Git.find(other)
    for name in ("dos.txt", "run.sh", COMMAND):
        write(other, name, b"other")
    git(other, "add", "-A")
    git(other, "commit", "-qm", "x", "--amend")
    git(other, "reflog", "expire", "--expire=now", "--all")
    git(other, "gc", "-q", "--prune=now")
    (work.folder / "base" / "objects").rename(work.folder / "gone")
    with pytest.raises(GitError):
        work.merge()


def test_too_much_is_not_kept(work, monkeypatch):
    write(work.begin(), "a.bin", os.urandom(5_000))
    monkeypatch.setattr(kept_work, "LARGEST", 4_000)
    assert work.keep() is None
    assert not list((work.folder / "slots").glob("*.git/packing"))


def test_a_branch_that_is_there_or_that_nobody_makes_is_refused(work, monkeypatch):
    write(work.begin(), "a.txt", b"a\n")
    work.keep()
    tried = work.merge()
    with pytest.raises(RefusedError, match="cannot be made"):
        work.branch(tried, "feature/x")
    with pytest.raises(RefusedError, match="cannot be made"):
        work.branch(tried, "feature")
    git(work.root, "config", "--unset", "user.name")
    git(work.root, "config", "user.useConfigOnly", "true")
    for name in list(os.environ):
        if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER")):
            monkeypatch.delenv(name)
    with pytest.raises(RefusedError, match="in whose name"):
        work.branch(tried)


@pytest.mark.long
@pytest.mark.parametrize("form", ["linked", "shallow"])
def test_a_checkout_of_another_kind_is_as_good(work, form):
    git(work.root, "commit", "-q", "--allow-empty", "-m", "Second")
    other = work.folder / "other"
    if form == "linked":
        git(work.root, "worktree", "add", "-q", "-b", "side", str(other))
    else:
        git(work.folder, "clone", "-q", "--depth=1", f"file://{work.root}", str(other))
        git(other, "config", "user.name", "Ada")
        git(other, "config", "user.email", "a@example.com")
    work.root, work.git = other, replace(work.git, directory=other)
    write(work.begin(), "a.txt", b"a\n")
    work.keep()
    work.branch(work.merge())
    assert read(other, "a.txt") == b"a\n"
