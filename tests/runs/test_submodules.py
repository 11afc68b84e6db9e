"""Submodules: as the user has them, left alone, put back for every run, and run by nobody."""

from __future__ import annotations

import itertools
import os
import shutil
from contextlib import suppress
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

from meta_experiment.git import Git
from meta_experiment.runs import checkouts, work_tree
from meta_experiment.runs.base import base_of
from meta_experiment.runs.work_tree import Changes

STATUS = ("submodule", "status", "--recursive")
FILE = ("-c", "protocol.file.allow=always")


def add(root, source, path):
    git(root, *FILE, "submodule", "add", "-q", str(source), path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with a submodule, which has one within, and a second one that is not there."""
    tmp_path = tmp_path_factory.mktemp("submodules")
    inner, outer = repository(tmp_path / "inner"), repository(tmp_path / "outer")
    add(outer, inner, "vendor/deep")
    git(outer, "commit", "-qm", "Deep")
    made = repository(tmp_path / "user" / "project")
    add(made, outer, "libs/lib")
    add(made, inner, "absent")
    git(made, "commit", "-qm", "Modules")
    git(made, *FILE, "submodule", "-q", "update", "--init", "--recursive")
    git(made, "submodule", "-q", "deinit", "-f", "absent")
    for name in ("outer", "inner"):
        shutil.rmtree(tmp_path / name)  # nothing can be fetched from anywhere
    return made


@pytest.fixture
def root(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "user" / "project", symlinks=True))


def based(root, tmp_path):
    return base_of(Git.find(root), root, tmp_path / "base")


def told(there):
    """Return what git tells of the submodules."""
    return [
        git(there, "status", "--porcelain"),
        [line.split()[:2] for line in git(there, *STATUS).splitlines()],
        git(there / "libs" / "lib", "log", "--format=%s"),
        git(there / "libs" / "lib", "status", "--porcelain"),
        git(there / "libs" / "lib" / "vendor" / "deep", "log", "--format=%s"),
    ]


def test_submodules_are_filled_from_the_users_own_and_what_is_not_there_is_named(
    root, tmp_path
):
    theirs = told(root)
    before = fingerprint(root)
    base = based(root, tmp_path)
    assert base.commit == git(root, "rev-parse", "HEAD").strip()
    assert base.empty == ("absent",)
    there = slots(root, tmp_path).prepare(1, {})
    assert tree(there) == tree(root)
    assert told(there)[1:] == theirs[1:]
    assert git(there, "status", "--porcelain") == ""
    assert git(there / "libs" / "lib", "remote") == ""
    assert based(root, tmp_path) == base
    assert fingerprint(root) == before


def spoil(there, tmp_path):
    """Do in submodules what agents do, and worse."""
    lib, deep = there / "libs" / "lib", there / "libs" / "lib" / "vendor" / "deep"
    for number, place in enumerate((lib, deep)):
        git(place, "checkout", "-q", "-b", f"mine-{number}")
        write(place, "new.txt", b"new\n")
        git(place, "add", "-A")
        git(place, "commit", "-qm", "Mine")
        git(place, "config", "filter.evil.clean", f"touch {tmp_path}/evil; cat")
        git(place, "config", "core.fsmonitor", f"touch {tmp_path}/evil")
        write(place, ".gitattributes", b"* filter=evil\n")
        write(place, "dos.txt", b"A\r\nb\r\n")
        write(place, "built/x.log", b"ignored\n")
    write(there, "absent/left", b"left\n")
    git(there, "add", "libs/lib")
    (tmp_path / "evil").unlink(missing_ok=True)


@pytest.mark.long
def test_what_agents_do_in_submodules_is_told_and_gone_with_the_run(root, tmp_path):
    pool = slots(root, tmp_path)
    there = pool.prepare(1, ARM)
    before = (tree(there), told(there))
    assert pool.changes(1) == Changes({}, b"")
    spoil(there, tmp_path)
    found = pool.changes(1)
    lib, deep = "libs/lib", "libs/lib/vendor/deep"
    changed = ("new.txt", ".gitattributes", "dos.txt")
    assert set(found.files) == {f"{place}/{name}" for place in (lib, deep) for name in changed}
    assert f"+++ b/{deep}/new.txt\n".encode() in found.patch
    assert pool.changes(1) == found
    assert pool.prepare(1, ARM) == there
    assert (tree(there), told(there)) == before
    assert list((there / "absent").iterdir()) == []
    assert pool.changes(1) == Changes({}, b"")
    assert not (tmp_path / "evil").exists()


@pytest.mark.long
@pytest.mark.parametrize("harm", ["gone", "a link", "a link above", "a file"])
def test_a_submodule_that_was_taken_away_is_told_and_made_again(root, tmp_path, harm):
    pool = slots(root, tmp_path)
    there = pool.prepare(1, {})
    before = tree(there)
    write(tmp_path, "victim/lib/precious", b"x\n")
    place = there / ("libs" if harm == "a link above" else "libs/lib")
    shutil.rmtree(place)
    if harm == "a file":
        place.write_bytes(b"x\n")
    elif harm == "a link":
        place.symlink_to(tmp_path / "victim" / "lib")
    elif harm == "a link above":
        place.symlink_to(tmp_path / "victim")
    found = pool.changes(1).files
    assert f"libs/lib/{COMMAND}" in found
    assert "libs/lib/precious" not in found
    assert tree(pool.prepare(1, {})) == before
    assert tree(tmp_path / "victim") == {"lib/precious": b"x\n"}


@pytest.mark.long
def test_what_is_not_committed_in_a_submodule_is_taken_along(root, tmp_path):
    lib = root / "libs" / "lib"
    dirty(lib)
    write(lib, "vendor/deep/new.txt", b"new\n")
    git(root / "libs/lib/vendor/deep", "add", "-A")
    git(root / "libs/lib/vendor/deep", "commit", "-qm", "Moved on")
    before = fingerprint(root), fingerprint(lib)
    there = slots(root, tmp_path).prepare(1, {})
    assert (fingerprint(root), fingerprint(lib)) == before
    wanted = {name: data for name, data in tree(root).items() if not name.endswith(".log")}
    assert tree(there) == wanted
    assert told(there)[0] == told(there)[3] == ""
    assert told(there)[2].splitlines()[:2] == ["Work in progress", "Deep"]
    assert told(there)[4].splitlines()[0] == "Moved on"


def test_no_filter_of_a_submodule_runs(root, tmp_path):
    lib = root / "libs" / "lib"
    git(root, "config", "--file", f"{tmp_path}/own", "filter.evil.smudge", "false")
    git(lib, "config", "include.path", f"{tmp_path}/own")
    git(lib, "config", "filter.evil.clean", f"touch {tmp_path}/evil; cat")
    git(lib, "config", "filter.evil.required", "true")
    git(lib, "config", "core.fsmonitor", f"touch {tmp_path}/evil")
    write(lib, ".git-hook", b"#!/bin/sh\n", 0o755)
    git(lib, "config", "core.hooksPath", str(tmp_path))
    write(tmp_path, "post-checkout", f"#!/bin/sh\ntouch {tmp_path}/evil\n".encode(), 0o755)
    write(lib, ".gitattributes", b"*.txt filter=evil\n")
    write(lib, "dos.txt", b"A\r\nb\r\n")
    (tmp_path / "evil").unlink(missing_ok=True)
    pool = slots(root, tmp_path)
    there = pool.prepare(1, {})
    assert (there / "libs" / "lib" / "dos.txt").read_bytes() == b"A\r\nb\r\n"
    write(there, "libs/lib/dos.txt", b"a\r\nB\r\n")
    assert set(pool.changes(1).files) == {"libs/lib/dos.txt"}
    assert not (tmp_path / "evil").exists()


@pytest.mark.long
def test_another_commit_has_the_submodules_that_it_had(root, tmp_path):
    lib = root / "libs" / "lib"
    write(lib, "later.txt", b"later\n")
    git(lib, "add", "-A")
    git(lib, "commit", "-qm", "Later")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Later")
    git(root, "rm", "-qf", "--cached", "libs/lib")
    (lib / ".git").rename(tmp_path / "kept")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "As plain files")
    (tmp_path / "kept").rename(lib / ".git")
    git(root, "reset", "-q", "HEAD~1")
    pool = slots(root, tmp_path)
    for _ in range(2):
        there = pool.prepare(1, {}, "HEAD~1")
        assert not (there / "libs" / "lib" / "later.txt").exists()
        assert (there / "libs" / "lib" / "vendor" / "deep" / "run.sh").exists()
        plain = pool.prepare(1, {}, "HEAD@{1}")
        assert (plain / "libs" / "lib" / "later.txt").exists()
        assert not (plain / "libs" / "lib" / ".git").exists()
        assert pool.changes(1) == Changes({}, b"")
        nothing = pool.prepare(1, {}, "HEAD~2")
        assert not (nothing / "libs").exists()
        assert (pool.prepare(1, {}) / "libs" / "lib" / "later.txt").exists()


@pytest.mark.long
def test_a_repository_in_the_project_that_nobody_added_is_taken_along(root, tmp_path):
    repository(root / "mine")
    there = slots(root, tmp_path).prepare(1, {})
    assert tree(there / "mine") == tree(root / "mine")
    assert git(there, "status", "--porcelain") == ""


@pytest.mark.long
def test_a_submodule_whose_repository_is_gone_is_named(root, tmp_path):
    shutil.rmtree(root / ".git" / "modules" / "libs" / "lib")
    assert set(based(root, tmp_path).empty) == {"libs/lib", "absent"}
    assert list((slots(root, tmp_path).prepare(1, {}) / "libs" / "lib").iterdir()) == []


@pytest.mark.long
def test_a_repository_that_an_agent_made_runs_nothing_of_its_own(root, tmp_path):
    pool = slots(root, tmp_path)
    there = pool.prepare(1, {})
    inner = there / "inner"
    write(inner, "file", b"x\n")
    git(inner, "init", "-q")
    git(inner, "add", "-A")
    git(inner, "commit", "-qm", "Mine")
    git(inner, "config", "filter.evil.clean", f"touch {tmp_path}/evil; cat")
    write(inner, ".gitattributes", b"* filter=evil\n")
    write(inner, "file", b"y\n")
    found = [pool.changes(1) for _ in range(2)]
    assert set(found[0].files) == {"inner"}
    assert found[0] == found[1]
    assert not (tmp_path / "evil").exists()
    git(there / "with space", "init", "-q")
    assert not (pool.prepare(1, {}) / "with space" / ".git").exists()


class DiedError(BaseException):
    """The process ended here."""


@pytest.mark.long(25)
def test_a_prepare_that_died_anywhere_is_made_good(root, tmp_path, monkeypatch):
    """Before each call of git and each removal or copy of a folder, in turn.

    Copies call themselves for the folders within: of these, two thirds of all, some will do.
    """
    pool = slots(root, tmp_path)
    there = pool.prepare(1, ARM)
    before = (tree(there), told(there))
    steps = place = copied = 0

    def dying(call):
        def called(*given, **more):
            nonlocal steps, copied
            within = call is copy and isinstance(given[0], os.DirEntry)
            copied += within
            steps += not within or copied % 6 == 1
            if steps == place:
                raise DiedError
            return call(*given, **more)

        return called

    copy = shutil.copytree

    places = ((Git, "run"), (shutil, "copytree"), (work_tree, "remove"), (checkouts, "remove"))
    for place in itertools.count(1):
        if place % 3 == 0:
            spoil(there, tmp_path)
        if place % 5 == 0:
            pool.dispose()
        steps = copied = 0
        with monkeypatch.context() as patch:
            for owner, name in places:
                patch.setattr(owner, name, dying(getattr(owner, name)))
            with suppress(DiedError):
                pool.prepare(1, ARM)
        assert pool.prepare(1, ARM) == there
        assert (tree(there), told(there)) == before
        if steps < place:  # it went through
            break
    assert place > 25


def test_a_submodule_that_is_half_made_is_not_left_empty(root, tmp_path):
    pool = slots(root, tmp_path)
    before = tree(pool.prepare(1, {}))
    shutil.rmtree(tmp_path / "slots" / "1.git" / "modules" / "libs" / "lib" / "objects")
    assert tree(pool.prepare(1, {})) == before
