"""The state of one checkout: what belongs to it alone, and is never shared with another."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection

from meta_experiment.assign.uniform import sha256
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.model.collected_document import CollectedState
from meta_experiment.model.impact_document import impact_to_document
from meta_experiment.model.instants import to_text
from meta_experiment.model.plan_document import plan_sha256
from meta_experiment.protocol import log_head
from meta_experiment.protocol.seal import Seal
from meta_experiment.records import dataclass
from meta_experiment.store.local import ignore, marks, positions, sealing
from meta_experiment.store.local.board import Board, was_made_from
from meta_experiment.store.local.collected_file import (
    read_collected,
    write_collected,
)
from meta_experiment.store.local.counting import Counting
from meta_experiment.store.local.tracked import Asking, tracked_logs
from meta_experiment.types import Experiment, Outcome


@dataclass(frozen=True, slots=True)
class Start:
    """The start of an experiment in this checkout: by hand, and of the plan it has now."""

    manual: bool
    current: bool


class Checkout:
    """Identity and seal of the checkout at a root, what it started, whose logs count in it.

    `tracked` asks git what it tracks in a folder.
    """

    def __init__(self, layout: Layout, files: FileSystem, tracked: Asking) -> None:
        self._layout = layout
        self._files = files
        self._tracked = tracked
        self._seal: Seal | None = None

    def identity(self) -> str:
        """Return the random identity of this checkout, drawn where there is none."""
        return sealing.checkout_id(self._layout, self._files)

    def seal(self) -> Seal:
        """Return this machine's seal in this checkout, drawn where there is none."""
        if self._seal is None:
            self._seal = sealing.checkout_seal(self._layout, self._files)
        return self._seal

    def known_seal(self) -> Seal:
        """Return the same for a look, which draws nothing: without a key it fits nothing."""
        return self._seal or sealing.known_seal(self._layout)

    def counting(self, *, remembered: bool = True) -> Counting:
        """Return what is known of whose logs count here, as it stands now.

        What git says is `remembered` for the next time, unless nothing may be written.
        """
        seal = self.known_seal()
        files = self._files if remembered else None
        tracked = tracked_logs(self._layout, files, seal, self._tracked)
        admitted = log_head.admitted(os.fspath(self._layout.root), seal)
        return Counting(seal, admitted, tracked)

    def admit(self, experiment_id: str, writers: Collection[str]) -> None:
        """Say whose logs count beside this checkout's own, in one experiment."""
        marks.admit(self._layout, self._files, experiment_id, writers)

    def mark_started(self, experiment: Experiment, *, manual: bool = False) -> None:
        """Remember that this checkout started an experiment itself, with this very plan.

        `manual`: its variants are served and recorded by the user's own means.
        """
        mark = marks.Mark(manual, _digest(experiment))
        marks.mark_started(self._layout, self._files, experiment.experiment_id, mark)

    def unmark_started(self, experiment_id: str) -> None:
        """Forget that this checkout started an experiment."""
        marks.unmark_started(self._layout, self._files, experiment_id)

    def mark_measured(self, experiment_id: str, outcome: Outcome) -> None:
        """Remember that the impact of an outcome was measured here, and came with no commit."""
        if outcome.impact is not None:
            at, told = to_text(outcome.at), impact_to_document(outcome.impact)
            digest = marks.impact_digest(experiment_id, at, told)
            marks.mark_measured(self._layout, self._files, digest)

    def start_of(self, experiment: Experiment) -> Start | None:
        """Return how this checkout started an experiment itself; None when it did not."""
        mark = marks.read_mark(self._layout, experiment.experiment_id)
        if mark is None:
            return None
        return Start(mark.manual, mark.digest == _digest(experiment))

    def started_here(self, experiment: Experiment) -> bool:
        """Tell whether this checkout started an experiment itself, as it is now."""
        start = self.start_of(experiment)
        return start is not None and start.current

    def positions(self, experiment_id: str) -> positions.HeldPositions:
        """Return what this checkout leased of a team's sequence."""
        return positions.held_positions(self._layout, experiment_id)

    def positions_left(self, experiment_id: str) -> int:
        """Return how many leased positions no unit has yet."""
        return positions.left_of(self._layout, experiment_id)

    def add_positions(self, experiment_id: str, leased: range) -> None:
        """Give leased positions to the units to come."""
        positions.add_range(self._layout, self._files, experiment_id, leased)

    def collected(self, experiment_id: str) -> CollectedState | None:
        """Return the sums that this machine collected of an experiment, if any.

        Raises:
            CorruptStoreError: they are not what it wrote.
        """
        return read_collected(self._layout, self.known_seal(), experiment_id)

    def keep_collected(
        self, experiment_id: str, change: Callable[[CollectedState | None], CollectedState]
    ) -> CollectedState:
        """Replace what was collected by what a function makes of it; one at a time.

        Raises:
            LockedError: another process does it for too long. StorageError: the disk refused.
        """
        with FileLock(self._layout.lock(f"{experiment_id}.collect"), verb="collect"):
            made = change(self.collected(experiment_id))
            write_collected(self._layout, self._files, experiment_id, made)
        board = self.board()
        if board.entries.pop(experiment_id, None) is not None:
            board.registry = None  # so that what has no row is looked for
            self.save_board(board)
        return made

    def ensure_ignored(self) -> None:
        """Keep git from seeing what is local or derived."""
        ignore.ensure_ignored(self._layout, self._files)

    def board(self) -> Board:
        """Return the rows that `status` printed last."""
        return Board.load(self._layout, self.known_seal())

    def has_seen(self, registry: list[int]) -> bool:
        """Tell whether the board was made from the registry of this stamp, which was sound."""
        return was_made_from(self._layout, self.known_seal(), registry)

    def save_board(self, made: Board) -> None:
        """Keep the rows that `status` prints."""
        made.save(self._layout, self._files, self.seal())


def _digest(experiment: Experiment) -> str:
    """Return what changes whenever what was started is something else: plan, texts, trials."""
    digest = plan_sha256(experiment.plan, experiment.versions)
    if not experiment.inline_trials:
        return digest
    return str(sha256(f"{digest}{experiment.inline_trials!r}".encode()).hexdigest())
