"""What pages are looked at with: a Chromium, and the packages that steer it.

`python -m tests.looks.installed` installs the packages that package-lock.json pins, and says
where both are; it exits with 1 where there is no Chromium.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


class Tools(NamedTuple):
    """The programs, and the folder of packages."""

    chromium: str
    node: str
    packages: Path


def place(environment: Mapping[str, str]) -> Path:
    """Return the folder outside the tree for the packages, which follows their lock."""
    cache = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME", "/"), ".cache")
    pinned = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    return Path(cache, "meta-experiment", f"looks-{pinned[:12]}")


def find(environment: Mapping[str, str]) -> Tools | str:
    """Return what there is to look with, or say what is missing.

    The browser is the one that CHROMIUM_UNDER_TEST names, else one on the PATH.
    """
    path = environment.get("PATH")
    named = environment.get("CHROMIUM_UNDER_TEST")
    known = [named] if named else [shutil.which(name, path=path) for name in _PROGRAMS]
    chromium = next(filter(None, known), None)
    if chromium is None:
        return "There is no Chromium on the PATH, and CHROMIUM_UNDER_TEST names none."
    node, packages = shutil.which("node", path=path), place(environment)
    if node is None:
        return "There is no node on the PATH."
    if not (packages / "installed").exists():
        return "The packages are not installed: python -m tests.looks.installed"
    return Tools(chromium, node, packages)


def install(environment: Mapping[str, str]) -> None:
    """Install the packages once, where there is npm; none may run anything meanwhile."""
    packages = place(environment)
    if (packages / "installed").exists() or not shutil.which("npm"):
        return
    packages.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, packages)
    quiet = ("--loglevel=error", "--no-audit", "--no-fund", "--ignore-scripts")
    subprocess.run(["npm", "ci", *quiet], cwd=packages, check=True, stdout=sys.stderr)
    (packages / "installed").touch()


if __name__ == "__main__":
    install(os.environ)
    found = find(os.environ)
    print(found if isinstance(found, str) else "\n".join(map(str, found)))  # noqa: T201
    sys.exit(isinstance(found, str))
