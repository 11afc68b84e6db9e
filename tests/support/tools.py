"""The environment of uv, pipx and the optional extras, pinned in requirements-tools.lock."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def tools_python() -> Path:
    """Return its Python, built now where nothing has built it yet; a failure says why."""
    entry = [sys.executable, "-E", str(ROOT / "scripts" / "_environment.py")]
    beside = str(Path(sys.prefix).parent)  # the environment of the tests
    done = subprocess.run(
        [*entry, "requirements-tools.lock", beside, "--name", "tools"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"no environment of tools: {done.stderr}"
    return Path(done.stdout.strip())
