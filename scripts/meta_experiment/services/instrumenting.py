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
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from meta_experiment import __version__
from meta_experiment.deploy import Backups
from meta_experiment.deploy.apply import observe, put, sweep_temporaries
from meta_experiment.deploy.filter import StandIn
from meta_experiment.deploy.unseen import Unseen, hides
from meta_experiment.errors import (
    ConflictError,
    LockedError,
    MetaExperimentError,
    NotFoundError,
    StorageError,
    UnsafePathError,
)
from meta_experiment.files.atomic import TEMPORARY_SUFFIX, write_atomically
from meta_experiment.files.confine import Content
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.interruption import held
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout, git_top
from meta_experiment.live import index, places, seal, texts
from meta_experiment.live.disk import IGNORE_FILE
from meta_experiment.services.active import entry_of, list_root, write_index
from meta_experiment.services.client_places import place_of
from meta_experiment.services.drift import stand_in_of
from meta_experiment.services.hiding import other_control, require_hidden
from meta_experiment.services.placed import (
    behind,
    freed,
    is_ours,
    left_over,
    original,
    placed_by,
)
from meta_experiment.services.serving import Serving, left_to_the_user, why_not, work_out
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.ignore import PRIVATE_PATHS
from meta_experiment.store.local import write_sealed
from meta_experiment.types import Action, Experiment, Status

_STATE = "state"  # of the seal
_UNSETTLED = "unsettled"  # no signature: the next command tries again
WAIT = 10.0  # seconds, for another process that changes what is served
GLANCE = 0.05  # seconds
_PASSES = 3
_TOMBSTONE_SECONDS = 7 * 86_400.0
_PROMPT_MODE = 0o644
_UNTRACKED = f"/{IGNORE_FILE}\n/SKILL.md\n".encode()  # goes before the project's own rules
_FOLDER_MODE = 0o755


def stale(layout: Layout) -> bool:
    """Tell, at the price of a few looks, whether `reconcile` may have something to do."""
    known = _remembered(layout)
    if not known and not (layout.local / "started").exists():
        top = git_top(layout.root)
        return top is not None and hides(top / ".git")
    return known != _signature(layout)


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
class Brought:
    """What hindered when the disk was made equal, and which experiments cannot be served."""

    notes: list[str]
    refused: dict[str, MetaExperimentError]


@contextlib.contextmanager
def serving(
    workspace: Workspace, *, within: float | None = None
) -> Iterator[Callable[[], Brought]]:
    """Keep others from changing what is served; what it gives brings that up to date.

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
        yield lambda: _brought_up_to_date(workspace)


@held()
@_storage_errors()
def _brought_up_to_date(workspace: Workspace) -> Brought:
    notes = dict[str, None]()
    for _ in range(_PASSES):
        signature = _signature(workspace.layout)
        work = _Work(workspace, workspace.store.experiments())
        servings = work.wanted()
        work.take_away(servings)
        work.put_up(servings)
        work.remember(_UNSETTLED if work.unsettled else signature)
        notes.update(dict.fromkeys(work.notes))
        if signature == _signature(workspace.layout):
            break
    return Brought(list(notes), work.refused)


def reconcile(workspace: Workspace) -> list[str]:
    """Put on disk what should be served here, take away what should not; say what hindered.

    Raises:
        StorageError, GitError, LockedError: it could not be completed; the next command will.
    """
    with serving(workspace) as bring_up_to_date:
        return bring_up_to_date().notes


@dataclass
class _Work:
    """One pass. `unsettled` when a later pass may find more to do with the same registry."""

    workspace: Workspace
    experiments: Sequence[Experiment]

    def __post_init__(self) -> None:
        self.notes: list[str] = []
        self.refused: dict[str, MetaExperimentError] = {}
        self.unsettled = False
        self.restored: set[str] = set()
        self.root = self.workspace.root
        self.files = self.workspace.files
        self.unseen = Unseen.around(self.workspace.git, self.files, self.root)
        self.known = {entry.id: entry for entry in index.entries(str(self.root))}
        self.earlier = {
            pair for entry in self.known.values() for pair in placed_by(self.root, entry)
        }

    def wanted(self) -> list[Serving]:
        """Work out everything that should be served here, and forget what has ended."""
        servings = []
        for experiment in self.experiments:
            name = experiment.experiment_id
            start = self.workspace.store.start_of(experiment)
            if start is None:
                continue
            if experiment.status in (Status.PROMOTED, Status.ROLLED_BACK, Status.ARCHIVED):
                self.workspace.store.unmark_started(name)
                continue
            if experiment.status is not Status.RUNNING:
                continue
            if not start.current:
                self.notes.append(
                    f"{name} is not served: its plan or its texts were changed elsewhere. Look "
                    f"at it, then: meta-experiment start {name}"
                )
                continue
            if start.manual or left_to_the_user(self.workspace, experiment):
                continue
            try:
                serving = work_out(self.workspace, experiment)
                require_hidden(self.root, self.unseen, serving.form, serving.path)
                self._require_places(serving)
                servings.append(serving)
            except MetaExperimentError as error:
                self.unsettled = True
                self.refused[name] = error
                self.notes.append(f"{name} is not served: {why_not(error)}")
        return servings

    def _require_places(self, serving: Serving) -> None:
        """Refuse where a file of ours would go over somebody's own."""
        for path, data in serving.placed.items():
            found = observe(self.root, path)
            if found is None or found.data == data or self._is_as_placed(path, found.data):
                continue
            if not self._made_of_ours(serving.experiment.experiment_id, path, found.data):
                raise ConflictError(f"{path} is not of this tool.", hint="Move it away.")

    def take_away(self, servings: Sequence[Serving]) -> None:
        """Bring back the user's files of all that is served here and should not be."""
        wanted = {item.experiment.experiment_id for item in servings}
        for entry in self.known.values():
            if entry.id not in wanted:
                self._restore(entry)
        for experiment in self.experiments:
            if experiment.experiment_id not in self.known:
                self._restore_unlisted(experiment)
        expected = {path for item in servings for path in item.placed}
        expected |= {path for path, _ in self.earlier}
        for path, data in left_over(self.root, wanted, expected):
            if is_ours(self.workspace, self.unseen, path):
                Backups(self.files, self.workspace.layout.backups).keep(data)
                self._remove(path)
                self.notes.append(f"{path} was left by an experiment and is taken away.")

    def put_up(self, servings: Sequence[Serving]) -> None:
        """Write what serving reads, hide it from git, list it, and then let it stand."""
        now = self.workspace.clock()
        for serving in servings:
            self._store(serving)
        entries = [*self._running(servings, now), *self._tombstones(servings, now)]
        if self.unseen is not None:
            self._hide(self.unseen, servings)
        write_index(self.workspace, entries)
        list_root(self.workspace, {entry.id for entry in entries}, servings)
        self._end_trials(entries, now)
        for serving in servings:
            self._place(serving)
        if self.unseen is not None:
            exchanged = {entry.path for entry in entries if entry.form == index.IN_PLACE}
            self.unseen.refresh(sorted(exchanged | self.restored))
        self._sweep({entry.id for entry in entries})

    def _end_trials(self, entries: Sequence[index.Entry], now: float) -> None:
        """Let no use of a prompt after its experiment be added to a trial before that."""
        ended = {entry.id: entry.since for entry in entries if not entry.running}
        if ended and (self.workspace.layout.local / "sessions").is_dir():
            from meta_experiment.live.closing import end_trials

            end_trials(str(self.root), ended, now)

    def remember(self, signature: str) -> None:
        """Keep what the registry looked like, so that nothing is done until it changes."""
        layout = self.workspace.layout
        if _remembered(layout) != signature:
            data = signature.encode("utf-8", "surrogateescape")
            write_sealed(layout, self.files, _state(layout), _STATE, data)

    def _store(self, serving: Serving) -> None:
        name = serving.experiment.experiment_id
        before = self.known.get(name)
        line = texts.digest(serving.shim)
        if before and before.form == index.IN_PLACE and before.digests.get(texts.SHIM) != line:
            self._restore(before)  # another line stood there, of an earlier version of this
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
        for entry in self.known.values():
            if entry.id in running:
                continue
            if entry.running:
                entry.state, entry.since, entry.sequence = index.ENDED, now, ""
            experiment = ended.get(entry.id)
            outcome = experiment.outcome if experiment is not None else None
            if outcome is not None:
                promoted = outcome.action is Action.PROMOTE
                entry.serve = (outcome.winner if promoted else None) or ""
            if now - entry.since < _TOMBSTONE_SECONDS:
                yield entry

    def _hide(self, unseen: Unseen, servings: Sequence[Serving]) -> None:
        for stray in unseen.strays({serving.path for serving in servings}):
            found = observe(self.root, stray.path)
            if found is None:
                continue
            text = stray.traces.freed(found.data)
            if text is None:
                self._keep(stray.path, found.data)
                text = stray.original
            put(self.files, self.root, stray.path, Content(text, found.mode))
            self.restored.add(stray.path)
            self.notes.append(f"{stray.path} is its original again.")
        stand_ins = [
            StandIn(
                serving.path,
                serving.shim,
                serving.control.data,
                serving.traces,
                serving.experiment.experiment_id,
            )
            for serving in servings
            if serving.form == index.IN_PLACE
        ]
        excluded = {path for serving in servings for path in serving.placed}
        if excluded or not unseen.linked():
            excluded.update(PRIVATE_PATHS)
        unseen.apply(excluded, stand_ins)

    def _place(self, serving: Serving) -> None:
        for path, data in serving.placed.items():
            found = observe(self.root, path)
            if found is None:
                self._make_place(path)
            elif found.data != data and not self._is_as_placed(path, found.data):
                self._keep(path, found.data)
            if found is None or found.data != data:
                put(self.files, self.root, path, Content(data, _PROMPT_MODE))
        found = observe(self.root, serving.path)
        if found is None or found.data not in (serving.control.data, serving.shim):
            self.unsettled = True
        elif serving.form == index.IN_PLACE and found.data == serving.control.data:
            put(self.files, self.root, serving.path, Content(serving.shim, found.mode))

    def _make_place(self, path: str) -> None:
        """Make the folder of a file of ours; that of a skill tells git to ignore ours."""
        folder = (self.root / path).parent
        ensure_directory(self.files, folder, _FOLDER_MODE)
        if path.endswith("/SKILL.md") and not os.path.lexists(folder / IGNORE_FILE):
            put(self.files, self.root, _ignore_beside(path), Content(_UNTRACKED, _PROMPT_MODE))

    def _restore(self, entry: index.Entry) -> None:
        """Undo what was placed for an experiment; its served texts stay for a while."""
        if entry.form == index.IN_PLACE:
            with contextlib.suppress(UnsafePathError):
                found = observe(self.root, entry.path)
                if found is not None:
                    self._exchange(entry, found)
        for path, mark in placed_by(self.root, entry):
            self._withdraw(path, mark, entry.id)

    def _restore_unlisted(self, experiment: Experiment) -> None:
        """Bring back a prompt file that holds a stand-in which the index does not know."""
        name, paths = experiment.experiment_id, experiment.plan.files
        if len(paths) != 1 or place_of(self.root, paths[0]) is None:
            return
        with contextlib.suppress(UnsafePathError):
            found = observe(self.root, paths[0])
            data = found and behind(self.workspace, self.unseen, name, paths[0], found.data)
            if found is not None and data is not None:
                put(self.files, self.root, paths[0], Content(data, found.mode))
                self.restored.add(paths[0])
                self.notes.append(f"{paths[0]} is its original again.")

    def _exchange(self, entry: index.Entry, found: Content) -> None:
        """Put the user's text back where the stand-in is; edits of that itself are kept."""
        try:
            wanted = freed(self.workspace, entry.id, entry.path, found)
        except MetaExperimentError as error:
            try:
                data = original(self.workspace, entry.id, entry.path)
            except NotFoundError:
                self.unsettled = True
                self.notes.append(f"{entry.path} holds a stand-in: {why_not(error)}")
                return
            self._keep(entry.path, found.data)
            wanted = Content(data, found.mode)
        if wanted != found:
            put(self.files, self.root, entry.path, wanted)

    def _withdraw(self, path: str, mark: str, experiment_id: str) -> None:
        """Remove a file of ours; an edit that somebody made in it is kept in the backups."""
        try:
            found = observe(self.root, path)
        except UnsafePathError:
            return
        if found is not None and texts.digest(found.data) != mark:
            if not self._made_of_ours(experiment_id, path, found.data):
                return  # somebody's own, made since
            self._keep(path, found.data)
        self._remove(path)

    def _remove(self, path: str) -> None:
        with contextlib.suppress(UnsafePathError):
            if observe(self.root, path) is not None:
                put(self.files, self.root, path, None)
        place = self.root / path
        with contextlib.suppress(OSError, UnsafePathError):
            sweep_temporaries(self.files, place)
            if place.name == "SKILL.md":
                ignore = observe(self.root, _ignore_beside(path))
                if ignore is not None and ignore.data == _UNTRACKED:
                    put(self.files, self.root, _ignore_beside(path), None)
                place.parent.rmdir()
                if place.parent.parent == self.root / ".claude" / "skills":
                    place.parent.parent.rmdir()  # a link leads to no other, which is the user's

    def _is_as_placed(self, path: str, data: bytes) -> bool:
        return (path, texts.digest(data)) in self.earlier

    def _made_of_ours(self, experiment_id: str, path: str, data: bytes) -> bool:
        """Tell whether a text that is not as we placed it was made of what we placed.

        The copy of an agent has no mark that an edit leaves; it is ours as long as its
        experiment is served. What is marked by an experiment that is forgotten is left over.
        """
        entry = self.known.get(experiment_id)
        copied = entry is not None and entry.running and entry.form == index.AGENTS
        left = stand_in_of(data)
        marked = copied or left == experiment_id or bool(left and left not in self.known)
        return marked and is_ours(self.workspace, self.unseen, path)

    def _keep(self, path: str, data: bytes) -> None:
        """Keep what was made of a file of ours, before it goes."""
        kept = Backups(self.files, self.workspace.layout.backups).keep(data)
        self.notes.append(
            f"{path} was of this tool and had been edited; what stood there is kept in "
            f"{self.workspace.layout.backups / kept}."
        )

    def _sweep(self, kept: set[str]) -> None:
        """Remove the served texts of what ended days ago, and what a crash left half done."""
        for name in self.known.keys() - kept:
            shutil.rmtree(self._folder(name), ignore_errors=True)
        for name in kept:
            for path in self._folder(name).glob(f".*{TEMPORARY_SUFFIX}"):
                self.files.remove(path)

    def _folder(self, experiment_id: str) -> Path:
        return Path(places.served_folder(str(self.root), experiment_id))


def _ignore_beside(path: str) -> str:
    return f"{path.rpartition('/')[0]}/{IGNORE_FILE}"


def _signature(layout: Layout) -> str:
    """Describe the registry, the list of what was started and the key, without reading them."""
    # what is served names the root, and is hidden from the repository by this version's means
    root = layout.root
    parts = [__version__, str(root), str(git_top(root)), str(other_control(root))]
    key = Path(seal.key_file(places.data_folder(os.environ)))
    for path in (layout.registry, layout.local / "started", key):
        try:
            status = path.stat()
            parts.append(f"{status.st_mtime_ns} {status.st_size} {status.st_ino}")
        except OSError:
            parts.append("-")
    return " ".join(parts) + "\n"


def _state(layout: Layout) -> Path:
    return layout.local / "live" / "state"


def _remembered(layout: Layout) -> str:
    """Return what `remember` was given; "" when this machine was not, or not here."""
    try:
        data = seal.read_sealed(str(layout.root), str(_state(layout)), _STATE)
    except OSError:
        return ""
    return data.decode("utf-8", "surrogateescape")


def reconcile_quietly(workspace: Workspace, *, within: float | None = None) -> list[str]:
    """Do the same after something that is already done; what hinders is said, not raised.

    Where another command is at it for longer than `within` seconds, it is left to that one,
    which looks at the registry again before it ends.
    """
    try:
        with serving(workspace, within=within) as bring_up_to_date:
            return bring_up_to_date().notes
    except LockedError as error:
        if within is not None:
            return []
        return [f"What is served is brought up to date by the next command: {error.message}"]
    except MetaExperimentError as error:
        return [why_not(error)]
