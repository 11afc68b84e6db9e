"""Digest of the experiments of workflows: figures, winners, and what keeps others undecided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from pathlib import Path

from meta_experiment.errors import MetaExperimentError
from meta_experiment.services.workflows.audited_state import (
    AuditedState,
    audited_state,
    workflow_ledger,
)
from meta_experiment.services.workflows.standing import standing
from meta_experiment.services.workflows.workflow_files import (
    WorkflowFile,
    find_workflow,
    read_workflows,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Analysis, Decision
from meta_experiment.types.results.workflow_import import ExperimentStanding
from meta_experiment.types.results.workflow_report import (
    InteractionCells,
    ReportedComparison,
    ReportedExperiment,
    ReportedVariant,
    WorkflowReport,
)
from meta_experiment.workflows.native_metrics import matched
from meta_experiment.workflows.state.ledger import LedgerRun
from meta_experiment.workflows.state.union import attempts, merged


def digest(workspace: Workspace, directory: Path, workflow: str | None) -> WorkflowReport:
    """Report on every experiment of a project's workflows, or of one of them.

    Raises:
        NotFoundError: there is no such workflow. UnsafePathError, StorageError: it cannot be
            read.
    """
    if workflow is None:
        files = list(read_workflows(workspace.root))
    else:
        files = [find_workflow(workspace.root, directory, workflow)]
    found, crossed, said = list[ReportedExperiment](), list[InteractionCells](), list[str]()
    for file in files:
        states = []
        ledger, problems = workflow_ledger(workspace, file, None)
        said += problems if file.specification.experiments else []
        for declared in file.specification.experiments:
            try:
                state = audited_state(workspace, file, declared, ledger)
                found.append(_reported(workspace, file, state))
                states.append(state)
            except MetaExperimentError as error:
                said.append(f"{file.name}/{declared.name} cannot be read: {error.message}")
        crossed += [_cells(file, *pair) for pair in combinations(states, 2)]
    decided = sum(_is_decided(item.standing) for item in found)
    return WorkflowReport(
        workspace.clock(),
        decided,
        len(found) - decided,
        tuple(found),
        tuple(crossed),
        tuple(said),
    )


def _reported(
    workspace: Workspace, file: WorkflowFile, state: AuditedState
) -> ReportedExperiment:
    declared, held = state.declared, state.experiment
    if held is None:
        return ReportedExperiment(
            file.name, declared.name, None, declared.hypothesis, declared.metric, None, "",
            {}, (), None, None, tuple(_lacking(file, state, None, None)),
        )  # fmt: skip
    stands, analysis = standing(workspace, held, state.tallied, state.names)
    primary, needed = held.plan.primary, held.plan.sample_size
    arms = analysis.primary.variants
    called = {name: variant for variant, name in state.names.items()}
    return ReportedExperiment(
        workflow=file.name,
        experiment=declared.name,
        experiment_id=held.experiment_id,
        hypothesis=declared.hypothesis,
        metric=primary.name,
        direction=primary.direction,
        unit=primary.unit,
        variants={
            called.get(name, name): ReportedVariant(
                arm.n, arm.mean, arm.sd, max(0, needed - arm.n)
            )
            for name, arm in arms.items()
        },
        comparisons=tuple(_comparisons(analysis, called)),
        winner=stands.winner if stands.decision is Decision.PROMOTE else None,
        standing=stands,
        lacking=tuple(_lacking(file, state, stands, analysis)),
    )


def _comparisons(analysis: Analysis, called: Mapping[str, str]) -> Iterator[ReportedComparison]:
    for item in analysis.primary.comparisons:
        evidence = item.sequential
        yield ReportedComparison(
            called.get(item.treatment, item.treatment),
            item.estimate.relative,
            item.test,
            item.p_value,
            None if evidence is None else evidence.p_anytime,
        )


def _lacking(
    file: WorkflowFile,
    state: AuditedState,
    stands: ExperimentStanding | None,
    analysis: Analysis | None,
) -> Iterator[str]:
    """Say what keeps an experiment from a decision, the foremost first."""
    declared = state.declared
    if stands is not None and analysis is not None:
        if stands.decision is Decision.EXTEND:
            yield stands.reason
    else:
        yield f"no outcome is recorded: meta-experiment import FOLDER --workflow {file.name}"
        if declared.metric is None:
            yield "it declares no metric: --metric NAME"
        elif not (match := matched(declared.metric)).metrics:
            yield f"runs do not measure {declared.metric}; the nearest is {match.nearest}"
    if declared.end_date is None and not _is_decided(stands):
        yield "it declares no end_date, so that nothing ends it but a decision"
    if declared.notify is None and declared.issue is None:
        yield "it declares neither notify nor issue, so that nobody hears of its decision"


def _is_decided(stands: ExperimentStanding | None) -> bool:
    return stands is not None and stands.decision is not Decision.EXTEND


def _cells(file: WorkflowFile, one: AuditedState, other: AuditedState) -> InteractionCells:
    """Count the runs of two experiments by both of their variants, each run once."""
    first, second = one.declared, other.declared
    seen = Counter(
        (run.assignments[first.name], run.assignments[second.name])
        for run in _latest(one, other)
        if first.name in run.assignments and second.name in run.assignments
    )
    cells = {f"{a} × {b}": seen[a, b] for a, b in product(first.variants, second.variants)}
    least = max(first.min_samples, second.min_samples)
    sparse = min(cells.values()) < least
    return InteractionCells(file.name, first.name, second.name, cells, least, sparse)


def _latest(one: AuditedState, other: AuditedState) -> Sequence[LedgerRun]:
    both = merged([one.ledger, other.ledger])
    return [same[-1] for same in attempts(both).values()]
