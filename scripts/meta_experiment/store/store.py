"""The store of one root: its registry, logs, variants and audit behind one object."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import Protocol

from meta_experiment.errors import LockedError, MetaExperimentError, StorageError
from meta_experiment.files.confine import Content
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.model.plan_document import plan_sha256
from meta_experiment.protocol import log_head
from meta_experiment.protocol.disk import IGNORE_FILE
from meta_experiment.protocol.log_head import REGISTRY
from meta_experiment.protocol.seal import Seal
from meta_experiment.protocol.sequence import storable
from meta_experiment.records import dataclass
from meta_experiment.store.local import (
    archive,
    assignments,
    checkout,
    history,
    ignore,
    registry,
    variants,
)
from meta_experiment.store.local.board import Board, registry_stamp
from meta_experiment.store.local.counting import Apart, Counting
from meta_experiment.store.local.fold.events import Event, EventKind
from meta_experiment.store.local.fold.fold import Fold
from meta_experiment.store.local.fold.lookup import fold_of
from meta_experiment.store.local.fold.summaries import load_reading
from meta_experiment.store.local.fold.trial_columns import Used, units_used
from meta_experiment.store.local.fold.trials import Reading, TrialLog
from meta_experiment.store.local.logs import log_sizes
from meta_experiment.store.local.tracked import Asking, tracked_logs
from meta_experiment.store.local.writer import Writer, append_batches, append_events
from meta_experiment.types import Experiment, TrialStatus

IN_THE_REGISTRY = "in the registry, which any commit may change"
_LOOKED_BACK = 200  # experiments put away; their ids begin with the day
_FEW = 16  # trials; more are found faster by folding what is new


class Observed(Protocol):
    """The outcome of one trial, as somebody reports it. Without a trial id it is a new one."""

    @property
    def experiment_id(self) -> str:
        """Whose trial it is."""

    @property
    def variant(self) -> str:
        """Which arm was served."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """What was measured."""

    @property
    def status(self) -> TrialStatus:
        """How it ended."""

    @property
    def unit(self) -> str | None:
        """What was randomised, if the reporter knows."""

    @property
    def trial_id(self) -> str | None:
        """Which trial it is, if it was assigned or recorded before."""

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """What it ran on."""


@dataclass(frozen=True, slots=True)
class Start:
    """How this checkout started an experiment: by hand, and with the plan that it has now."""

    manual: bool
    current: bool


class Store:
    """All that is kept below one root. Times are seconds since the epoch.

    `tracked` asks git what it tracks in a folder.
    """

    def __init__(self, layout: Layout, files: FileSystem, tracked: Asking) -> None:
        self.layout = layout
        self.files = files
        self._tracked = tracked
        self._seal: Seal | None = None
        self._writer = Writer(layout, self.seal)
        self._registry: tuple[list[int], list[Experiment]] = ([], [])

    def experiments(self) -> list[Experiment]:
        """Return all experiments of the registry, read anew when it was replaced."""
        stamp = self.revision()
        if not stamp or self._registry[0] != stamp:
            self._registry = (stamp, registry.read_registry(self.layout))
        return list(self._registry[1])

    def strange(self) -> list[int]:
        """Return the places of entries in the registry that are passed over."""
        return registry.read_strange(self.layout)

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
        return registry.experiment_in(self.layout, self.experiments(), experiment_id)

    def add(self, make: Callable[[Sequence[Experiment]], Experiment]) -> Experiment:
        """Register what a function makes, given all others; it may be called again.

        When that is one of them, nothing is added. What it raises leaves all as it was.
        """
        return registry.add_experiment(self.layout, self.files, make)

    def change(self, experiment_id: str, change: registry.Change) -> registry.Changed:
        """Replace one experiment by what a function makes of it; return it before and after.

        The function may be called again; what it raises leaves all as it was. One that was put
        away is given as it was then; changed, it is taken out again.
        """
        return registry.change_experiment(self.layout, self.files, experiment_id, change)

    def change_all(self, change: registry.Change) -> list[registry.Changed]:
        """Replace every experiment, but those put away; return all, before and after."""
        return registry.change_experiments(self.layout, self.files, change)

    def revision(self) -> list[int]:
        """Return what changes whenever an experiment does; take it before reading them."""
        return registry_stamp(self.layout)

    def log_revision(self, experiment_id: str) -> dict[str, int]:
        """Return what changes whenever an experiment has new trials."""
        return log_sizes(self.layout.trials(experiment_id))

    def checkout(self) -> str:
        """Return the random identity of this checkout."""
        return checkout.checkout_id(self.layout, self.files)

    def seal(self) -> Seal:
        """Return this machine's seal in this checkout, drawn where there is none."""
        if self._seal is None:
            self._seal = checkout.checkout_seal(self.layout, self.files)
        return self._seal

    def known_seal(self) -> Seal:
        """Return the same for a look, which draws nothing: without a key it fits nothing."""
        return self._seal or checkout.known_seal(self.layout)

    def counting(self, *, remembered: bool = True) -> Counting:
        """Return what is known of whose logs count here, as it stands now.

        What git says is `remembered` for the next time, unless nothing may be written.
        """
        seal = self.known_seal()
        files = self.files if remembered else None
        tracked = tracked_logs(self.layout, files, seal, self._tracked)
        return Counting(seal, log_head.admitted(os.fspath(self.layout.root), seal), tracked)

    def admit(self, experiment_id: str, writers: Collection[str]) -> None:
        """Say whose logs count beside this checkout's own, in one experiment."""
        checkout.admit(self.layout, self.files, experiment_id, writers)

    def mark_started(self, experiment: Experiment, *, manual: bool = False) -> None:
        """Remember that this checkout started an experiment itself, with this very plan.

        `manual`: its variants are served and recorded by the user's own means.
        """
        mark = checkout.Mark(manual, _digest(experiment))
        checkout.mark_started(self.layout, self.files, experiment.experiment_id, mark)

    def unmark_started(self, experiment_id: str) -> None:
        """Forget that this checkout started an experiment."""
        checkout.unmark_started(self.layout, self.files, experiment_id)

    def start_of(self, experiment: Experiment) -> Start | None:
        """Return how this checkout started an experiment itself; None when it did not."""
        mark = checkout.read_mark(self.layout, experiment.experiment_id)
        if mark is None:
            return None
        return Start(mark.manual, mark.digest == _digest(experiment))

    def started_here(self, experiment: Experiment) -> bool:
        """Tell whether this checkout started an experiment itself, as it is now."""
        start = self.start_of(experiment)
        return start is not None and start.current

    def ensure_ignored(self) -> None:
        """Keep git from seeing what is local or derived."""
        ignore.ensure_ignored(self.layout, self.files)

    def assign(
        self,
        experiment_id: str,
        unit: str,
        draw: Callable[[int], str],
        at: float,
        *,
        draw_apart: Callable[[], str] | None = None,
    ) -> assignments.Assigned:
        """Give a unit its variant, by `draw_apart` if the sequence is held for too long."""
        try:
            return assignments.assign(
                self.layout, self.files, self.seal(), experiment_id, unit, draw, at=at
            )
        except LockedError:
            if draw_apart is None:
                raise
        return assignments.assign_apart(
            self.layout,
            self.files,
            self.seal(),
            experiment_id,
            unit,
            draw_apart,
            writer=self._writer.name,
            at=at,
        )

    def append(self, experiment_id: str, events: Iterable[Event]) -> None:
        """Add events to the logs of an experiment; durable on return."""
        writer = self._writer.name
        append_events(self.layout, self.files, self.seal(), writer, experiment_id, events)

    def record(self, observations: Sequence[Observed], at: float) -> list[str]:
        """Add outcomes, all or none; durable on return. Gives their trial ids, in order.

        What is known of a trial already stands, also when the clock went back since.
        """
        at = storable(at)
        trial_ids: list[str] = []
        events: dict[str, list[Event]] = {}
        known = self._known(observations)
        for item, new_id in zip(observations, assignments.new_trial_ids(), strict=False):
            trial_id = item.trial_id or new_id
            fold = known.get(item.experiment_id)
            event = _recorded(item, trial_id, fold.after(trial_id, at) if fold else at)
            trial_ids.append(trial_id)
            events.setdefault(item.experiment_id, []).append(event)
        append_batches(self.layout, self.files, self.seal(), self._writer.name, events)
        return trial_ids

    def trials(self, experiment: Experiment) -> TrialLog:
        """Return the trials of an experiment, those that its registry entry holds included.

        A commit may change the registry. Where the entry has texts that could be promoted, its
        trials count only when the user admitted them.
        """
        reading = self._reading(experiment)
        log, inline = reading.log(), experiment.inline_trials
        if not inline:
            return log
        name = experiment.experiment_id
        if experiment.versions and not self.counting().admits(name, REGISTRY):
            beside = Apart(REGISTRY, REGISTRY, len(inline), IN_THE_REGISTRY)
            return replace(log, apart=(*log.apart, beside))
        first = max(trial.order for trial in inline) + 1
        later = (replace(trial, order=trial.order + first) for trial in log.trials)
        return replace(log, trials=tuple(chain(inline, later)))

    def used(self, experiment: Experiment) -> Used:
        """Return how many units every variant has, recorded without a draw included."""
        used = units_used(self._reading(experiment).fold.columns)
        inline = {trial.unit: trial.variant for trial in reversed(experiment.inline_trials)}
        return replace(used, units=Counter(used.units) + Counter(inline.values()))

    def conflicts(self, experiment: Experiment, trial_ids: Collection[str]) -> list[str]:
        """Return what was said twice and differently of some trials of an experiment."""
        begins = tuple(f"trial {trial_id}: " for trial_id in trial_ids)
        said = self._said(experiment, trial_ids).conflicts
        return [conflict for conflict in said if conflict.startswith(begins)]

    def _known(self, observations: Iterable[Observed]) -> dict[str, Fold]:
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
            return fold_of(self.layout, self.counting(), experiment.experiment_id, trial_ids)
        return self._reading(experiment).fold

    def _reading(self, experiment: Experiment) -> Reading:
        name, metrics = experiment.experiment_id, experiment.plan.metrics
        return load_reading(self.layout, self.files, self.counting(), name, metrics)

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
        self, experiment_id: str, contents: Mapping[str, Mapping[str, Content]]
    ) -> None:
        """Store the bytes of every arm: by path, then by variant."""
        names = dict.fromkeys(name for arms in contents.values() for name in arms)
        for name in names:
            arm = {path: arms[name] for path, arms in contents.items() if name in arms}
            variants.save_variant(self.layout, self.files, experiment_id, name, arm)

    def variant(self, experiment: Experiment, name: str) -> dict[str, Content]:
        """Return the exact files of one arm, by path."""
        versions = {
            path: arms[name] for path, arms in experiment.versions.items() if name in arms
        }
        return variants.load_variant(self.layout, experiment.experiment_id, name, versions)

    def note(self, experiment_id: str, entry: history.Entry) -> None:
        """Add an entry to the audit of an experiment."""
        history.append_history(self.layout, self.files, experiment_id, entry)

    def history(self, experiment_id: str) -> history.History:
        """Return the audit of an experiment."""
        return history.read_history(self.layout, experiment_id)

    def board(self) -> Board:
        """Return the rows that `status` printed last."""
        return Board.load(self.layout, self.known_seal())

    def save_board(self, made: Board) -> None:
        """Keep the rows that `status` prints."""
        made.save(self.layout, self.files, self.seal())


def _digest(experiment: Experiment) -> str:
    """Return what changes whenever what was started is something else: plan, texts, trials."""
    digest = plan_sha256(experiment.plan, experiment.versions)
    if not experiment.inline_trials:
        return digest
    return hashlib.sha256(f"{digest}{experiment.inline_trials!r}".encode()).hexdigest()


def _recorded(item: Observed, trial_id: str, at: float) -> Event:
    return Event(
        kind=EventKind.RECORDED,
        at=at,
        trial_id=trial_id,
        variant=item.variant,
        unit=item.unit,
        status=item.status,
        metrics=item.metrics,
        fingerprint=item.fingerprint,
    )
