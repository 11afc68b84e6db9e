"""The base holds the project as it stands, and the user's repository does not change."""

from __future__ import annotations

import os
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

from meta_experiment.errors import GitError, RefusedError, StorageError
from meta_experiment.git import Git
from meta_experiment.runs.base import base_of


@pytest.fixture
def root(tmp_path):
    return repository(tmp_path / "user" / "project")


def based(root, tmp_path):
    return base_of(Git.find(root), root, tmp_path / "base")


def without_ignored(files):
    return {name: data for name, data in files.items() if not name.endswith(".log")}


def test_a_clean_project_is_its_own_base(root, tmp_path):
    before = fingerprint(root)
    base = based(root, tmp_path)
    assert base.commit == git(root, "rev-parse", "HEAD").strip()
    assert (base.branch, base.prefix, base.submodules) == ("feature/x", "", ())
    assert fingerprint(root) == before


def test_a_dirty_project_is_taken_as_it_stands_and_left_so(root, tmp_path):
    dirty(root)
    before = fingerprint(root)
    there = slots(root, tmp_path).prepare(1, {})
    assert fingerprint(root) == before
    assert tree(there) == without_ignored(tree(root))
    assert git(there, "status", "--porcelain") == ""
    subjects = git(there, "log", "--format=%s").splitlines()
    assert subjects == ["Update project files", "Work in progress", "First"]


def test_a_run_that_goes_on_has_the_base_that_it_began_with(root, tmp_path):
    dirty(root)
    base = based(root, tmp_path)
    write(root, "later.txt", b"later\n")
    assert based(root, tmp_path) == base
    assert base_of(Git.find(root), root, tmp_path / "anew").commit != base.commit


def test_the_same_project_has_the_same_base(root, tmp_path):
    dirty(root)
    first = based(root, tmp_path)
    assert base_of(Git.find(root), root, tmp_path / "anew").commit == first.commit


def test_what_a_base_died_of_is_no_base(root, tmp_path):
    write(tmp_path, "base/objects/info/alternates", b"/nowhere\n")
    write(tmp_path, "base/index", b"half")
    assert based(root, tmp_path).commit == git(root, "rev-parse", "HEAD").strip()


def test_a_base_of_which_git_removed_something_is_not_gone_on_with(root, tmp_path):
    write(root, "a.txt", b"a\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Second")
    base = based(root, tmp_path)
    git(root, "reset", "-q", "--hard", "HEAD~1")
    assert based(root, tmp_path) == base
    git(root, "reflog", "expire", "--expire=now", "--all")
    git(root, "gc", "-q", "--prune=now")
    with pytest.raises(RefusedError, match=f"commit {base.commit[:12]}.*no longer"):
        based(root, tmp_path)


def test_a_dirty_base_outlives_a_gc(root, tmp_path):
    dirty(root)
    base = based(root, tmp_path)
    git(root, "gc", "-q", "--prune=now")
    assert based(root, tmp_path) == base


@pytest.mark.long
def test_a_linked_worktree_a_shallow_clone_and_a_subfolder_are_projects(root, tmp_path):
    write(root, "sub/.claude/commands/a.md", b"a\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Second")
    linked = tmp_path / "linked"
    git(root, "worktree", "add", "-q", "-b", "other", str(linked))
    shallow = tmp_path / "shallow"
    git(root, "clone", "-q", "--depth", "1", f"file://{root}", str(shallow))
    for number, place in enumerate((linked, shallow)):
        dirty(place)
        before = fingerprint(place)
        there = slots(place, tmp_path / f"of-{number}").prepare(1, ARM)
        assert tree(there) == without_ignored(tree(place)) | ARM
        assert git(there, "log", "--format=%s").splitlines()[-1] == ("First", "Second")[number]
        assert fingerprint(place) == before
    there = slots(root / "sub", tmp_path / "of-sub", "top").prepare(1, ARM)
    assert there == tmp_path / "of-sub" / "slots" / "1" / "top" / "sub"
    assert tree(there) == {".claude/commands/a.md": b"a\n", COMMAND: ARM[COMMAND]}
    assert git(there, "status", "--porcelain") == ""


def test_a_repository_without_a_commit_has_a_base(tmp_path):
    root = tmp_path / "young"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    write(root, "a.txt", b"a\n")
    before = fingerprint(root)
    there = slots(root, tmp_path).prepare(1, ARM)
    assert tree(there) == {"a.txt": b"a\n"} | ARM
    assert git(there, "branch", "--show-current") == "main\n"
    assert fingerprint(root) == before


def test_a_checkout_on_no_branch_stays_on_none(root, tmp_path):
    git(root, "checkout", "-q", "--detach")
    pool = slots(root, tmp_path)
    for _ in range(2):
        there = pool.prepare(1, ARM)
        assert git(there, "branch", "--show-current") == ""
        assert git(there, "status", "--porcelain") == ""


def test_where_there_is_no_working_tree_the_way_out_is_told(tmp_path):
    (tmp_path / "plain").mkdir()
    git(tmp_path, "init", "-q", "--bare", "bare")
    for name in ("plain", "bare"):
        with pytest.raises(RefusedError, match="no working tree") as caught:
            base_of(Git.find(tmp_path), tmp_path / name, tmp_path / "base")
        assert "git init" in caught.value.hint
    assert not (tmp_path / "base" / "base.json").exists()


def test_what_git_cannot_read_is_named(root, tmp_path):
    git(root, "init", "-q", "inner")
    with pytest.raises(GitError, match="inner"):
        based(root, tmp_path)


def test_places_may_be_relative(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pool = slots(root.relative_to(tmp_path), Path())
    assert tree(pool.prepare(1, ARM)) == tree(root) | ARM
    assert pool.changes(1).files == {}


def test_what_cannot_be_written_is_named(root, tmp_path):
    (tmp_path / "base").write_bytes(b"a file in its place")
    with pytest.raises(StorageError, match="base"):
        based(root, tmp_path)


def test_the_users_settings_count_in_a_checkout_but_for_what_runs_programs(root, tmp_path):
    git(root, "config", "core.autocrlf", "true")
    git(root, "config", "core.safecrlf", "true")
    git(root, "config", "core.hooksPath", "/somewhere")
    git(root, "config", "filter.upper.smudge", 'tr a-z A-Z # "x"\\')
    git(root, "config", "filter.upper.clean", "tr A-Z a-z")
    git(root, "config", "filter.meta-experiment.clean", "false")
    git(root, "config", "remote.origin.url", "https://example.com/x")
    write(root, ".git/info/attributes", b"*.up filter=upper\n")
    write(root, ".git/info/exclude", b"secret.txt\n")
    write(root, "secret.txt", b"secret\n")
    write(root, "a.up", b"LOUD\n")
    git(root, "-c", "core.safecrlf=false", "add", "-A")
    git(root, "-c", "core.safecrlf=false", "commit", "-qm", "Filtered")
    assert git(root, "show", "HEAD:a.up") == "loud\n"
    there = slots(root, tmp_path).prepare(1, ARM)
    assert (there / "a.up").read_bytes() == b"LOUD\r\n"
    assert (there / COMMAND).read_bytes() == ARM[COMMAND]
    assert git(there, "status", "--porcelain") == ""
    assert git(there, "config", "--local", "user.name") == "Ada Löve\n"
    assert git(there, "config", "filter.upper.smudge") == 'tr a-z A-Z # "x"\\\n'
    assert git(there, "config", "--local", "core.hooksPath") == f"{os.devnull}\n"
    assert git(there, "config", "--local", "gc.auto") == "0\n"
    assert git(there, "remote") == ""
    told = git(there, "config", "--list")
    assert "filter.meta-experiment" not in told
    assert not (there / "secret.txt").exists()
    write(there, "secret.txt", b"")
    assert git(there, "status", "--porcelain") == ""


def test_hooks_of_the_user_do_not_run(root, tmp_path):
    for name in ("post-index-change", "post-checkout", "pre-commit", "reference-transaction"):
        write(root, f".git/hooks/{name}", f"#!/bin/sh\ntouch {tmp_path}/ran\n".encode(), 0o755)
    dirty(root)
    (tmp_path / "ran").unlink(missing_ok=True)
    there = slots(root, tmp_path).prepare(1, ARM)
    git(there, "commit", "-q", "--allow-empty", "-m", "x")
    assert not Path(tmp_path / "ran").exists()
