"""The ports of a store: experiments, their trials, the texts of their arms, their history.

Nothing here knows how they are kept. What belongs to one checkout alone (its identity, what was
started there, the board that it keeps ready) is never shared and stands apart:
`store.local.checkout`. A function that needs one of these asks for it alone; a backend is all
of them.
"""

from __future__ import annotations

from collections.abc import (
    Callable,
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Protocol

from meta_experiment.files.confine import Content
from meta_experiment.store.history import History, HistoryEntry
from meta_experiment.store.trial_log import (
    Acknowledgement,
    AssignedTrial,
    Conflict,
    OutcomeReport,
    TrialEvent,
    TrialLog,
    UnitsUsed,
)
from meta_experiment.types import Experiment

Change = Callable[[Experiment], Experiment]
Changed = tuple[Experiment, Experiment]  # before and after
Revision = object  # survives JSON; to be compared, for equality alone


class Registry(Protocol):
    """Every experiment: plan, status, outcomes. What is put away leaves the list alone.

    A change is durable on return. Its function is called while nobody else changes anything,
    and may be called again; what it raises leaves all as it was. What is given back is as it is
    stored (times have milliseconds, secrets are gone).
    """

    def experiments(self) -> list[Experiment]:
        """Return all experiments that are not put away, in the order of their coming.

        Raises:
            CorruptStoreError: they are damaged, or of a later version.
            StorageError: they cannot be read.
        """

    def experiment(self, experiment_id: str) -> Experiment:
        """Return the experiment with exactly this id, also one that was put away.

        Raises:
            NotFoundError: there is none.
        """

    def archived_ids(self) -> frozenset[str]:
        """Return the ids of all experiments that were put away."""

    def archived(self, experiment_id: str) -> Experiment:
        """Return an experiment that was put away."""

    def archived_last(self, text: str | None = None) -> Iterator[Experiment]:
        """Yield what was put away last, newest first, or of that what holds a text.

        It is for advice, which looks back so far and no further.
        """

    def add(self, make: Callable[[Sequence[Experiment]], Experiment]) -> Experiment:
        """Register what a function makes, given all others.

        When it gives one of those back, nothing is added.

        Raises:
            UsageError: it could not be read back.
            LockedError: another command changes them for too long.
        """

    def change(self, experiment_id: str, change: Change) -> Changed:
        """Replace one experiment by what a function makes of it; return it before and after.

        One with the status ARCHIVED is put away. One that was put away is given as it was then;
        changed, it is taken out again.

        Raises:
            NotFoundError: there is none. UsageError, LockedError: as `add`.
        """

    def change_all(self, change: Change) -> list[Changed]:
        """Replace every experiment that is not put away; return all, before and after."""

    def revision(self) -> Revision:
        """Return what changes whenever an experiment does; take it before reading them."""


class TrialLogs(Protocol):
    """The trials of every experiment: events are added and never changed."""

    def assign(
        self,
        experiment_id: str,
        unit: str,
        draw: Callable[[int], str],
        at: float,
        *,
        draw_apart: Callable[[], str] | None = None,
        drawn_by: Callable[[int | None], str] = lambda _: "",
    ) -> AssignedTrial:
        """Give a unit its variant: the one it has, else the one drawn for the next position.

        By `draw_apart` if the sequence of positions is held by others for too long. `drawn_by`
        says by what a bandit draws at a position (None: apart), as `sequence.format_draw`.
        """

    def append(self, experiment_id: str, events: Iterable[TrialEvent]) -> None:
        """Add events to an experiment, all or none; durable on return.

        Raises:
            UsageError: one could not be read back.
        """

    def check_events(self, events: Iterable[TrialEvent]) -> None:
        """Refuse what `append` would refuse, before anything is written.

        Raises:
            UsageError: one could not be read back.
        """

    def record(self, observations: Sequence[OutcomeReport], at: float) -> Acknowledgement:
        """Add outcomes, all or none; durable on return. Tells which trials had one before.

        What is known of a trial already stands, also when the clock went back since.
        """

    def trials(self, experiment: Experiment) -> TrialLog:
        """Return the trials of an experiment, those that its registry entry holds included.

        A commit may change the registry. Where the entry has texts that could be promoted, its
        trials count only when the user admitted them.
        """

    def follow(self, experiment_id: str) -> Callable[[Experiment], TrialLog]:
        """Return what does as `trials` for this experiment, for who looks again and again.

        What it has read once and what has not changed since it need not read again.
        """

    def closed_values(
        self, experiment: Experiment, metric: str
    ) -> Sequence[tuple[str, Hashable, float | None]]:
        """Return variant, unit and value of every trial of its logs that has closed.

        In any order, the unit as something that tells it from others; None is no value, or one
        of a trial that was excluded. It takes a fraction of what the trials themselves take.
        """

    def used(self, experiment: Experiment) -> UnitsUsed:
        """Return how many units every variant has, recorded without a draw included."""

    def conflicts(self, experiment: Experiment, trial_ids: Collection[str]) -> list[Conflict]:
        """Return what was said twice and differently of some trials of an experiment."""

    def logged(self) -> set[str]:
        """Return the ids that have trials, also those that no experiment has (now)."""

    def log_revision(self, experiment_id: str) -> Revision:
        """Return what changes whenever an experiment has new trials."""


class Variants(Protocol):
    """The exact bytes of every arm."""

    def save_variants(
        self, experiment_id: str, contents: Mapping[str, Mapping[str, Content | None]]
    ) -> None:
        """Store the bytes of every arm, by path, then by variant; None is no file. Durable.

        Raises:
            UnsafePathError: a path leads out of the root.
        """

    def variant(self, experiment: Experiment, name: str) -> dict[str, Content | None]:
        """Return the exact files of one arm, by path; None where it has no such file.

        Raises:
            NotFoundError: a file is gone.
            CorruptStoreError: its bytes are not those that the plan names.
        """


class Histories(Protocol):
    """The audit of every experiment: entries are added and never changed."""

    def note(self, experiment_id: str, entry: HistoryEntry, *, own: bool = False) -> None:
        """Add an entry; durable on return. `own` says that it is of this checkout alone.

        Raises:
            UsageError: its detail cannot be stored.
        """

    def history(self, experiment_id: str) -> History:
        """Return the audit of an experiment; of an unknown one it is empty."""


class Store(Registry, TrialLogs, Variants, Histories, Protocol):
    """Everything that is kept of experiments. Times are seconds since the epoch."""
