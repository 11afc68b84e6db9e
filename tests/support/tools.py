"""Environments beside that of the tests, each built when it is first asked for."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def tools_python() -> Path:
    """Return the Python of uv, pipx and the optional extras (requirements-tools.lock)."""
    return _python("tools")


@cache
def engines_python() -> Path:
    """Return the Python of engines that are too heavy for every test: Spark.

    It is built by pip itself (requirements-engines.lock), as Spark comes as its source alone.
    """
    lock = ROOT / "requirements-engines.lock"
    stamp = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    target = Path(sys.prefix).parent / f"engines-{stamp}"
    python, ready = target / "bin" / "python", target / "ready"
    if not ready.exists():
        venv.create(target, with_pip=True, clear=True)
        words = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"no environment of engines: {done.stderr}"
        ready.touch()
    return python


def _python(name: str) -> Path:
    """Return the Python of a lock, built now where nothing has built it yet, or say why not."""
    entry = [sys.executable, "-E", str(ROOT / "scripts" / "_environment.py")]
    beside = str(Path(sys.prefix).parent)  # the environment of the tests
    done = subprocess.run(
        [*entry, f"requirements-{name}.lock", beside, "--name", name],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"no environment of {name}: {done.stderr}"
    return Path(done.stdout.strip())
