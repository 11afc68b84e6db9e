"""What agents may write to, where bubblewrap is installed; else, what changed meanwhile.

In the fence all can be read. Written can be the checkout, the folder of the attempt, temporary
folders, and the hidden folders of the home directory, in which programs keep their state and
their login; not what a login or a shell begins with, and never the user's project.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from meta_experiment.files import process
from meta_experiment.files.programs import find_program
from meta_experiment.git import Git
from meta_experiment.records import dataclass
from meta_experiment.runs.base import OWN_STATE, SLOW
from meta_experiment.runs.supervising import Launch

_PROGRAM = "bwrap"
_ALL = (
    *("--die-with-parent", "--ro-bind", "/", "/"),
    *("--dev-bind", "/dev", "/dev", "--bind", "/proc", "/proc"),
)
_OPEN, _CLOSED = "--bind", "--ro-bind"
_OWN = "--bind-try"  # which need not be there yet
# without a look into submodules, whose filters would run
_STATUS = (
    *("--no-optional-locks", "status", "--porcelain", "-z"),
    "--ignore-submodules=dirty",
)
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - as they are for every program
_CLOSED_OF_HOME = (".git", ".gnupg", ".ssh")
_PROBE = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Fence:
    """The fence around programs; without a `program` there is none."""

    program: str = ""
    places: tuple[tuple[str, str], ...] = ()  # what is laid over what comes before, and how

    def around(self, launch: Launch, own: Iterable[Path]) -> Launch:
        """Return a launch within the fence, which leaves it its own folders."""
        if not self.program:
            return launch
        end = ("--chdir", str(launch.directory.absolute()), "--")
        command = (*self._words(own), *end, *launch.command)
        return replace(launch, command=command, fenced=True)

    def around_git(self, git: Git, own: Iterable[Path]) -> Git:
        """Return git within the fence, for filters whose programs an agent may have written."""
        return replace(git, around=(*self._words(own), "--")) if self.program else git

    def _words(self, own: Iterable[Path]) -> tuple[str, ...]:
        places = (*self.places, *((_OWN, os.path.realpath(path)) for path in own))
        return (
            self.program,
            *_ALL,
            *(word for how, path in places for word in (how, path, path)),
        )


def fence(git: Git, data: Path, environment: Mapping[str, str]) -> Fence:
    """Return the fence around the agents of a project; `data` holds what is this machine's."""
    program = find_program(_PROGRAM, environment)
    home = os.path.realpath(environment.get("HOME") or "/")
    asked = git.run(
        "rev-parse", "--path-format=absolute", "--show-toplevel", "--git-common-dir"
    )
    theirs = [os.path.realpath(os.fsdecode(line)) for line in asked.output.splitlines()]
    inside = any(Path(home).is_relative_to(path) for path in theirs)
    if program is None or asked.code or inside or not _works(program):
        return Fence()
    layers = (
        (_OPEN, (*_TEMPORARY, environment.get("XDG_RUNTIME_DIR", ""))),
        (_CLOSED, (home,)),
        (_OPEN, _hidden(home)),
        (_CLOSED, (*theirs, os.path.realpath(data))),
    )
    return Fence(
        program,
        tuple(
            (flag, path)
            for flag, paths in layers
            for path in paths
            if path and Path(path).is_dir()
        ),
    )


def standing(git: Git) -> Mapping[str, bytes]:
    """Return how the user's checkout stands, as far as git tells."""
    own = f":(exclude,glob)**/{OWN_STATE}/**"
    asked = {
        "HEAD": ("rev-parse", "HEAD"),
        "its branch": ("symbolic-ref", "-q", "HEAD"),
        "references, such as branches or the stash": ("for-each-ref",),
        "files": (*_STATUS, "--", ".", own),
    }
    git = replace(git, timeout=SLOW, literal=False)
    return {name: git.run(*words).output for name, words in asked.items()}


def changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str | None:
    """Say what of a checkout changed between two looks; None where nothing did."""
    names = [name for name in before if before[name] != after[name]]
    if not names:
        return None
    return (
        f"Of the project itself changed while agents ran: {', '.join(names)}. Unless that was "
        "you, one left its checkout; where bubblewrap (bwrap) is installed, none can."
    )


def _works(program: str) -> bool:
    """Tell whether this machine lets it: many forbid what it needs."""
    with suppress(OSError, TimeoutError):
        return process.run((program, *_ALL, "--", "/bin/true"), within=_PROBE).code == 0
    return False


def _hidden(home: str) -> Iterator[str]:
    with suppress(OSError):
        for path in sorted(Path(home).iterdir()):
            hidden = path.name.startswith(".") and path.name not in _CLOSED_OF_HOME
            if hidden and path.is_dir() and not path.is_symlink():
                yield str(path)
