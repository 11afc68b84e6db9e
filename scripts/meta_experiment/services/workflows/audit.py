"""Audit of the experiments of workflows: what draws, what it lacks, and how runs ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from meta_experiment.errors import (
    MetaExperimentError,
    NotFoundError,
    UsageError,
    cite,
)
from meta_experiment.model.fields import suggestion
from meta_experiment.model.instants import day
from meta_experiment.services.workflows.audited_state import (
    AuditedState,
    audited_state,
    measured,
    workflow_ledger,
)
from meta_experiment.services.workflows.bound_notes import bound_notes
from meta_experiment.services.workflows.standing import standing
from meta_experiment.services.workflows.workflow_files import (
    WorkflowFile,
    find_workflow,
    read_workflows,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Decision, Trial, TrialStatus
from meta_experiment.types.results.workflow_audit import (
    AuditedExperiment,
    AuditedRun,
    AuditStatus,
    ExperimentRuns,
    VariantFailures,
    WorkflowAudit,
)
from meta_experiment.types.results.workflow_import import (
    ExperimentStanding,
    VariantRunCount,
)
from meta_experiment.types.workflows import DeclaredExperiment
from meta_experiment.workflows.state.branches import state_branches
from meta_experiment.workflows.state.tally import notes
from meta_experiment.workflows.workflow_names import BRANCHES, workflow_id

_MOST_FAILED = 10
_FAILED = (TrialStatus.ERROR, TrialStatus.TIMEOUT)


def audit(
    workspace: Workspace,
    directory: Path,
    workflow: str | None,
    *,
    selected: str | None = None,
    variant: str | None = None,
    downloads: str | None = None,
    limit: int = 20,
) -> WorkflowAudit:
    """Look at every experiment of a project's workflows, or of one of them.

    Args:
        workspace: the project.
        directory: from where paths are meant.
        workflow: its file or name; None for all.
        selected: `WORKFLOW/EXPERIMENT` whose runs are shown, or the experiment alone beside
            `workflow`.
        variant: of these runs.
        downloads: a folder of runs that are looked at besides what is recorded.
        limit: how many runs are shown.

    Raises:
        NotFoundError: no such workflow, experiment or variant. UsageError: a variant of no
            experiment. UnsafePathError, StorageError: something cannot be read.
    """
    if variant is not None and selected is None:
        raise UsageError(
            f"--variant {cite(variant)}: of which experiment? Expected --experiment beside it.",
            hint="For example: --experiment daily-report/tone --variant warm",
        )
    of_workflow, slash, name = (selected or "").rpartition("/")
    wanted = workflow or of_workflow or None
    if workflow and slash and workflow_id(workflow) != workflow_id(of_workflow):
        raise UsageError(f"--experiment {cite(selected)} is not of {cite(workflow)}.")
    everything = list(read_workflows(workspace.root))
    files = [find_workflow(workspace.root, directory, wanted)] if wanted else everything
    found, said, states = [], [], dict[tuple[str, str], AuditedState]()
    for file in files:
        if not file.specification.experiments:
            continue
        folder = None if downloads is None else directory / downloads
        ledger, problems = workflow_ledger(workspace, file, folder)
        said += problems
        for declared in file.specification.experiments:
            try:
                state = audited_state(workspace, file, declared, ledger)
                found.append(_audited(workspace, file, state))
                states[file.name, declared.name] = state
            except MetaExperimentError as error:
                found.append(_unread(file, declared, error))
    chosen = None
    if selected is not None:
        chosen = _selected(states, name, variant, limit)
    return WorkflowAudit(
        tuple(found), chosen, _orphans(workspace, everything), _shared(everything), tuple(said)
    )


def _audited(
    workspace: Workspace, file: WorkflowFile, state: AuditedState
) -> AuditedExperiment:
    held, stands = state.experiment, None
    if held is not None:
        stands, _ = standing(workspace, held, state.tallied, state.names)
    return AuditedExperiment(
        workflow=file.name,
        experiment=state.declared.name,
        status=_status(state, stands, day(workspace.clock())),
        since=state.tallied.first,
        variants=_variants(state),
        experiment_id=None if held is None else held.experiment_id,
        standing=stands,
        notes=(
            *notes(state.tallied, state.declared.variants),
            *bound_notes(state.declared, state.trials, state.names),
        ),
    )


def _status(state: AuditedState, stands: ExperimentStanding | None, today: str) -> AuditStatus:
    declared = state.declared
    if declared.start_date is not None and today < declared.start_date:
        return AuditStatus.NOT_STARTED
    if stands is not None and stands.decision is not Decision.EXTEND:
        return AuditStatus.DECIDED
    if declared.end_date is not None and declared.end_date < today:
        return AuditStatus.OVER
    if stands is None:
        return AuditStatus.UNMEASURED
    lacking = any(one.needed for one in _variants(state).values())
    return AuditStatus.COLLECTING if lacking else AuditStatus.UNDECIDED


def _variants(state: AuditedState) -> dict[str, VariantRunCount]:
    """Count the runs of every declared variant, and of those that earlier runs had."""
    least = state.declared.min_samples
    held = state.experiment
    counted = Counter[str]() if held is None else measured(held.plan, state.trials)
    order = dict.fromkeys([*state.declared.variants, *state.tallied.variants])
    found = {}
    for variant in order:
        known, values = (
            state.tallied.variants.get(variant),
            counted[state.names.get(variant, "")],
        )
        needed = max(0, least - values) if variant in state.declared.variants else 0
        numbers = (known.drawn, known.cut_off, known.gated) if known else (0, 0, 0)
        found[variant] = VariantRunCount(*numbers, values, needed)
    return found


def _unread(
    file: WorkflowFile, declared: DeclaredExperiment, error: MetaExperimentError
) -> AuditedExperiment:
    return AuditedExperiment(
        file.name,
        declared.name,
        AuditStatus.UNMEASURED,
        None,
        {},
        None,
        None,
        (),
        error.message,
    )


def _selected(
    states: Mapping[tuple[str, str], AuditedState], name: str, variant: str | None, limit: int
) -> ExperimentRuns:
    same = [(key, state) for key, state in states.items() if key[1] == name]
    if not same:
        known = [f"{workflow}/{experiment}" for workflow, experiment in states]
        raise NotFoundError(
            f"There is no experiment {cite(name)} in these workflows.",
            hint=suggestion(name, known) or f"There are: {', '.join(known) or 'none'}",
        )
    if len(same) > 1:
        raise UsageError(
            f"Several workflows have an experiment {cite(name)}.",
            hint=f"Say which: --experiment {same[0][0][0]}/{name}",
        )
    ((workflow, experiment), state) = same[0]
    runs = _runs(state)
    variants = dict.fromkeys([*state.declared.variants, *(run.variant for run in runs)])
    if variant is not None and variant not in variants:
        raise NotFoundError(
            f"{workflow}/{experiment} has no variant {cite(variant)}; it has "
            f"{', '.join(variants)}.",
            hint=suggestion(variant, variants),
        )
    shown = [run for run in runs if variant in (None, run.variant)]
    return ExperimentRuns(
        workflow,
        experiment,
        variant,
        len(shown),
        tuple(shown[-limit:]),
        {one: _failures([run for run in runs if run.variant == one]) for one in variants},
    )


def _runs(state: AuditedState) -> list[AuditedRun]:
    """Return every run that is recorded or listed, in the order of time."""
    called = {name: variant for variant, name in state.names.items()}
    recorded: dict[str, Trial] = {item.unit: item for item in state.trials}
    found = [
        AuditedRun(
            item.unit,
            called.get(item.variant, item.variant),
            item.assigned_at,
            item.status,
            item.fingerprint.get("model"),
            item.metrics,
            item.excluded,
        )
        for item in state.trials
    ]
    found += [
        AuditedRun(
            run.run_id, run.assignments[state.declared.name], run.at, None, None, {}, None
        )
        for run in state.ledger.runs
        if run.run_id not in recorded and state.declared.name in run.assignments
    ]
    return sorted(found, key=lambda run: (run.at or 0.0, run.run_id))


def _failures(runs: Sequence[AuditedRun]) -> VariantFailures:
    ended = Counter(run.status for run in runs if run.excluded is None)
    failed = [run.run_id for run in runs if run.excluded is None and run.status in _FAILED]
    errors = sum(ended[status] for status in _FAILED)
    known = ended[TrialStatus.OK] + errors
    return VariantFailures(
        runs=sum(ended.values()),
        ok=ended[TrialStatus.OK],
        error=ended[TrialStatus.ERROR],
        timeout=ended[TrialStatus.TIMEOUT],
        interrupted=ended[TrialStatus.INTERRUPTED],
        unknown=ended[None],
        rate=errors / known if known else None,
        failed=tuple(failed[::-1][:_MOST_FAILED]),
    )


def _orphans(workspace: Workspace, files: Iterable[WorkflowFile]) -> tuple[str, ...]:
    known = {workflow_id(item.name) for item in files}
    try:
        branches = state_branches(workspace.git) if workspace.git is not None else {}
    except MetaExperimentError:
        return ()
    return tuple(BRANCHES + name for name in sorted(branches) if name not in known)


def _shared(files: Iterable[WorkflowFile]) -> tuple[str, ...]:
    """Say which workflows keep their state under one name."""
    by_id: dict[str, list[str]] = {}
    for item in files:
        if item.specification.experiments:
            by_id.setdefault(workflow_id(item.name), []).append(item.name)
    return tuple(
        f"{' and '.join(names)} keep their state under one name, {known}."
        for known, names in by_id.items()
        if len(names) > 1
    )
