"""Environments beside that of the tests, each built when it is first asked for.

`python -m tests.support.tools` builds those that take long, so that no test is waited for.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BESIDE = Path(sys.prefix).parent  # of the environment of the tests
_FRAMES = ("pandas", "polars", "pyarrow", "click", "pyyaml", "jsonschema", "rich")
_TRIED = "import pandas, polars, pyarrow, click, yaml, jsonschema, rich"


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
    target = _BESIDE / f"engines-{stamp}"
    python, ready = target / "bin" / "python", target / "ready"
    with _alone(target):
        if not ready.exists():
            venv.create(target, with_pip=True, clear=True)
            words = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"no environment of engines: {done.stderr}"
            ready.touch()
    return python


def frames_python() -> Path | str:
    """Return the Python of the newest libraries of data frames, or say why there is none."""
    target = _BESIDE / f"frames-{sys.version_info[0]}.{sys.version_info[1]}"
    python = target / "bin" / "python"
    with _alone(target):
        if (
            not python.exists()
            or subprocess.run(
                [python, "-I", "-c", _TRIED], capture_output=True, check=False
            ).returncode
        ):
            venv.create(target, with_pip=True, clear=True)
            pip = [python, "-I", "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
            done = subprocess.run([*pip, *_FRAMES], capture_output=True, text=True, check=False)
            if done.returncode:
                return done.stderr[-500:]
    return python


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Let whoever comes first make it, and others wait."""
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _python(name: str) -> Path:
    """Return the Python of a lock, built now where nothing has built it yet, or say why not."""
    entry = [sys.executable, "-E", str(ROOT / "scripts" / "_environment.py")]
    done = subprocess.run(
        [*entry, f"requirements-{name}.lock", str(_BESIDE), "--name", name],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"no environment of {name}: {done.stderr}"
    return Path(done.stdout.strip())


if __name__ == "__main__":
    print(frames_python())  # noqa: T201
    if shutil.which("java"):
        print(engines_python())  # noqa: T201
