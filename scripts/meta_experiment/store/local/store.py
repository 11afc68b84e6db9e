"""The store in files: what is kept below one root, committable or local to the checkout."""

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
from contextlib import suppress

from meta_experiment.errors import LockedError, MetaExperimentError, StorageError
from meta_experiment.files.confine import Content
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.protocol.disk import IGNORE_FILE
from meta_experiment.protocol.log_head import REGISTRY
from meta_experiment.store.fold.events import encode_event
from meta_experiment.store.fold.fold import Fold
from meta_experiment.store.fold.observed import outcome_events
from meta_experiment.store.fold.trial_columns import closed_values, units_used
from meta_experiment.store.history import History, HistoryEntry
from meta_experiment.store.inline_trials import with_inline_trials, with_inline_units
from meta_experiment.store.local import archive, assignments, history, registry, variants
from meta_experiment.store.local.board import registry_stamp
from meta_experiment.store.local.checkout import Checkout
from meta_experiment.store.local.logs import log_sizes
from meta_experiment.store.local.reading.lookup import fold_of
from meta_experiment.store.local.reading.summaries import load_reading
from meta_experiment.store.local.reading.trials import Reading
from meta_experiment.store.local.writer import Writer, append_batches, append_events
from meta_experiment.store.ports import Change, Changed, Store
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

_LOOKED_BACK = 200  # experiments put away; their ids begin with the day
_FEW = 16  # trials; more are found faster by folding what is new


def open_store(layout: Layout, files: FileSystem, checkout: Checkout) -> Store:
    """Open the files below a root; touches nothing."""
    return LocalStore(layout, files, checkout)


class LocalStore:
    """The ports of a store over the files below one root, as `store.ports` describes them."""

    def __init__(self, layout: Layout, files: FileSystem, checkout: Checkout) -> None:
        self.layout = layout
        self.files = files
        self._checkout = checkout
        self._writer = Writer(layout, checkout.seal)
        self._registry: tuple[list[int], list[Experiment]] = ([], [])

    def experiments(self) -> list[Experiment]:
        """Return all experiments of the registry, read anew when it was replaced."""
        stamp = self.revision()
        if not stamp or self._registry[0] != stamp:
            self._registry = (stamp, registry.read_registry(self.layout))
        return list(self._registry[1])

    def archived_ids(self) -> frozenset[str]:
        """Return the ids of all experiments that were put away."""
        try:
            return frozenset(self.layout.archived_ids())
        except OSError as error:
            raise StorageError(f"{self.layout.archive}: {error.strerror}.") from error

    def archived(self, experiment_id: str) -> Experiment:
        """Return an experiment that was put away."""
        return archive.read_archived(self.layout, experiment_id)

    def archived_last(self, text: str | None = None) -> Iterator[Experiment]:
        """Yield what was put away last, newest first, or of that what holds a text.

        It is for advice, which looks back so far and no further.
        """
        known = {item.experiment_id for item in self.experiments()}
        for experiment_id in sorted(self.archived_ids() - known, reverse=True)[:_LOOKED_BACK]:
            with suppress(MetaExperimentError):
                if text is None or archive.mentions(self.layout, experiment_id, text):
                    yield self.archived(experiment_id)

    def experiment(self, experiment_id: str) -> Experiment:
        """Return the experiment with exactly this id, also one that was put away."""
        found = self._read_alone(experiment_id)
        return found or registry.experiment_in(self.layout, self.experiments(), experiment_id)

    def _read_alone(self, experiment_id: str) -> Experiment | None:
        """Return an experiment of a registry that was found sound, and is still the same."""
        stamp = self.revision()
        if self._registry[0] == stamp or not self._checkout.has_seen(stamp):
            return None
        found = registry.read_one(self.layout, experiment_id)
        return found if self.revision() == stamp else None

    def add(self, make: Callable[[Sequence[Experiment]], Experiment]) -> Experiment:
        """Register what a function makes, given all others; it may be called again.

        When that is one of them, nothing is added. What it raises leaves all as it was.
        """
        return registry.add_experiment(self.layout, self.files, make)

    def change(self, experiment_id: str, change: Change) -> Changed:
        """Replace one experiment by what a function makes of it; return it before and after.

        The function may be called again; what it raises leaves all as it was. One that was put
        away is given as it was then; changed, it is taken out again.
        """
        return registry.change_experiment(self.layout, self.files, experiment_id, change)

    def change_all(self, change: Change) -> list[Changed]:
        """Replace every experiment, but those put away; return all, before and after."""
        return registry.change_experiments(self.layout, self.files, change)

    def revision(self) -> list[int]:
        """Return what changes whenever an experiment does; take it before reading them."""
        return registry_stamp(self.layout)

    def log_revision(self, experiment_id: str) -> dict[str, int]:
        """Return what changes whenever an experiment has new trials."""
        return log_sizes(self.layout.trials(experiment_id))

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
        """Give a unit its variant, by `draw_apart` if the sequence is held for too long."""
        try:
            return assignments.assign(
                self.layout,
                self.files,
                self._checkout.seal(),
                experiment_id,
                unit,
                draw,
                at=at,
                drawn_by=drawn_by,
            )
        except LockedError:
            if draw_apart is None:
                raise
        return assignments.assign_apart(
            self.layout,
            self.files,
            self._checkout.seal(),
            experiment_id,
            unit,
            draw_apart,
            writer=self._writer.name,
            at=at,
            drawn_by=drawn_by(None),
        )

    def append(self, experiment_id: str, events: Iterable[TrialEvent]) -> None:
        """Add events to the logs of an experiment; durable on return."""
        writer = self._writer.name
        append_events(
            self.layout, self.files, self._checkout.seal(), writer, experiment_id, events
        )

    def check_events(self, events: Iterable[TrialEvent]) -> None:
        """Refuse what `append` would refuse, before anything is written."""
        for event in events:
            encode_event(event)

    def record(self, observations: Sequence[OutcomeReport], at: float) -> Acknowledgement:
        """Add outcomes, all or none; durable on return. Tells which trials had one before.

        What is known of a trial already stands, also when the clock went back since.
        """
        recorded, events = outcome_events(observations, at, self._known(observations))
        seal, writer = self._checkout.seal(), self._writer.name
        append_batches(self.layout, self.files, seal, writer, events)
        return recorded

    def trials(self, experiment: Experiment) -> TrialLog:
        """Return the trials of an experiment, those that its registry entry holds included.

        A commit may change the registry. Where the entry has texts that could be promoted, its
        trials count only when the user admitted them.
        """
        return self._with_inline(self._reading(experiment).log(), experiment)

    def follow(self, experiment_id: str) -> Callable[[Experiment], TrialLog]:
        """Return what does as `trials` for this experiment, and reads only what is new."""
        from meta_experiment.store.local.reading.following import Following

        following = Following(self.layout, self.files, experiment_id)

        def trials(experiment: Experiment) -> TrialLog:
            found = following.log(self._checkout.counting(), experiment.plan.metrics)
            return self._with_inline(found, experiment)

        return trials

    def closed_values(
        self, experiment: Experiment, metric: str
    ) -> Sequence[tuple[str, Hashable, float | None]]:
        """Return variant, unit and value of every trial of its logs that has closed."""
        return closed_values(self._reading(experiment).fold.columns, metric)

    def used(self, experiment: Experiment) -> UnitsUsed:
        """Return how many units every variant has, recorded without a draw included."""
        used = units_used(self._reading(experiment).fold.columns)
        return with_inline_units(used, experiment)

    def conflicts(self, experiment: Experiment, trial_ids: Collection[str]) -> list[Conflict]:
        """Return what was said twice and differently of some trials of an experiment."""
        said = self._said(experiment, trial_ids).conflicts
        return [conflict for conflict in said if conflict.trial_id in trial_ids]

    def logged(self) -> set[str]:
        """Return the ids that have trials, also those that the registry does not know (now)."""
        try:
            names = (path.name for path in self.layout.all_trials.iterdir())
            return {name for name in names if name != IGNORE_FILE}
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise StorageError(
                f"{self.layout.all_trials} cannot be read: {error.strerror}."
            ) from error

    def save_variants(
        self, experiment_id: str, contents: Mapping[str, Mapping[str, Content | None]]
    ) -> None:
        """Store the bytes of every arm: by path, then by variant."""
        names = dict.fromkeys(name for arms in contents.values() for name in arms)
        for name in names:
            arm = {path: arms[name] for path, arms in contents.items() if name in arms}
            variants.save_variant(self.layout, self.files, experiment_id, name, arm)

    def variant(self, experiment: Experiment, name: str) -> dict[str, Content | None]:
        """Return the exact files of one arm, by path; None where it has no such file."""
        versions = {
            path: arms[name] for path, arms in experiment.versions.items() if name in arms
        }
        return variants.load_variant(self.layout, experiment.experiment_id, name, versions)

    def note(self, experiment_id: str, entry: HistoryEntry, *, own: bool = False) -> None:
        """Add an entry to the audit of an experiment, or to what is its `own` here alone."""
        history.append_history(self.layout, self.files, experiment_id, entry, own=own)

    def history(self, experiment_id: str) -> History:
        """Return the audit of an experiment."""
        return history.read_history(self.layout, experiment_id)

    def _known(self, observations: Iterable[OutcomeReport]) -> dict[str, Fold]:
        """Return by experiment what the logs say of the trials that are named."""
        named: dict[str, set[str]] = {}
        for item in observations:
            if item.trial_id is not None:
                named.setdefault(item.experiment_id, set()).add(item.trial_id)
        if not named:
            return {}
        return {
            experiment.experiment_id: self._said(experiment, named[experiment.experiment_id])
            for experiment in self.experiments()
            if experiment.experiment_id in named
        }

    def _said(self, experiment: Experiment, trial_ids: Collection[str]) -> Fold:
        """Return what the logs say of these trials, and maybe of others."""
        if len(trial_ids) <= _FEW:
            return fold_of(
                self.layout, self._checkout.counting(), experiment.experiment_id, trial_ids
            )
        return self._reading(experiment).fold

    def _with_inline(self, log: TrialLog, experiment: Experiment) -> TrialLog:
        def admitted() -> bool:
            return self._checkout.counting().admits(experiment.experiment_id, REGISTRY)

        return with_inline_trials(log, experiment, admitted)

    def _reading(self, experiment: Experiment) -> Reading:
        name, metrics = experiment.experiment_id, experiment.plan.metrics
        return load_reading(self.layout, self.files, self._checkout.counting(), name, metrics)
