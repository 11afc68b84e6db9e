"""What this machine has on record of an experiment's runs, and what each is to the evidence."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace

from meta_experiment.errors import NotFoundError
from meta_experiment.records import dataclass
from meta_experiment.runs.run_folder import RunFolder
from meta_experiment.runs.runner import UNSEEN
from meta_experiment.services.find import find_in
from meta_experiment.services.kept_outside import RUNS, require_kept_outside
from meta_experiment.services.running.run_trials import preferences, trial_id
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Trial
from meta_experiment.types.results.run_summary import RunState
from meta_experiment.types.runs import (
    CellOutcome,
    CellRecord,
    Contest,
    ContestOutcome,
    FailureKind,
    RunCell,
)


@dataclass(frozen=True, slots=True)
class RunRecords:
    """The runs of an experiment, in the order of cases, repeats and the plan's variants."""

    experiment: Experiment
    folder: RunFolder
    records: tuple[CellRecord, ...]
    trials: Mapping[str, Trial]
    contests: tuple[ContestOutcome, ...] = ()

    @property
    def outcomes(self) -> tuple[CellOutcome, ...]:
        """The outcomes of those that have ended and had the text of their variant."""
        ended = (record.outcome for record in self.records)
        return tuple(item for item in ended if item and item.report.received is not False)

    @property
    def open_verdicts(self) -> int:
        """How many runs wait for a verdict of a person."""
        return sum(run.awaits_verdict for run in self.outcomes)

    @property
    def open_trials(self) -> int:
        """How many of them count already."""
        counting = (run for run in self.outcomes if trial_id(run.cell) in self.trials)
        return sum(run.awaits_verdict for run in counting)

    @property
    def aside(self) -> dict[tuple[str, int], str]:
        """The blocks that do not count, with the reason."""
        return {
            (record.cell.case_id, record.cell.repeat): why
            for record in reversed(self.records)
            if (why := _fault(record)) and trial_id(record.cell) not in self.trials
        }

    @property
    def states(self) -> dict[RunCell, RunState]:
        """What each run is to the evidence."""
        aside = self.aside
        return {record.cell: self._state(record, aside) for record in self.records}

    def _state(self, record: CellRecord, aside: Container[tuple[str, int]]) -> RunState:
        cell = record.cell
        if trial_id(cell) in self.trials:
            return RunState.COUNTS
        if (cell.case_id, cell.repeat) in aside:
            return RunState.SET_ASIDE
        if record.outcome is not None:
            return RunState.WAITS
        return RunState.UNDER_WAY if record.failure is None else RunState.STOPPED

    def find(self, cell: RunCell) -> CellOutcome:
        """Return the outcome of a cell.

        Raises:
            NotFoundError: it has none; says what there is.
        """
        for outcome in self.outcomes:
            if outcome.cell == cell:
                return outcome
        raise NotFoundError(
            f"There is no ended run of case {cell.case_id}, repeat {cell.repeat}, "
            f"{cell.variant}.",
            hint=f"See which there are: meta-experiment runs show "
            f"{self.experiment.experiment_id} --json",
        )


def run_records(workspace: Workspace, selector: str) -> RunRecords:
    """Read the runs of the experiment that a user means.

    Raises:
        NotFoundError: there is no such experiment, or it was never run here.
        CorruptStoreError: what is on record cannot be read.
    """
    found = records_of(workspace, find_in(workspace.store, selector))
    if not found.records:
        name = found.experiment.experiment_id
        raise NotFoundError(
            f"{name} was never run on cases on this machine.",
            hint=f"meta-experiment run {name} --cases PATH --preview",
        )
    return found


def records_of(
    workspace: Workspace, experiment: Experiment, trials: Iterable[Trial] | None = None
) -> RunRecords:
    """Read the runs of an experiment, if there are any; its trials too, where none come."""
    folder = run_folder(workspace, experiment.experiment_id)
    arms = [item.name for item in experiment.plan.variants]
    records = sorted(
        folder.records(),
        key=lambda item: (item.cell.case_id, item.cell.repeat, _place(item.cell.variant, arms)),
    )
    if trials is None:
        trials = workspace.store.trials(experiment).trials if records else ()
    counted = {item.trial_id: item for item in trials}
    known = {one.cell: one for one in folder.contests()} if records else {}
    return RunRecords(
        experiment=experiment,
        folder=folder,
        records=tuple(_contested(item, experiment, known) for item in records),
        trials=counted,
        contests=tuple(
            one
            for one in known.values()
            if any(RunCell(*_of(one), name).name in counted for name in arms)
        ),
    )


def _of(one: ContestOutcome) -> tuple[str, int]:
    return one.cell.case_id, one.cell.repeat


def _contested(
    record: CellRecord, experiment: Experiment, known: Mapping[Contest, ContestOutcome]
) -> CellRecord:
    """Return what is on record of a cell, with how far its work is preferred."""
    cell, outcome = record.cell, record.outcome
    found = preferences(cell, experiment.plan, known.get(Contest(cell.case_id, cell.repeat)))
    if outcome is None or not found:
        return record
    report = replace(outcome.report, metrics={**outcome.report.metrics, **found})
    return replace(record, outcome=replace(outcome, report=report))


def run_folder(workspace: Workspace, experiment_id: str) -> RunFolder:
    """Return where the runs of an experiment lie: on this machine, outside of the project."""
    return RunFolder(require_kept_outside(workspace, RUNS) / experiment_id, workspace.files)


def _place(variant: str, arms: list[str]) -> int:
    return arms.index(variant) if variant in arms else len(arms)


def _fault(record: CellRecord) -> str | None:
    """Say why the block of a run does not count, if that is its fault."""
    if record.outcome is not None:
        return UNSEEN if record.outcome.report.received is False else None
    if record.failure is None or record.failure.kind is FailureKind.OURS:
        return None
    return record.failure.reason
