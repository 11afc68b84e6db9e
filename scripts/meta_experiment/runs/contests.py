"""A contest: the works of all variants on one case, each treatment's against the control's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from meta_experiment.runs.asking import Asking
from meta_experiment.runs.attempts import Bench, judge_of
from meta_experiment.runs.criteria.anonymous import anonymous
from meta_experiment.runs.criteria.judging import judged
from meta_experiment.runs.criteria.pairwise import preferred
from meta_experiment.runs.criteria.run_work import Ask, GivenUpError, RunWork, ShownWork
from meta_experiment.runs.run_folder import RunFolder
from meta_experiment.runs.shown_works import shown_work
from meta_experiment.runs.stopping import StopSign
from meta_experiment.types import TrialStatus
from meta_experiment.types.cases import Case
from meta_experiment.types.runs import (
    CellOutcome,
    Contest,
    ContestOutcome,
    FailureKind,
    PreferenceResult,
    RunCell,
)

_ABOUT = "contest"  # begins the name of what a judge is asked about


def contest(bench: Bench, cell: Contest, stopping: StopSign) -> ContestOutcome:
    """Ask the judge which works it prefers, and keep what it says.

    Where it cannot be asked nothing is kept, and it is to be held again.
    """
    asking = judge_of(bench, f"{_ABOUT} {cell.name}", stopping)
    runs = [
        bench.folder.outcome(RunCell(cell.case_id, cell.repeat, name)) for name in bench.arms
    ]
    known = [run for run in runs if run is not None]
    began = tuple(run.started for run in known)
    outcome = ContestOutcome(cell, (), asking.identity, began=began)
    try:
        found = held(bench.cases[cell.case_id], known, bench.folder, _patiently(asking))
        results = tuple(found)
    except GivenUpError as error:
        return replace(outcome, spent=asking.spent, failure=error.failure)
    outcome = replace(outcome, results=results, judge_model=asking.model, spent=asking.spent)
    bench.folder.keep_contest(outcome)
    return outcome


def held(
    case: Case,
    runs: list[CellOutcome],
    folder: RunFolder,
    ask: Callable[[str], str | None],
) -> Iterator[PreferenceResult]:
    """Hold the runs of all treatments against that of the control, which comes first."""
    names = [run.report.fingerprint.get("model", "") for run in runs]
    control, *treatments = (_work(run, folder, names) for run in runs)
    for run, work in zip(runs[1:], treatments, strict=True):
        for criterion in case.preferences:
            variant = run.cell.variant
            yield preferred(criterion, case.prompt, variant, (control, work), ask)


def _work(run: CellOutcome, folder: RunFolder, names: list[str]) -> ShownWork | None:
    if run.report.status is not TrialStatus.OK:
        return None
    return ShownWork(*(anonymous(text, names) for text in _shown(run, folder)))


def judged_again(
    cell: Contest,
    case: Case,
    runs: list[CellOutcome],
    folder: RunFolder,
    asking: Asking,
    control: str,
) -> ContestOutcome:
    """Judge runs that were made before, each by itself and against the control's.

    Nothing of theirs is changed; `case` has the criteria, the first run is the control's where
    there is one.
    """
    outcome = ContestOutcome(
        cell, (), asking.identity, began=tuple(run.started for run in runs)
    )
    ask = _patiently(asking)
    try:
        checks = {
            run.cell.variant: judged(case, _of(run, case, folder, ask))
            for run in runs
            if case.checks and run.report.status is TrialStatus.OK
        }
        against = runs if runs[0].cell.variant == control else runs[:1]
        results = tuple(held(case, against, folder, ask))
    except GivenUpError as error:
        return replace(outcome, spent=asking.spent, failure=error.failure)
    return replace(
        outcome,
        checks=checks,
        results=results,
        judge_model=asking.model,
        spent=asking.spent,
    )


def _of(run: CellOutcome, case: Case, folder: RunFolder, ask: Ask) -> RunWork:
    shown = _shown(run, folder)
    return RunWork(run.report.output, folder.folder, task=case.prompt, shown=shown, ask=ask)


def _shown(run: CellOutcome, folder: RunFolder) -> ShownWork:
    patch = folder.patch(run.cell) or b""
    return shown_work(folder, run.cell, run.report.output, patch)


def _patiently(asking: Asking) -> Callable[[str], str | None]:
    """Return what asks; no answer through the machine's fault ends all of it.

    Raises (by what is returned):
        GivenUpError: the question is to be asked again another time.
    """

    def ask(question: str) -> str | None:
        answer = asking(question)
        failure = asking.failure
        if answer is None and failure is not None and failure.kind is FailureKind.MACHINE:
            raise GivenUpError(failure)
        return answer

    return ask
