"""Serving once in a folder made for it: the real program with the real interpreter."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from meta_experiment.files import process
from meta_experiment.files.programs import find_program
from meta_experiment.protocol import index, places, seal, texts
from meta_experiment.records import dataclass

_TOKEN = "0" * places.TOKEN_LENGTH
_KEY = "0" * 64
_ID, _SESSION = "exp-2026-01-31-rehearsal", "rehearsal"
_BODIES = {"control": "The text of the control.\n", "treatment": "The text of the treatment.\n"}
_PATH = ".claude/commands/rehearsal.md"
_TEXTS = {
    texts.ORIGINAL: _BODIES["control"],
    **{places.body_name(arm): body for arm, body in _BODIES.items()},
}
_PATIENCE = 20.0  # seconds
_LOOKS = 3


@dataclass(frozen=True, slots=True)
class RehearsalResult:
    """Result of a rehearsal: whether serving works, what was seen, and the seconds taken."""

    ok: bool
    detail: str
    seconds: float


def rehearse(program: Path, environment: Mapping[str, str]) -> RehearsalResult:
    """Serve a made-up experiment by `program` and compare what it prints with its texts."""
    with tempfile.TemporaryDirectory(prefix="meta-experiment-") as folder:
        home = Path(folder).resolve()
        root = home / "project"
        own = _stage(home, root, environment)
        words = [str(program), f"{_ID}@{_TOKEN}", _SESSION]
        before = time.perf_counter()
        try:
            done = process.run(words, within=_PATIENCE, directory=root, environment=own)
        except OSError as error:
            return RehearsalResult(False, f"{program} cannot be run: {error}", 0.0)
        seconds = time.perf_counter() - before
        served = done.output.decode("utf-8", "replace")
        if done.code == 0 and served.strip() in {it.strip() for it in _BODIES.values()}:
            return RehearsalResult(True, f"{program} serves", seconds)
        shown = done.errors.decode("utf-8", "replace").strip()[-200:] or served.strip()[:200]
        detail = f"{program} exited with {done.code} and served no variant: {shown}"
        return RehearsalResult(False, detail.rstrip(": "), seconds)


def start_seconds(python: str) -> float | None:
    """Return how long an interpreter takes to start, the best of three; None if it does not."""
    best = None
    for _ in range(_LOOKS):
        before = time.perf_counter()
        try:
            subprocess.run(
                [python, "-I", "-S", "-c", "pass"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PATIENCE,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        took = time.perf_counter() - before
        best = took if best is None else min(best, took)
    return best


def chosen_python(environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the interpreter that hooks and serving choose, and what named it."""
    given = environment.get("META_EXPERIMENT_PYTHON")
    if given:
        return find_program(given, environment) or given, "META_EXPERIMENT_PYTHON"
    file = places.python_file(places.data_folder(environment))
    noted = places.read_text(file).strip()
    if noted and os.access(noted, os.X_OK):
        return noted, file
    found = find_program("python3", environment)
    return None if found is None else (found, "PATH")


def _stage(home: Path, root: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Make a root with one running experiment; return the environment that leads to it."""
    own = {"HOME": str(home), "XDG_DATA_HOME": str(home / "data")}
    own |= {
        name: environment[name]
        for name in ("PATH", "META_EXPERIMENT_PYTHON", "LANG", "LC_ALL")
        if name in environment
    }
    data = Path(places.data_folder(own))
    python = chosen_python(environment)
    key, checkout = _KEY.encode(), _TOKEN.ljust(32, "0")
    files = {
        places.roots_file(str(data)): places.format_root(
            places.Root(_TOKEN, places.PROJECT, str(root))
        ),
        seal.key_file(str(data)): _KEY,
        places.active_index(str(root)): index.sealed_lines(
            [_entry(list(_BODIES))], seal.Seal(key, checkout)
        ),
        places.local_id(str(root)): seal.sealed_id(checkout, key).decode(),
        str(root / _PATH): _BODIES["control"],
    }
    if python is not None and python[1] != "META_EXPERIMENT_PYTHON":
        files[places.python_file(str(data))] = python[0] + "\n"
    for arm, body in _BODIES.items():
        files[places.served_text(str(root), _ID, places.body_name(arm))] = body
    for path, text in files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, "utf-8")
    return own


def _entry(arms: Sequence[str]) -> index.Entry:
    return index.Entry(
        id=_ID,
        state=index.RUNNING,
        kind=index.COMMAND,
        name="rehearsal",
        path=_PATH,
        form=index.SHADOW,
        unit="session",
        method="hash",
        traffic=1.0,
        arms=list(arms),
        weights=[1.0 for _ in arms],
        seed="00",
        digests={name: texts.digest(data.encode()) for name, data in _TEXTS.items()},
    )
