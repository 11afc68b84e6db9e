"""One verb with a fault at every operation of the disk, recovered, and compared."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from tests.chaos.power import ForgetfulFileSystem
from tests.chaos.verbs import Seen, Verb, left_over, opened, project, seen
from tests.faults import ALL_MODES, Crash, FaultMode, FaultyFileSystem, count_operations

from meta_experiment.errors import MetaExperimentError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.services.health import recovery

MODES = (*ALL_MODES, "power")


class Trial:
    """A verb on a root made ready once and copied afresh for each fault; counts the faults.

    All happens at one path, because what stands in for a prompt file names its place.
    """

    def __init__(self, verb: Verb, folder: Path, kind: str = "plain files") -> None:
        self.verb = verb
        self.root, self.template = folder / "project", folder / "template"
        self.broken = folder / "broken"
        project(self.root, kind)
        self.made = verb.ready(self.root)
        self.before = seen(self.root)
        self.root.rename(self.template)
        self._afresh()
        self.operations = count_operations(self._act)
        self.after = seen(self.root)
        assert self.before != self.after, "the verb changes nothing"
        self.counts: Counter[str] = Counter()
        self.found: set[Seen] = set()

    def fault(self, mode: str, *, every: int = 1, cuts: int = 2, seed: int = 0) -> None:
        """Inject one kind of fault at operations; raises AssertionError when one harms.

        Args:
            mode: a mode of the faulty disk, or `power`.
            every: at each operation, or at each so many.
            cuts: how often the power is cut at each, with other losses.
            seed: of what is lost by chance.
        """
        if mode == "power":
            self._cuts(every, cuts, random.Random(seed))  # noqa: S311
            return
        for fail_at in range(1 + seed % every, self.operations + 1, every):
            self._one(mode, FaultyFileSystem(fail_at, mode))  # type: ignore[arg-type]

    def fault_while_recovering(self, mode: FaultMode, *, every: int = 1) -> None:
        """Die at every operation, then have the recovery fail at each of its own."""
        for fail_at in range(1, self.operations + 1, every):
            self._afresh()
            self._attempt(FaultyFileSystem(fail_at, "crash"))
            shutil.rmtree(self.broken, ignore_errors=True)
            shutil.copytree(self.root, self.broken, symlinks=True)
            due = count_operations(lambda files: recovery.recover(opened(self.root, files)))
            for second in range(1, due + 1):
                self._afresh(self.broken)
                files = FaultyFileSystem(second, mode)
                with contextlib.suppress(Crash, MetaExperimentError, OSError):
                    recovery.recover(opened(self.root, files))
                self._judge("recovering", files, acknowledged=False)

    def _cuts(self, every: int, cuts: int, chance: random.Random) -> None:
        # backwards from the cut after the acknowledgement, when nothing may be lost
        for fail_at in range(self.operations + 1, 0, -every):
            for keeps in _keepings(cuts, chance):
                self._afresh()
                files = ForgetfulFileSystem(self.root, fail_at)
                with files.watching():
                    acknowledged = self._attempt(files)
                files.cut(keeps)
                self._judge("power", files, acknowledged=acknowledged)

    def _one(self, mode: str, files: FaultyFileSystem) -> None:
        self._afresh()
        acknowledged = self._attempt(files)
        self._judge(mode, files, acknowledged=acknowledged)

    def _judge(self, mode: str, files: FaultyFileSystem, *, acknowledged: bool) -> None:
        where = (mode, files.fail_at, files.operations[-1:])
        recovery.recover(opened(self.root))
        found = seen(self.root)
        assert self._allowed(found), (where, difference(found, self.before, self.after))
        assert found == self.after or not acknowledged, (where, "acknowledged, and lost")
        assert left_over(self.root) == [], where
        if found != self.after:
            self._act()
            again = seen(self.root)
            assert self._same(again), (where, "again", difference(again, self.after))
        self.counts[mode] += 1
        self.found.add(found)

    def _same(self, again: Seen) -> bool:
        return again == self.after or (
            self.verb.from_outside and again.without_ids() == self.after.without_ids()
        )

    def _allowed(self, found: Seen) -> bool:
        if found in (self.before, self.after):
            return True
        same = replace(found, trials=self.after.trials) == self.after
        between = self.before.trials <= found.trials <= self.after.trials
        return self.verb.batch and same and between

    def _attempt(self, files: FaultyFileSystem) -> bool:
        """Act and say whether it was acknowledged."""
        try:
            self._act(files)
        except (Crash, MetaExperimentError, OSError):
            return False
        return True

    def _act(self, files: FileSystem | None = None) -> None:
        self.verb.act(opened(self.root, files), self.made)

    def _afresh(self, source: Path | None = None) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(source or self.template, self.root, symlinks=True)


def difference(found: Seen, *allowed: Seen) -> list[object]:
    """Return, for each state allowed, what differs from it."""
    return [
        {
            name: (getattr(found, name), getattr(state, name))
            if not isinstance(getattr(found, name), frozenset)
            else getattr(found, name) ^ getattr(state, name)
            for name in ("experiments", "files", "trials", "repository")
            if getattr(found, name) != getattr(state, name)
        }
        for state in allowed
    ]


def _keepings(cuts: int, chance: random.Random) -> Iterator[Callable[[], bool]]:
    """Lose all that can be lost, then something by chance."""
    yield lambda: False
    for _ in range(cuts - 1):
        yield lambda: chance.random() < 0.5
