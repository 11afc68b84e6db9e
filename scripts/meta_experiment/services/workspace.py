"""Everything a use case may touch, opened once and handed down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from meta_experiment.errors import NotFoundError, StorageError
from meta_experiment.files.confine import READ_LIMIT, Content, confined, read_confined
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.machine import Machine
from meta_experiment.files.roots import Layout
from meta_experiment.git import Git, tracked_in
from meta_experiment.records import dataclass
from meta_experiment.store.backends import FILES, open_store
from meta_experiment.store.history import HistoryEntry
from meta_experiment.store.local.checkout import Checkout
from meta_experiment.store.ports import Store
from meta_experiment.store.trial_log import TrialLog
from meta_experiment.types import Experiment, FileVersion, Status

if TYPE_CHECKING:
    from meta_experiment.deploy import Backups, Deployer

Clock = Callable[[], float]
_MOST_PROBLEMS = 5
_OWN = ("join", "admit")  # verbs
_SHARED = ("amend", "archive", "learn")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A root with its checkout and store, the machine around it, a clock (seconds, UTC)."""

    layout: Layout
    files: FileSystem
    checkout: Checkout
    store: Store
    git: Git | None
    clock: Clock
    machine: Machine

    @classmethod
    def open(
        cls,
        layout: Layout,
        clock: Clock,
        *,
        files: FileSystem | None = None,
        backend: str = FILES,
        machine: Machine | None = None,
    ) -> Workspace:
        """Open the workspace of a root, else on the real disk and machine; touches nothing."""
        disk, git = files or FileSystem(), Git.find(layout.root)
        checkout = Checkout(layout, disk, partial(tracked_in, git))
        store = open_store(backend, layout, disk, checkout)
        return cls(layout, disk, checkout, store, git, clock, machine or Machine.here())

    @property
    def root(self) -> Path:
        """The folder below which everything happens."""
        return self.layout.root

    @property
    def deployer(self) -> Deployer:
        """What changes prompt files; loaded by verbs that do."""
        from meta_experiment.deploy import Deployer

        return Deployer(self.layout, self.files, self.git, self.checkout.seal)

    @property
    def backups(self) -> Backups:
        """What prompt files held before they were changed."""
        from meta_experiment.deploy import Backups

        return Backups(self.files, self.layout.backups)

    def note(
        self,
        experiment: Experiment,
        verb: str,
        before: Status | None,
        reason: str,
        after: Status | None = None,
    ) -> None:
        """Add one entry to the history of an experiment.

        What is of this checkout alone is not told the others: that it joins, whom it admits,
        and of a team's experiment all that follows here but a change of its plan.
        """
        entry = HistoryEntry(self.clock(), verb, before, after or experiment.status, reason)
        began = before not in (None, Status.DRAFT)
        own = began and verb not in _SHARED if experiment.plan.team else verb in _OWN
        self.store.note(experiment.experiment_id, entry, own=own)

    def prompt(self, path: str) -> Content:
        """Return the exact bytes and mode of a prompt file that may be replaced.

        Raises:
            UnsafePathError, NotFoundError, StorageError: it cannot be read safely.
        """
        confined(self.root, path)
        return read_confined(self.root, path)

    def source(self, path: Path) -> Content:
        """Return the bytes of a file that a user named as the new content of a prompt.

        Raises:
            NotFoundError: there is none. StorageError: it cannot be read, or is too large.
        """
        try:
            if not path.is_file():
                raise NotFoundError(
                    f"There is no file {path} to take a variant from.",
                    hint="Name it after the equals sign: --file PATH=VARIANT_PATH.",
                )
            with path.open("rb") as stream:
                data = stream.read(READ_LIMIT + 1)
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
        if len(data) > READ_LIMIT:
            raise StorageError(
                f"{path} is larger than {READ_LIMIT:,} bytes; that is no prompt."
            )
        return Content(data, 0o644)

    def contents(self, experiment: Experiment, name: str) -> dict[str, Path]:
        """Return where the stored files of one arm lie, by the path they stand for."""
        folder, versions = (
            self.layout.variants(experiment.experiment_id, name),
            experiment.versions,
        )
        return {path: folder / path for path, arms in versions.items() if arms.get(name)}

    def keep(self, contents: Iterable[Content]) -> None:
        """Keep bytes that are about to stand in a prompt file, so that they can be merged."""
        backups = self.backups
        try:
            for content in contents:
                backups.keep(content.data)
        except OSError as error:
            raise StorageError(f"No backup can be written: {error}.") from error

    def stored(self, experiment: Experiment, path: str, version: FileVersion) -> Content:
        """Return bytes by their version: from an arm of the plan, else from the backups."""
        for name, known in experiment.versions.get(path, {}).items():
            if known == version:
                alone = replace(experiment, versions={path: {name: known}})
                if kept := self.store.variant(alone, name)[path]:
                    return kept
        return Content(self.backups.load(version.sha256), version.mode)


def problems(log: TrialLog) -> Iterator[str]:
    """Say what of a log could not be used; nothing is dropped in silence."""
    yield from _bounded(
        [item.sentence for item in log.set_aside],
        log.set_aside_count,
        "set aside",
    )
    said = [item.sentence for item in log.conflicts]
    yield from _bounded(said, log.conflict_count, "conflict, the first value kept")


def _bounded(items: Sequence[str], count: int, word: str) -> Iterator[str]:
    for item in items[:_MOST_PROBLEMS]:
        yield f"{word}: {item}"
    if count > _MOST_PROBLEMS:
        yield f"{word}: {count - _MOST_PROBLEMS:,} more"
