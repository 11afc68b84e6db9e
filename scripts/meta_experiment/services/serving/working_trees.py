"""Working tree: what stands in it for the experiments of a root, and what git sees.

A prompt file is only ever exchanged between exactly its control and exactly its stand-in;
anything else in its place is somebody's own text and stays. So does what stands at the path of
a file of ours and is not ours.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from meta_experiment.deploy import Backups
from meta_experiment.deploy.apply import observe, put, sweep_temporaries
from meta_experiment.deploy.filter import StandIn
from meta_experiment.deploy.unseen import HiddenFiles
from meta_experiment.errors import (
    ConflictError,
    MetaExperimentError,
    NotFoundError,
    UnsafePathError,
)
from meta_experiment.files.confine import Content
from meta_experiment.files.durable import ensure_directory
from meta_experiment.git import Git
from meta_experiment.protocol import index, texts
from meta_experiment.protocol.disk import IGNORE_FILE
from meta_experiment.services.serving.client_places import place_of
from meta_experiment.services.serving.placed import (
    is_ours,
    left_over,
    original,
    placed_by,
    staged_control,
    text_behind,
    without_stand_in,
)
from meta_experiment.services.serving.serving_plan import Serving
from meta_experiment.services.serving.unserved import holds_stand_in, stand_in_of
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.ignore import PRIVATE_PATHS
from meta_experiment.types import Experiment

_PROMPT_MODE = 0o644
_UNTRACKED = f"/{IGNORE_FILE}\n/SKILL.md\n".encode()  # goes before the project's own rules
_FOLDER_MODE = 0o755


@dataclass
class Tree:
    """The files of a root in one working tree: its own, or a linked one.

    Attributes:
        workspace: that of the root.
        root: where the prompt files lie.
        known: what is served so far, by experiment.
        notes: what is to be said.
        unsettled: whether a later look may find more to do.
    """

    workspace: Workspace
    root: Path
    known: Mapping[str, index.Entry]
    notes: list[str]
    unsettled: bool = False

    def __post_init__(self) -> None:
        self.restored: set[str] = set()
        self.files = self.workspace.files
        git = self.workspace.git if self.is_own else Git.find(self.root)
        self.unseen = HiddenFiles.around(git, self.files, self.root)
        self.earlier = {
            pair for entry in self.known.values() for pair in placed_by(self.root, entry)
        }

    @property
    def is_own(self) -> bool:
        """Whether it is the tree in which the root itself lies."""
        return self.root == self.workspace.root

    def require_room(self, serving: Serving) -> None:
        """Refuse where a file of ours would go over somebody's own."""
        for path, data in serving.placed.items():
            found = observe(self.root, path)
            if found is None or found.data == data or self._is_as_placed(path, found.data):
                continue
            if not self._made_of_ours(serving.experiment.experiment_id, path, found.data):
                raise ConflictError(f"{path} is not of this tool.", hint="Move it away.")

    def servable(self, servings: Sequence[Serving]) -> list[Serving]:
        """Return those that a linked tree can take part in: it has the control, and room."""
        return [item for item in servings if self._can_take(item)]

    def _can_take(self, serving: Serving) -> bool:
        """Tell whether a prompt is served here as it is in the root.

        Where this tree has no folder of skills the client takes that of the main tree, and
        would not any more if we made one.
        """
        try:
            found = observe(self.root, serving.path)
            if found is None or found.data not in (serving.control.data, serving.shim):
                return False
            self.require_room(serving)
        except MetaExperimentError:
            return False
        if serving.form == index.SHADOW:
            return all((self.root / path).parent.parent.is_dir() for path in serving.placed)
        return self.unseen is not None and not self.unseen.other_filter(serving.path)

    def take_away(self, wanted: Collection[str], experiments: Iterable[Experiment]) -> None:
        """Bring back the user's files of all that is served here and is not wanted."""
        for entry in self.known.values():
            if entry.id not in wanted:
                self.restore(entry)
        for experiment in experiments:
            if experiment.experiment_id not in self.known:
                self._restore_unlisted(experiment)

    def take_left(self, servings: Sequence[Serving]) -> None:
        """Take away what stands in for a prompt by its own words, and serves none."""
        wanted = {item.experiment.experiment_id for item in servings}
        expected = {path for item in servings for path in item.placed}
        expected |= {path for path, _ in self.earlier}
        for path, data in left_over(self.root, wanted, expected):
            if is_ours(self.workspace, self.unseen, path):
                Backups(self.files, self.workspace.layout.backups).keep(data)
                self._remove(path)
                self._say(path, "was left by an experiment and is taken away.")

    def hide(self, servings: Sequence[Serving]) -> None:
        """Keep git from seeing what is placed, and bring back what is forgotten."""
        unseen = self.unseen
        if unseen is None:
            return
        for stray in unseen.strays({serving.path for serving in servings}):
            found = observe(self.root, stray.path)
            if found is None:
                continue
            text = stray.traces.without_stand_in(found.data)
            if text is None:
                self._keep(stray.path, found.data)
                text = stray.original
            put(self.files, self.root, stray.path, Content(text, found.mode))
            self.restored.add(stray.path)
            self._say(stray.path, "is its original again.")
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
        if excluded or (self.is_own and not unseen.linked()):
            excluded.update(PRIVATE_PATHS)
        unseen.apply(excluded, stand_ins)

    def place(self, serving: Serving) -> None:
        """Put up all that serves a prompt."""
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

    def refresh(self, paths: Iterable[str]) -> None:
        """Let git notice that what was exchanged, these among it, is unchanged in its eyes."""
        if self.unseen is not None:
            self.unseen.refresh(sorted(self.restored.union(paths)))

    def _make_place(self, path: str) -> None:
        """Make the folder of a file of ours; that of a skill tells git to ignore ours."""
        folder = (self.root / path).parent
        ensure_directory(self.files, folder, _FOLDER_MODE)
        if path.endswith("/SKILL.md") and not os.path.lexists(folder / IGNORE_FILE):
            put(self.files, self.root, _ignore_beside(path), Content(_UNTRACKED, _PROMPT_MODE))

    def restore(self, entry: index.Entry) -> None:
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
            if found is None or not holds_stand_in(found.data, name):
                return
            data = text_behind(self.workspace, self.unseen, name, paths[0], found.data)
            if data is None:
                data = staged_control(self.unseen, experiment, paths[0])
                if data is not None:
                    self._keep(paths[0], found.data, "nothing knows it any more")
            if data is not None:
                put(self.files, self.root, paths[0], Content(data, found.mode))
                self.restored.add(paths[0])
                self._say(paths[0], "is its original again.")

    def _exchange(self, entry: index.Entry, found: Content) -> None:
        """Put the user's text back where the stand-in is; edits of that itself are kept."""
        try:
            wanted = without_stand_in(self.workspace, entry.id, entry.path, found)
        except MetaExperimentError as error:
            try:
                data = original(self.workspace, entry.id, entry.path)
            except NotFoundError:
                self.unsettled = True
                self._say(entry.path, f"holds a stand-in: {error.told}")
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

    def _keep(self, path: str, data: bytes, why: str = "had been edited") -> None:
        """Keep what was made of a file of ours, before it goes."""
        kept = Backups(self.files, self.workspace.layout.backups).keep(data)
        self._say(
            path,
            f"was of this tool and {why}; what stood there is kept in "
            f"{self.workspace.layout.backups / kept}.",
        )

    def _say(self, path: str, what: str) -> None:
        self.notes.append(f"{path if self.is_own else self.root / path} {what}")


def _ignore_beside(path: str) -> str:
    return f"{path.rpartition('/')[0]}/{IGNORE_FILE}"
