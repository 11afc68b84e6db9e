"""Making the disk equal to what should be served here: all of it, or nothing of ours at all.

What should be served follows from the registry (it runs) and from this checkout (it was
started here). Everything else is taken away again. Doing it twice is doing it once, and
doing it after a crash at any point leads to the same end, for each step looks at what it
finds. A prompt file is only ever exchanged between exactly its control and exactly its
stand-in; anything else in its place is somebody's own text and stays. So does what stands at
the path of a file of ours and is not ours.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from meta_experiment.errors import (
    LockedError,
    MetaExperimentError,
    StorageError,
)
from meta_experiment.files.atomic import TEMPORARY_SUFFIX, write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.interruption import held
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import git_top, has_run
from meta_experiment.model.instants import DAY
from meta_experiment.protocol import index, places, texts
from meta_experiment.protocol.worktrees import linked_trees
from meta_experiment.services.serving import freshness
from meta_experiment.services.serving.active_index import entry_of, list_root, write_index
from meta_experiment.services.serving.client_places import scope_of
from meta_experiment.services.serving.hiding import require_hidden
from meta_experiment.services.serving.serving_plan import (
    Serving,
    manual_only_reason,
    plan_serving,
)
from meta_experiment.services.serving.working_trees import Tree
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.sealing import write_sealed
from meta_experiment.types import Action, Experiment, Status

_UNSETTLED = "unsettled"  # no signature: the next command tries again
WAIT = 10.0  # seconds, for another process that changes what is served
GLANCE = 0.05  # seconds
_PASSES = 3
_TOMBSTONE_SECONDS = 7 * DAY


@contextlib.contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"What is served here could not be brought up to date: {error}.",
            hint="Free space or correct the permissions; the next command tries again.",
        ) from error


@dataclass
class ReconcileResult:
    """Hindrances met when the disk was made equal, and experiments that cannot be served."""

    notes: list[str]
    refused: dict[str, MetaExperimentError]


@contextlib.contextmanager
def serving_lock(
    workspace: Workspace, *, within: float | None = None
) -> Iterator[Callable[[], ReconcileResult]]:
    """Keep others from changing what is served; yield the function that reconciles the disk.

    Whoever changes the registry meanwhile need not wait: it is looked at again at the end.

    Raises:
        LockedError: another process is at it for longer than `within` seconds.
        StorageError: the disk refused.
    """
    timeout = WAIT if within is None else within
    lock = FileLock(
        workspace.layout.lock("serving"), timeout=timeout, verb="change what is served"
    )
    with lock:
        yield lambda: _reconciled(workspace)


@held()
@_storage_errors()
def _reconciled(workspace: Workspace) -> ReconcileResult:
    notes = dict[str, None]()
    for _ in range(_PASSES):
        signature = freshness.signature(workspace.layout)
        work = _ReconcilePass(workspace, workspace.store.experiments())
        servings = work.wanted()
        work.bring_about(servings)
        work.remember(_UNSETTLED if work.unsettled else signature)
        notes.update(dict.fromkeys(work.notes))
        if signature == freshness.signature(workspace.layout):
            break
    return ReconcileResult(list(notes), work.refused)


def reconcile(workspace: Workspace) -> list[str]:
    """Put on disk what should be served here, take away what should not; say what hindered.

    Raises:
        StorageError, GitError, LockedError: it could not be completed; the next command will.
    """
    with serving_lock(workspace) as reconcile_now:
        return reconcile_now().notes


def withdraw(workspace: Workspace) -> list[str]:
    """Take away all that is served here, whatever the registry says; say what was done.

    Raises:
        StorageError, GitError, LockedError: it could not be completed.
    """
    with serving_lock(workspace), held(), _storage_errors():
        work = _ReconcilePass(workspace, ())
        work.bring_about(())
        work.remember(_UNSETTLED)
        return work.notes


@dataclass
class _ReconcilePass:
    """Pass of the work. `unsettled` when a later one may find more with the same registry."""

    workspace: Workspace
    experiments: Sequence[Experiment]

    def __post_init__(self) -> None:
        self.notes: list[str] = []
        self.refused: dict[str, MetaExperimentError] = {}
        self.unsettled = False
        self.root = self.workspace.root
        self.files = self.workspace.files
        self.known = served_here(str(self.root))
        self.own = Tree(self.workspace, self.root, self.known, self.notes)
        self.linked: list[Tree] = []

    def wanted(self) -> list[Serving]:
        """Work out everything that should be served here, and forget what has ended."""
        servings = []
        promoted = {it.experiment_id for it in self.experiments if it.status is Status.PROMOTED}
        for experiment in self.experiments:
            name, holdout = experiment.experiment_id, experiment.plan.holdout
            start = self.workspace.checkout.start_of(experiment)
            if start is None:
                continue
            if experiment.status in (Status.PROMOTED, Status.ROLLED_BACK, Status.ARCHIVED):
                self.workspace.checkout.unmark_started(name)
                continue
            if experiment.status is not Status.RUNNING:
                continue
            if holdout is not None and holdout.of not in promoted:
                continue  # it is taken back, and the holdout ends at the next look
            if not start.current:
                self.notes.append(
                    f"{name} is not served: its plan or its texts were changed elsewhere. Look "
                    f"at it, then: meta-experiment start {name}"
                )
                continue
            if start.manual or manual_only_reason(self.workspace, experiment):
                continue
            try:
                serving = plan_serving(self.workspace, experiment)
                require_hidden(self.root, self.own.unseen, serving.form, serving.path)
                self.own.require_room(serving)
                servings.append(serving)
            except MetaExperimentError as error:
                self.unsettled = True
                self.refused[name] = error
                self.notes.append(f"{name} is not served: {error.told}")
        return servings

    def bring_about(self, servings: Sequence[Serving]) -> None:
        """Let exactly these be served; wherever it stops, git knows what was exchanged."""
        try:
            self._take_away(servings)
            self._put_up(servings)
        finally:
            self._refresh(servings)

    def _take_away(self, servings: Sequence[Serving]) -> None:
        """Bring back the user's files of all that is served here and should not be."""
        wanted = {item.experiment.experiment_id for item in servings}
        self.own.take_away(wanted, self.experiments)
        self.own.take_left(servings)
        for tree in self._linked_trees():
            with self._apart(tree):
                tree.take_away(wanted, self.experiments)
                tree.take_left(servings)
                self.linked.append(tree)

    def _put_up(self, servings: Sequence[Serving]) -> None:
        """Write what serving reads, hide it from git, list it, and then let it stand."""
        now = self.workspace.clock()
        for serving in servings:
            self._store(serving)
        entries = [*self._running(servings, now), *self._tombstones(servings, now)]
        self.own.hide(servings)
        write_index(self.workspace, entries)
        list_root(self.workspace, {entry.id for entry in entries}, servings)
        self._end_trials(entries, now)
        for serving in servings:
            self.own.place(serving)
        for tree in self.linked:
            with self._apart(tree):
                taking = tree.servable(servings)
                tree.hide(taking)
                for serving in taking:
                    tree.place(serving)
        self.unsettled = self.unsettled or self.own.unsettled
        self._sweep({entry.id for entry in entries})

    def _refresh(self, servings: Sequence[Serving]) -> None:
        paths = {item.path for item in servings if item.form == index.IN_PLACE}
        paths.update(item.path for item in self.known.values() if item.form == index.IN_PLACE)
        self.own.refresh(paths)
        for tree in self.linked:
            with self._apart(tree):
                tree.refresh(paths)

    def _linked_trees(self) -> Iterator[Tree]:
        """Yield the linked working trees whose sessions meet the experiments of this root."""
        top = git_top(self.root)
        if top is None or scope_of(self.root) != places.PROJECT:
            return
        for linked in linked_trees(str(top)):
            root = Path(linked.here(str(self.root)))
            if root.is_dir() and not has_run(root):
                yield Tree(self.workspace, root, self.known, self.notes)

    @contextlib.contextmanager
    def _apart(self, tree: Tree) -> Iterator[None]:
        """Let no trouble in a linked working tree keep the root itself from being served."""
        try:
            yield
        except (MetaExperimentError, OSError) as error:
            reason = error.told if isinstance(error, MetaExperimentError) else str(error)
            self.notes.append(f"{tree.root}: {reason}")

    def _end_trials(self, entries: Sequence[index.Entry], now: float) -> None:
        """Let no use of a prompt after its experiment be added to a trial before that."""
        ended = {entry.id: entry.since for entry in entries if not entry.running}
        if ended and (self.workspace.layout.local / "sessions").is_dir():
            from meta_experiment.live.closing import end_trials

            end_trials(str(self.root), ended, now)

    def remember(self, signature: str) -> None:
        """Keep what the registry looked like, so that nothing is done until it changes."""
        layout = self.workspace.layout
        if freshness.remembered(layout) != signature:
            data = signature.encode("utf-8", "surrogateescape")
            write_sealed(
                layout, self.files, freshness.state_file(layout), freshness.STATE, data
            )

    def _store(self, serving: Serving) -> None:
        name = serving.experiment.experiment_id
        before = self.known.get(name)
        line = texts.digest(serving.shim)
        if before and before.form == index.IN_PLACE and before.digests.get(texts.SHIM) != line:
            for tree in (self.own, *self.linked):
                tree.restore(before)  # another line stood there, of an earlier version of this
        for text, data in serving.texts.items():
            path = Path(places.served_text(str(self.root), name, text))
            if places.try_read(path) != data:
                ensure_directory(self.files, path.parent)
                write_atomically(self.files, path, data)

    def _running(self, servings: Sequence[Serving], now: float) -> Iterator[index.Entry]:
        for serving in servings:
            before = self.known.get(serving.experiment.experiment_id)
            since = before.since if before is not None and before.running else now
            yield entry_of(self.workspace, serving, since, before)

    def _tombstones(self, servings: Sequence[Serving], now: float) -> Iterator[index.Entry]:
        """Keep serving those who still have the old text of a prompt, for some days."""
        running = {serving.experiment.experiment_id for serving in servings}
        ended = {item.experiment_id: item for item in self.experiments}
        listed = ended.keys() | self.workspace.store.archived_ids()
        for entry in self.known.values():
            if entry.id in running:
                continue
            if entry.running:
                entry.since, entry.sequence = now, ""
            if entry.running or entry.missing:
                begun = self.workspace.layout.started(entry.id).exists()
                entry.state = (
                    index.UNLISTED if begun and entry.id not in listed else index.ENDED
                )
            experiment = ended.get(entry.id)
            outcome = experiment.outcome if experiment is not None else None
            if outcome is not None:
                promoted = outcome.action is Action.PROMOTE
                entry.serve = (outcome.winner if promoted else None) or ""
            if now - entry.since < _TOMBSTONE_SECONDS:
                yield entry

    def _sweep(self, kept: set[str]) -> None:
        """Remove the served texts of what ended days ago, and what a crash left half done."""
        for name in self.known.keys() - kept:
            shutil.rmtree(self._folder(name), ignore_errors=True)
        for name in kept:
            for path in self._folder(name).glob(f".*{TEMPORARY_SUFFIX}"):
                self.files.remove(path)

    def _folder(self, experiment_id: str) -> Path:
        return Path(places.served_folder(str(self.root), experiment_id))


def served_here(root: str) -> dict[str, index.Entry]:
    """Return what is served by experiment; nothing where no file of ours stands."""
    try:
        return {entry.id: entry for entry in index.entries(root)}
    except places.StrangeFileError:
        return {}


def reconcile_quietly(workspace: Workspace, *, within: float | None = None) -> list[str]:
    """Do the same after something that is already done; what hinders is said, not raised.

    Where another command is at it for longer than `within` seconds, it is left to that one,
    which looks at the registry again before it ends.
    """
    try:
        with serving_lock(workspace, within=within) as reconcile_now:
            return reconcile_now().notes
    except LockedError as error:
        if within is not None:
            return []
        return [f"What is served is brought up to date by the next command: {error.message}"]
    except MetaExperimentError as error:
        return [error.told]
