"""Uses of a prompt in a sandbox: writes below the root are refused, from any one of them on.

What was served there and counted is kept beside and taken over by the next hook, which may be
refused or die at any of its own writes. In the end each such use is one trial.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from tests.chaos.verbs import fresh, opened, project
from tests.faults import Crash

from meta_experiment.assign.arms import hashed_arm
from meta_experiment.live import sandbox, serving
from meta_experiment.live.closing import close_session
from meta_experiment.protocol import index
from meta_experiment.protocol.places import Root, data_folder, roots
from meta_experiment.protocol.sessions import OpenTrial, PromptRef, Session

REFUSALS = (errno.EROFS, errno.EACCES, errno.EPERM)
DEATH = 0  # in the place of an error: the process ends there
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CALLS = ("open", "unlink", "rename", "link", "mkdir", "rmdir")
_ALL = 1 << 30


class Box:
    """Counts what would change some folders, and refuses it once so much was let through."""

    def __init__(self, folders: Iterable[Path], passing: int, error: int) -> None:
        self.folders = tuple(f"{folder}/" for folder in folders)
        self.passing, self.error = passing, error
        self.writes = 0

    def held(self, act: Callable[..., Any]) -> Callable[..., Any]:
        """Return a call of the system as it is within."""

        def held(path: Any, *more: Any, **named: Any) -> Any:
            writes = act.__name__ != "open" or bool(more and more[0] & _WRITING)
            if writes and str(path).startswith(self.folders):
                self.writes += 1
                if self.writes > self.passing:
                    if self.error == DEATH:
                        raise Crash
                    raise OSError(self.error, os.strerror(self.error), path)
            return act(path, *more, **named)

        return held


@contextlib.contextmanager
def forbidden(*folders: Path, passing: int = 0, error: int = errno.EROFS) -> Iterator[Box]:
    """Refuse each write below some folders, after so many that pass."""
    box = Box(folders, passing, error)
    with contextlib.ExitStack() as stack:
        for name in _CALLS:
            stack.enter_context(mock.patch.object(os, name, box.held(getattr(os, name))))
        yield box


@dataclass(frozen=True, slots=True)
class Use:
    """What a use printed, the trial that is open since, and how many writes it wanted."""

    printed: bytes
    trial: OpenTrial | None
    writes: int


def use(
    root: Root, entry: index.Entry, session: str, turn: PromptRef, *, passing: int, error: int
) -> Use:
    """Use a prompt in a sandbox."""
    own = Session(root.path, session)
    sandbox.take_over(root, own)  # a hook does both, which is in no sandbox
    own.write_turn(turn)
    call = serving.ServeRequest(entry.id, root.token, session, 0, "")
    with forbidden(Path(root.path), passing=passing, error=error) as box:
        printed = serving._serve(root, entry, call)
    trial = own.read_trial(entry.id, turn.prompt_id)
    if trial is None and (kept := sandbox.beside(root, own)) is not None:
        trial = kept.read_trial(entry.id, turn.prompt_id)
    return Use(printed, trial, box.writes)


def root_at(path: Path) -> Root:
    """Return a root as this machine's list of those under experiment has it."""
    return next(root for root in roots(data_folder(os.environ)) if root.path == str(path))


class Uses:
    """A command that is served, made ready once and copied afresh for each use."""

    def __init__(self, folder: Path) -> None:
        self.root, self.template = folder / "project", folder / "template"
        self.beside = folder / "claude"
        self.beside.mkdir(mode=0o700)
        os.environ["CLAUDE_TMPDIR"] = str(self.beside)
        project(self.root, "command")
        fresh(self.root)
        self.session = self._torn_unit()
        shutil.copytree(self.root, self.template, symlinks=True)
        self.counts: Counter[str] = Counter()

    def _torn_unit(self) -> str:
        """Return a session whose arm in a sandbox is not the next one of the sequence."""
        (entry,) = index.entries(str(self.root))
        following = index.sequence_arm(entry.sequence, 0)
        names = (f"s{number}" for number in itertools.count())
        arms = ((name, hashed_arm(entry.weights, entry.seed, name)) for name in names)
        return next(name for name, arm in arms if arm != following)

    def refuse(self, *, every: int = 1) -> None:
        """Refuse from each so many-th write of a use on; the next hook takes it over."""
        for error in REFUSALS:
            for passing in itertools.count(step=every):
                used = self._afresh(passing, error)
                self._judge(("refused", error, passing), used)
                if used.writes <= passing:
                    break

    def break_off(self, error: int) -> None:
        """Have the hook that takes over die, or be refused, at each of its writes."""
        for passing in itertools.count():
            used = self._afresh(0, errno.EROFS)
            box = self._broken_off(passing, error)
            self._judge(("taken over", error, passing), used)
            if box.writes <= passing:
                return

    def _afresh(self, passing: int, error: int) -> Use:
        shutil.rmtree(self.root)
        shutil.copytree(self.template, self.root, symlinks=True)
        return self._use("p1", passing, error)

    def _use(self, prompt: str, passing: int, error: int) -> Use:
        (entry,) = index.entries(str(self.root))
        turn = PromptRef(prompt, "", str(self.root))
        return use(root_at(self.root), entry, self.session, turn, passing=passing, error=error)

    def _broken_off(self, passing: int, error: int) -> Box:
        with (
            forbidden(self.root, self.beside, passing=passing, error=error) as box,
            contextlib.suppress(Crash, OSError),
        ):
            self._take_over()
        return box

    def _take_over(self) -> None:
        sandbox.take_over(root_at(self.root), Session(str(self.root), self.session))

    def _judge(self, where: object, used: Use) -> None:
        """Take over as the next hook does, go on, end the session: each use is one trial."""
        self._take_over()
        uses = (used, self._use("p2", _ALL, 0))
        session = Session(str(self.root), self.session)
        close_session(session, final=True, now=time.time())
        (experiment,) = (space := opened(self.root)).store.experiments()
        log = space.store.trials(experiment)
        found = {trial.trial_id: (trial.variant, trial.unit) for trial in log.trials}
        assert len(found) == len(log.trials) == len(uses), (where, log.trials)
        for printed, trial in ((each.printed, each.trial) for each in uses):
            assert trial is not None, (where, "not counted")
            assert found[trial.trial_id] == (trial.variant, self.session), where
            assert trial.variant.encode() in printed, (where, printed)
        assert len({variant for variant, _ in found.values()}) == 1, (where, "in two arms")
        assert log.conflict_count == 0, where
        left = [path for path in self.beside.rglob("*") if path.is_file()]
        assert left == [], (where, left)
        self.counts["uses"] += 1
