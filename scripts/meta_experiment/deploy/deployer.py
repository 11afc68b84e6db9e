"""The one way in: change prompt files, and clear up after a change that was cut off."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from meta_experiment.deploy.apply import expect
from meta_experiment.deploy.change import ChangeSet, FileChange, RegistryStep, version_of
from meta_experiment.deploy.commit import CommitPlan, NoCommit, Repository
from meta_experiment.deploy.flight import Flight
from meta_experiment.deploy.journal import FileStep, Journal, JournalContents, Record
from meta_experiment.errors import (
    DependencyError,
    InvalidStateError,
    MetaExperimentError,
    StorageError,
)
from meta_experiment.files.confine import Content
from meta_experiment.files.content_diff import unified_diff
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.interruption import Interrupted, heed, held, waiting
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.git import Git
from meta_experiment.protocol.seal import Seal, seal_of
from meta_experiment.records import dataclass
from meta_experiment.types import Action

_LOCK = "deploy"
_RECOVER_HINT = "Run `meta-experiment recover`."
_LATER = "was begun by a newer version of meta-experiment, which can finish it"
_LATER_HINT = "Update the plugin, then finish it: meta-experiment recover"


@dataclass(frozen=True, slots=True)
class CommitResult:
    """The commit that carries a change (full name), or None.

    `reason` says what is not in it and why; it is "" when everything is.
    """

    commit: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class DeployResult:
    """The result of a change, or under `dry_run` of what would be, with a `diff` to read."""

    change_id: str
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    commit: CommitResult
    diff: str
    dry_run: bool


class Ending(StrEnum):
    """The ending of a change that was cut off."""

    FINISHED = "finished"
    UNDONE = "undone"
    PUT_BY = "put by"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class RecoveredChange:
    """Change that was cut off. `left` are files somebody edited since, not touched.

    PUT_BY is what this checkout did not write, LEFT what cannot be dealt with here: neither is
    followed, and `note` says all of it.
    """

    change_id: str
    outcome: Ending
    experiment_id: str = ""
    action: Action | None = None
    left: tuple[str, ...] = ()
    note: str = ""


class Deployer:
    """Changes prompt files below one root, all or nothing across files, registry and git.

    Args:
        layout: where everything lies.
        files: the file system.
        git: git in the root, None where it is not installed.
        seal: this machine's seal in the checkout, drawn when a change is first put on record.
        lock_timeout: longest wait, in seconds, for another process's change.
    """

    def __init__(
        self,
        layout: Layout,
        files: FileSystem,
        git: Git | None,
        seal: Callable[[], Seal],
        lock_timeout: float = 30.0,
    ) -> None:
        self._layout = layout
        self._files = files
        self._git = git
        self._seal = seal
        self._lock_timeout = lock_timeout

    def apply(
        self,
        change: ChangeSet,
        step: RegistryStep,
        *,
        dry_run: bool = False,
    ) -> DeployResult:
        """Replace the files, commit them if asked, then take the registry step.

        When anything fails, everything is as before. When the process dies, `recover`
        finishes or undoes the change.

        Args:
            change: the files, and what goes with them.
            step: the registry's part.
            dry_run: check everything and change nothing.

        Raises:
            UsageError: the change makes no sense.
            DriftError: a file is not what was expected.
            UnsafePathError: a path leaves the root or leads through a link.
            InvalidStateError: an earlier change was cut off; `recover` comes first.
            GitError: git or a hook refused.
            LockedError: another change goes on for too long.
            StorageError: the file system refused.
        """
        change.check()
        if dry_run:
            with _storage_errors():
                return self._prepare(change, self._git, store=False)[2]
        doing = f"{change.action.value} of {change.experiment_id}"
        with _storage_errors(), self._alone(doing, self._lock_timeout) as git:
            _require_rest(self._journal(_seal_here(self._layout)).look())
            step.check()
            flight, found, result = self._prepare(change, git, store=True)
            commit = _fly(flight, change, found, step)
            return replace(result, commit=replace(result.commit, commit=commit))

    def pending(self) -> bool:
        """Tell whether a change is under way or was cut off; what is not ours is none.

        Raises:
            StorageError: the journal cannot be read.
        """
        with _storage_errors():
            found = self._journal(_seal_here(self._layout)).look()
            return bool(found.records or found.later)

    def recover(
        self, step: RegistryStep, *, within: float | None = None
    ) -> tuple[RecoveredChange, ...]:
        """Finish or undo every change that was cut off; harmless at any time.

        What is odd in the journal is put by, and what cannot be read or is a newer version's
        is left: neither keeps anything else from its way.

        Args:
            step: as for `apply`; only its `record` is called.
            within: longest wait, in seconds, for a process still at work on a change; None
                is as long as `apply` waits.

        Raises:
            CorruptStoreError: an original is damaged.
            GitError, DependencyError: git cannot say now whether a commit landed.
            LockedError: another change goes on for too long.
            StorageError: the file system refused.
        """
        if not self._layout.in_flight():
            return ()
        patience = self._lock_timeout if within is None else within
        with _storage_errors(), self._alone("recover", patience) as git:
            journal = self._journal(_seal_here(self._layout))
            try:
                found = journal.look()
            except OSError as error:
                return (_left(self._layout.journal, f"cannot be read: {error.strerror}"),)
            done = [self._put_by(path) for path in found.strange]
            done += [_left(journal.path(change_id), _LATER) for change_id in found.later]
            for record in found.records:
                done.append(_clear_up(self._resume(journal, record, git), step))
            journal.sweep()
            return tuple(done)

    @contextlib.contextmanager
    def _alone(self, doing: str, within: float) -> Iterator[Git | None]:
        """Hold the lock, and let it last as long as any git started meanwhile."""
        lock = FileLock(self._layout.lock(_LOCK), timeout=within, verb=doing)
        with lock:
            yield self._git and replace(self._git, inherited=(lock.fileno(),))

    def _prepare(
        self, change: ChangeSet, git: Git | None, *, store: bool
    ) -> tuple[Flight, list[Content | None], DeployResult]:
        """Check everything that can be checked while nothing is touched."""
        journal = self._journal(self._seal() if store else _seal_here(self._layout))
        found = [expect(self._layout.root, file) for file in change.files]
        pairs = list(zip(change.files, found, strict=True))
        moved = [file for file, old in pairs if old != file.target]
        repository, plan = _plan_commit(change.message, moved, git, store=store)
        steps = tuple(
            FileStep(file.path, version_of(old), version_of(file.target)) for file, old in pairs
        )
        record = Record(
            change.change_id,
            change.experiment_id,
            change.action,
            change.payload,
            steps,
            plan if isinstance(plan, CommitPlan) else None,
        )
        result = DeployResult(
            change_id=change.change_id,
            changed=tuple(file.path for file in moved),
            unchanged=tuple(file.path for file in change.files if file not in moved),
            commit=CommitResult(None, plan.note),
            diff="" if store else _differences(pairs),
            dry_run=not store,
        )
        return Flight(self._layout, self._files, journal, repository, record), found, result

    def _resume(self, journal: Journal, record: Record, git: Git | None) -> Flight:
        if record.plan is None:
            none = NoCommit("none is due")
            return Flight(self._layout, self._files, journal, none, record)
        if git is None:
            raise DependencyError(
                "A change of prompt files was cut off while it was committed; only git can "
                "tell whether the commit is there, and git is not installed.",
                hint=f"Make git available on PATH. {_RECOVER_HINT}",
            )
        repository = Repository.holding(git)
        return Flight(self._layout, self._files, journal, repository, record)

    def _journal(self, seal: Seal) -> Journal:
        return Journal(self._files, self._layout.journal, seal)

    def _put_by(self, path: Path) -> RecoveredChange:
        """Move aside what this checkout did not write, whatever it is, unread."""
        shown = path.relative_to(self._layout.root).as_posix()
        place = self._layout.aside / f"journal-{os.urandom(6).hex()}"
        try:
            ensure_directory(self._files, place.parent)
            self._files.replace(path, place)
            self._files.sync_directory(place.parent)
            self._files.sync_directory(path.parent)
        except OSError as error:
            return _left(path, f"is not of this checkout and cannot be moved: {error.strerror}")
        kept = place.relative_to(self._layout.root).as_posix()
        note = f"{shown} was not written by this checkout: not followed, and kept as {kept}."
        return RecoveredChange(path.stem, Ending.PUT_BY, note=note)


def _left(path: Path, why: str) -> RecoveredChange:
    return RecoveredChange(path.stem, Ending.LEFT, note=f"{path} {why}; it is left as it is.")


def _seal_here(layout: Layout) -> Seal:
    """Return the seal by which records are known; where there is none, none is known."""
    try:
        return seal_of(os.fspath(layout.root))
    except OSError:
        return Seal(b"", "")


def _require_rest(found: JournalContents) -> None:
    """Refuse to begin a change while another one is cut off."""
    if found.records:
        raise InvalidStateError(
            "An earlier change of prompt files was cut off.", hint=_RECOVER_HINT
        )
    if found.later:
        raise InvalidStateError(
            "A newer version of meta-experiment began a change of prompt files here that was "
            f"cut off: {found.later[0]}.",
            hint=_LATER_HINT,
        )


def _differences(pairs: Sequence[tuple[FileChange, Content | None]]) -> str:
    return "".join(unified_diff(file.path, old, file.target) for file, old in pairs)


def _plan_commit(
    message: str | None, moved: Sequence[FileChange], git: Git | None, *, store: bool
) -> tuple[Repository | NoCommit, CommitPlan | NoCommit]:
    if message is None or not moved:
        none = NoCommit("no file changes" if message else "a commit was not asked for")
        return none, none
    repository = Repository.holding(git)
    if isinstance(repository, NoCommit):
        return repository, repository
    return repository, repository.plan(moved, store=store)


def _fly(
    flight: Flight,
    change: ChangeSet,
    originals: Sequence[Content | None],
    step: RegistryStep,
) -> str | None:
    """Carry the change out or put everything back; return the commit, if one was made."""
    with contextlib.ExitStack() as finishing:
        try:
            flight.begin(originals)
            flight.replace_files(change.files)
            flight.commit(change.message or "")
            finishing.enter_context(held())  # a signal is too late from here on
        except (Exception, KeyboardInterrupt) as error:
            _go_back(flight, error)
            raise
        # What interrupts in here all the same cannot tell whether the registry knows already:
        # the record stays, and `recover` finishes.
        try:
            step.record(flight.record.landed)
        except Exception as error:
            _go_back(flight, error)
            raise
        # Everything stands. What cannot be tidied up now, `recover` tidies up later.
        with contextlib.suppress(OSError, MetaExperimentError):
            flight.close()
        if flight.record.commit and isinstance(flight.repository, Repository):
            with contextlib.suppress(MetaExperimentError), waiting():
                heed()
                flight.repository.after_commit()
        return flight.record.commit


@held()
def _go_back(flight: Flight, error: BaseException) -> None:
    try:
        kept, _ = flight.undo()
    except (OSError, MetaExperimentError) as second:
        failed = f"Undoing what had been done failed as well: {second} "
        if isinstance(error, Interrupted):
            sentence = f"{failed}Nothing is lost: the next command clears the change up."
            raise Interrupted(error.number, sentence) from error
        raise StorageError(
            f"{error} {failed}Nothing is lost; the change is still on record.",
            hint=f"When the cause is gone: {_RECOVER_HINT}",
        ) from error
    if kept and isinstance(error, MetaExperimentError):
        raise type(error)(" ".join([error.message, *kept]), hint=error.hint) from error


@held("What had been cut off was cleared up first.")
def _clear_up(flight: Flight, step: RegistryStep) -> RecoveredChange:
    record, left = flight.record, list[str]()
    if flight.came_through():
        step.record(record.landed)
        flight.close()
        outcome = Ending.FINISHED
    else:
        _, left = flight.undo()
        outcome = Ending.UNDONE
    return RecoveredChange(
        record.change_id, outcome, record.experiment_id, record.action, tuple(left)
    )


@contextlib.contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"The file system refused: {error}. No prompt file is half changed.",
            hint="Free space or correct the permissions, then run the same command again.",
        ) from error
