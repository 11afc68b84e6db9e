"""A project with prompt files, with or without git, and a registry of one line."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from tests.sealing import own_seal
from tests.support.git import GIT_ENVIRONMENT, committed

from meta_experiment.deploy import (
    ChangeSet,
    Deployer,
    FileChange,
    LandedChange,
    commit_message,
    version_of,
)
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.confine import Content
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.git import Git
from meta_experiment.types import Action

COMMAND = ".claude/commands/review.md"
SKILL = ".claude/skills/write it/SKÍLL.md"
CONTROL = {
    COMMAND: Content(b"\xef\xbb\xbfReview $ARGUMENTS.\r\nBe thorough.", 0o644),
    SKILL: Content("---\nname: écrire\n---\nWrite.\n".encode(), 0o600),
}
TREATMENT = {
    COMMAND: Content(b"\xef\xbb\xbfReview $ARGUMENTS.\r\nBe brief.", 0o644),
    SKILL: Content("---\nname: écrire\n---\nWrite well: \U0001f58b\n".encode(), 0o755),
}
CHANGE_ID = "c0ffee"


@dataclass
class Recording:
    """The registry's part in a change: what is done at its record, and what at its check."""

    record: Callable[[LandedChange], object]
    check: Callable[[], object] = lambda: None


class World:
    """One project in a folder of its own, and what a test wants to know of it."""

    def __init__(self, root):
        self.root = root
        self.layout = Layout(root)
        self.settled = []

    def git(self, *arguments, check=True, **options):
        return subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            check=check,
            capture_output=True,
            text=True,
            **options,
        ).stdout

    def init(self):
        """Commit the control files and one file that is no business of the experiment."""
        (self.root / "other.txt").write_text("other\n")
        committed(self.root)
        (self.root / ".git/info/exclude").write_text(".claude/meta/\n")
        return self

    def write(self, path, content):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.data)
        place.chmod(content.mode)

    def hook(self, name, body):
        place = self.root / ".git/hooks" / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\n{body}\n")
        place.chmod(0o755)

    def read(self, path):
        place = self.root / path
        if not place.exists():
            return None
        return Content(place.read_bytes(), place.stat().st_mode & 0o7777)

    def state(self):
        """Return all that a user can see: files, registry, branch, index."""
        return {
            "files": {path: self.read(path) for path in CONTROL},
            "registry": self.registered(),
            "head": self.git("rev-parse", "--verify", "-q", "HEAD", check=False),
            "index": self.git("ls-files", "-s", "-v", check=False),
            "status": self.git("status", "--porcelain", "-unormal")
            if (self.root / ".git").exists()
            else "",
        }

    def registered(self):
        place = self.layout.registry
        return json.loads(place.read_bytes()) if place.exists() else None

    def litter(self):
        """Return what a change should not leave behind, anywhere below the root."""
        journal = ["journal"] if self.layout.in_flight() else []
        locks = list((self.root / ".git").rglob("*.lock"))
        temporary = [
            path for path in self.root.rglob("*.meta-tmp") if path.parent != self.layout.meta
        ]  # beside the registry they are the registry step's own
        return journal + locks + temporary

    def registry_step(self, files):
        """Return a registry step that fails as the disk does and keeps to the contract."""

        def step(settled):
            self.settled.append(settled)
            known = {"payload": dict(settled.payload), "commit": settled.commit}
            data = json.dumps(known).encode()
            try:
                write_atomically(files, self.layout.registry, data)
            except OSError:
                if self.layout.registry.exists():
                    return
                raise

        return Recording(step)

    def deployer(self, files=None, git=None):
        git = git or Git.find(self.root)
        seal = partial(own_seal, self.root)
        return Deployer(self.layout, files or FileSystem(), git, seal, lock_timeout=20)

    def promote(self, files=None, git=None, *, dry_run=False, **changes):
        files = files or FileSystem()
        return self.deployer(files, git).apply(
            promotion(**changes), self.registry_step(files), dry_run=dry_run
        )

    def recover(self):
        files = FileSystem()
        return self.deployer(files).recover(self.registry_step(files))


def promotion(
    *, commit=True, before=CONTROL, after=TREATMENT, action=Action.PROMOTE, beside=None
):
    """Return the change from one set of files to another, all in the folder of one file."""
    message = commit_message(
        action=action,
        experiment_id="exp-1",
        name="brief reviews",
        summary="The shorter prompt is faster.",
        change_id=CHANGE_ID,
    )
    return ChangeSet(
        change_id=CHANGE_ID,
        experiment_id="exp-1",
        action=action,
        files=tuple(
            FileChange(path, version_of(before[path]), after[path], beside) for path in before
        ),
        payload={"status": "promoted"},
        message=message if commit else None,
    )


def set_environment(environment, home: Path):
    """Make an environment in which git behaves the same on every machine."""
    for name in [*environment]:
        if name.startswith(("GIT_", "CLAUDE", "META_", "XDG_")):
            del environment[name]
    environment.update(
        GIT_ENVIRONMENT,
        HOME=str(home),
        PATH="/usr/local/bin:/usr/bin:/bin",
        LC_ALL="C.UTF-8",
        GIT_AUTHOR_NAME="Ada",
        GIT_AUTHOR_EMAIL="ada@example.org",
        GIT_AUTHOR_DATE="1700000000 +0000",
        GIT_COMMITTER_NAME="Ada",
        GIT_COMMITTER_EMAIL="ada@example.org",
        GIT_COMMITTER_DATE="1700000000 +0000",
    )


@pytest.fixture(autouse=True)
def _own_environment(folders, monkeypatch):
    wanted = dict(os.environ)
    set_environment(wanted, folders())
    for name in [*os.environ]:
        if name not in wanted:
            monkeypatch.delenv(name)
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # only costs time here


@pytest.fixture
def plain(tmp_path):
    """A project that is no git repository."""
    root = tmp_path / "a project"
    root.mkdir()
    world = World(root)
    for path, content in CONTROL.items():
        world.write(path, content)
    return world


@pytest.fixture
def world(plain):
    """A project whose prompt files are committed."""
    return plain.init()
