"""A repository as people have them: line ends, links, modes, odd names, settings, dirt."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tests.support.git import git

from meta_experiment.git import Git
from meta_experiment.runs.base import base_of
from meta_experiment.runs.checkouts import Slots

COMMAND = ".claude/commands/review.md"
ARM = {COMMAND: b"A better text.\n"}


def repository(root: Path) -> Path:
    """Make a repository of one commit, clean."""
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "feature/x")
    git(root, "config", "user.name", "Ada Löve")
    git(root, "config", "user.email", "ada@example.com")
    write(root, COMMAND, b"The text.\n")
    write(root, "with space/näme.txt", b"one\ntwo\n")
    write(root, "run.sh", b"#!/bin/sh\nexit 0\n", 0o755)
    write(root, "dos.txt", b"a\r\nb\r\n")
    (root / "link").symlink_to("with space")
    (root / "away").symlink_to("/etc")
    write(root, ".gitignore", b"*.log\nbuilt/\n.env\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "First")
    return root


def write(root: Path, name: str, data: bytes, mode: int = 0o644) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)


def dirty(root: Path) -> None:
    """Change, stage, remove and add."""
    write(root, "dos.txt", b"a\r\nB\r\n")
    write(root, "staged.txt", b"staged\n")
    git(root, "add", "staged.txt")
    write(root, "staged.txt", b"staged, then changed\n")
    write(root, "new/untracked.txt", b"new\n")
    write(root, "noise.log", b"ignored\n")
    (root / "run.sh").unlink()
    git(root, "config", "alias.x", "status")


def slots(root: Path, scratch: Path, name: str = "project") -> Slots:
    found = Git.find(root)
    assert found is not None
    return Slots(found, base_of(found, root, scratch / "base"), scratch / "slots", name)


def fingerprint(root: Path) -> dict[str, str]:
    """Return what every file of a repository holds, its time, and what git says of it."""
    top = Path(git(root, "rev-parse", "--path-format=absolute", "--git-common-dir").strip())
    found = {}
    for folder, _, names in os.walk(top):
        for name in names:
            path = Path(folder, name)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            # git notes by their time that objects are still in use
            time = 0 if "objects" in path.relative_to(top).parts else path.stat().st_mtime_ns
            found[str(path)] = f"{digest} {time}"
    told = git(root, "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--ignored")
    return found | {"status": told}


def tree(root: Path) -> dict[str, bytes | str]:
    """Return all files and links of a working tree, but for git's and for empty folders."""
    found: dict[str, bytes | str] = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        for name in {*names, *folders} - {".git"}:
            path = Path(folder, name)
            if path.is_symlink():
                found[str(path.relative_to(root))] = f"-> {path.readlink()}"
            elif path.is_file():
                found[str(path.relative_to(root))] = path.read_bytes()
    return found
