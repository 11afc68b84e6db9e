"""Find or build the Python environment that a lock file describes, and print its interpreter.

Usage: python _environment.py LOCK DIRECTORY [--name NAME] [--or-current] [--seconds N]
Exit codes: 0 done, one line on stdout; 1 not possible, the reason and the way out on stderr.

The environment is DIRECTORY/NAME-STAMP, where the stamp is a short hash of the lock file.
With --or-current the running Python is preferred to building, when it has the packages that
the project asks for; that choice is remembered in DIRECTORY/python-STAMP. With --seconds it
gives up after that time: a caller that would be killed for waiting gets an answer instead.
Every program it starts stands in DIRECTORY or below, and Python looks for modules nowhere else
than in its own folders: what lies where the caller is, or in the shared temporary folder,
stays a stranger's. Standard library only; Python 3.11 or newer.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TextIO

from meta_experiment.errors import DependencyError
from meta_experiment.files.programs import find_program

ROOT = Path(__file__).resolve().parent.parent
STAMP_LENGTH = 12
KEPT_SECONDS = 14 * 86400
# Python looks for nothing where it stands, nor where variables say; what users installed for
# themselves counts, which -I would not let it.
ALONE = ("-E", "-P")
PIP = "pip>=22.3"  # that installs for another Python
IMPORT_ALL = "import click, jsonschema, yaml"

Command = tuple[str | Path, ...]


class Patience:
    """How long the caller can wait; None is as long as it takes."""

    def __init__(self, seconds: float | None) -> None:
        """Begin to count."""
        self.seconds = seconds
        self.began = time.monotonic()

    def left(self) -> float | None:
        """Return the seconds that are left. Raises DependencyError when there are none."""
        if self.seconds is None:
            return None
        left = self.began + self.seconds - time.monotonic()
        if left <= 0:
            raise self.spent()
        return left

    def spent(self) -> DependencyError:
        """Say that it took too long, and where it may take longer."""
        return DependencyError(
            f"The Python environment was not ready within {self.seconds} s.",
            hint=f"In a terminal it may take longer: {ROOT / 'bin' / 'meta-experiment'} check",
        )


def stamp_of(lock: Path) -> str:
    """Name the content of a lock file in twelve hexadecimal digits."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:STAMP_LENGTH]


def environment(
    lock: Path, directory: Path, name: str, *, or_current: bool, patience: Patience
) -> Path:
    """Return an interpreter that has the packages, building its environment when need be.

    Two callers at once share one build. Raises DependencyError, OSError.
    """
    stamp = stamp_of(lock)
    target = directory / f"{name}-{stamp}"
    with only_builder(directory, patience):
        if works(interpreter(target), directory):
            return interpreter(target)
        if or_current and current_suffices() and works(Path(sys.executable), directory):
            remember(directory / f"python-{stamp}")
            return Path(sys.executable)
        sweep(directory, f"{name}-")
        build(lock, target, patience)
    return interpreter(target)


def interpreter(target: Path) -> Path:
    """Name the Python of an environment."""
    return target / "bin" / "python"


def works(python: Path, directory: Path) -> bool:
    """Tell whether an interpreter starts, in a directory, and can import the packages."""
    words: Command = (python, *ALONE, "-c", IMPORT_ALL)
    try:
        done = subprocess.run(words, cwd=directory, capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def current_suffices() -> bool:
    """Tell whether the running Python has the packages in the versions the project asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return all(satisfied(requirement) for requirement in project["dependencies"])


def satisfied(requirement: str) -> bool:
    """Tell whether a requirement of the form `name>=version` holds in the running Python."""
    name, _, least = requirement.partition(">=")
    try:
        return numbers(version(name)) >= numbers(least)
    except PackageNotFoundError:
        return False


def numbers(text: str) -> list[int]:
    """Read the leading numbers of a version, `2.4.0rc1` as 2, 4, 0."""
    leading = re.match(r"[\d.]*\d", text)
    return [int(part) for part in leading[0].split(".")] if leading else []


def remember(file: Path) -> None:
    """Note the running Python, so that the launcher need not look again."""
    written = file.with_name(f"{file.name}.{os.getpid()}")
    written.write_text(f"{sys.executable}\n", "utf-8")
    written.replace(file)


@contextmanager
def only_builder(directory: Path, patience: Patience) -> Iterator[None]:
    """Hold the lock on a directory of environments; the system frees it when we die."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / "lock").open("w") as handle:
        told = False
        while not taken(handle):
            if not told:
                say(f"waiting for another process that works in {directory}")
            told = True
            patience.left()
            time.sleep(0.2)
        yield


def taken(handle: TextIO) -> bool:
    """Try to take the lock on an open file."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sweep(directory: Path, prefix: str) -> None:
    """Delete what interrupted builds left, and environments of locks long replaced."""
    long_ago = time.time() - KEPT_SECONDS
    for entry in directory.iterdir():
        outdated = entry.name.startswith(prefix) and entry.stat().st_mtime < long_ago
        if entry.name.startswith("building-") or outdated:
            shutil.rmtree(entry)


def build(lock: Path, target: Path, patience: Patience) -> None:
    """Build an environment beside its place and move it there in one step."""
    say(f"building the Python environment {target} (once; mostly some seconds)")
    with tempfile.TemporaryDirectory(prefix="building-", dir=target.parent) as staging:
        fresh = Path(staging) / "environment"
        install(lock.resolve(), fresh, patience)
        if target.exists():
            target.rename(Path(staging) / "replaced")
        fresh.rename(target)


def install(lock: Path, fresh: Path, patience: Patience) -> None:
    """Make an environment with uv, or with pip where that is missing or fails."""
    uv = find_program("uv")
    if uv:
        try:
            follow(by_uv(uv, lock, fresh), fresh, patience)
        except DependencyError as error:
            say(f"{error.message}\nTrying with pip, whose settings may differ.")
            shutil.rmtree(fresh, ignore_errors=True)
        else:
            return
    follow(by_pip(lock, fresh), fresh, patience)


def by_uv(uv: str, lock: Path, fresh: Path) -> list[Command]:
    """Return the steps with uv."""
    new = ("--quiet", "--no-project", "--python", sys.executable)
    into = ("--quiet", "--python", interpreter(fresh))
    return [(uv, "venv", *new, fresh), (uv, "pip", "install", *into, *pinned(lock))]


def by_pip(lock: Path, fresh: Path) -> list[Command]:
    """Return the steps with the pip at hand, else with one for this environment alone."""
    python, (venv, pip) = interpreter(fresh), (("-m", "venv"), ("-m", "pip"))
    into = ("install", "--quiet", "--no-input", *pinned(lock))
    here = (sys.executable, *ALONE)
    if satisfied(PIP):  # which takes half of the time, and of the room
        first = (*here, *venv, "--without-pip", fresh)
        return [first, (*here, *pip, "--python", python, *into)]
    return [(*here, *venv, fresh), (python, *ALONE, *pip, *into)]


def pinned(lock: Path) -> Command:
    """Return what makes pip and uv install exactly these packages, and build none."""
    return ("--only-binary", ":all:", "--require-hashes", "--requirement", lock)


def follow(steps: list[Command], fresh: Path, patience: Patience) -> None:
    """Run the steps of a build, and see that what they made works."""
    for step in steps:
        run(fresh.parent, patience, *step)
    if not works(interpreter(fresh), fresh.parent):
        raise DependencyError(
            f"{steps[-1][0]} made an environment that lacks packages.", hint=remedy("")
        )


def run(folder: Path, patience: Patience, *command: str | Path) -> None:
    """Run a step of a build in a folder, away from settings meant for the user's project."""
    misleading = ("PYTHON", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX")
    settings = {
        key: value for key, value in os.environ.items() if not key.startswith(misleading)
    }
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={"PIP_RETRIES": "2", **settings, "PIP_USER": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=patience.left(),
        )
    except subprocess.TimeoutExpired:
        raise patience.spent() from None
    if done.returncode != 0:
        step = " ".join(str(word) for word in command[:5])
        raise DependencyError(
            f"'{step} …' failed:\n{done.stdout.strip()[-1500:]}", hint=remedy(done.stdout)
        )


def remedy(output: str) -> str:
    """Say what most likely helps against a failed step."""
    if "ensurepip" in output:
        return "Install the venv module of this Python (Debian, Ubuntu: python3-venv), or uv."
    if "No space left" in output:
        return "Make room (about 40 MB), then run the command again."
    return (
        "Check the network or the proxy, then run the command again. Or let "
        "META_EXPERIMENT_PYTHON name a Python 3.11 or newer that has the packages of "
        f"{ROOT / 'requirements.lock'}."
    )


def say(sentence: str) -> None:
    """Tell on stderr what takes time."""
    print(f"meta-experiment: {sentence}", file=sys.stderr, flush=True)


def main() -> int:
    """Read the arguments, print the interpreter; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lock", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--name", default="venv")
    parser.add_argument("--or-current", action="store_true")
    parser.add_argument("--seconds", type=float)
    asked = parser.parse_args()
    try:
        directory = asked.directory.absolute()
        python = environment(
            asked.lock,
            directory,
            asked.name,
            or_current=asked.or_current,
            patience=Patience(asked.seconds),
        )
    except DependencyError as error:
        say(f"{error.message}\n{error.hint}")
        return 1
    except OSError as error:
        say(f"{error.filename}: {error.strerror}.")
        say("Set XDG_DATA_HOME to a folder that can be written to.")
        return 1
    print(python)
    return 0


if __name__ == "__main__":
    sys.exit(main())
