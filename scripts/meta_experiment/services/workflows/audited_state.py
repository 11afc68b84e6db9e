"""What a project knows of one experiment of a workflow: branch, artifacts and own trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from meta_experiment.decide.units import reading
from meta_experiment.errors import MetaExperimentError, NotFoundError
from meta_experiment.model.instants import to_text
from meta_experiment.records import dataclass
from meta_experiment.services.workflows.draw_terms import draw_terms
from meta_experiment.services.workflows.held_experiment import holding
from meta_experiment.services.workflows.workflow_files import WorkflowFile
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Plan, Trial
from meta_experiment.types.workflows import DeclaredExperiment
from meta_experiment.workflows.arm_names import arm_names
from meta_experiment.workflows.joining import CONTAMINATED
from meta_experiment.workflows.outcomes.gathering import gather
from meta_experiment.workflows.state.branches import read_branch, state_branches
from meta_experiment.workflows.state.generations import all_before
from meta_experiment.workflows.state.ledger import LedgerRun, RunLedger
from meta_experiment.workflows.state.tally import Tally, tally
from meta_experiment.workflows.state.union import merged
from meta_experiment.workflows.workflow_names import workflow_id

_MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class AuditedState:
    """One experiment with all that is known of its runs; `names` are those of its plan."""

    declared: DeclaredExperiment
    ledger: RunLedger
    tallied: Tally
    experiment: Experiment | None
    trials: tuple[Trial, ...]
    names: Mapping[str, str]


def workflow_ledger(
    workspace: Workspace, file: WorkflowFile, downloads: Path | None
) -> tuple[RunLedger, list[str]]:
    """Return what a workflow's branch and downloads tell, and what could not be read.

    Raises:
        NotFoundError, StorageError: the folder holds no runs, or cannot be read.
    """
    found, said = [], []
    if workspace.git is not None and file.branch is not None:
        try:
            found.append(read_branch(workspace.git, file.name).ledger)
        except NotFoundError as error:
            is_here = workflow_id(file.name) in state_branches(workspace.git)
            none = f"{file.name} has no branch {file.branch} here."
            said.append(error.message if is_here else none)
        except MetaExperimentError as error:
            said.append(f"{file.branch} was not read: {error.message}")
    if downloads is not None:
        gathered = gather(downloads, file.name)
        ledger = gathered.placed(merged([*found, gathered.ledger]))
    else:
        ledger = merged(found)
    said += [f"Set aside: {bad.sentence}" for bad in ledger.bad[:_MOST_TOLD]]
    if len(ledger.bad) > _MOST_TOLD:
        said.append(f"Set aside: {len(ledger.bad) - _MOST_TOLD:,} more that cannot be read.")
    return ledger, said


def audited_state(
    workspace: Workspace, file: WorkflowFile, declared: DeclaredExperiment, ledger: RunLedger
) -> AuditedState:
    """Join the state of a workflow with the trials that are recorded of one experiment.

    Raises:
        CorruptStoreError, StorageError: these cannot be read.
    """
    names = arm_names(declared.variants)
    dates = draw_terms(workspace, file, declared)
    held = holding(workspace.store.experiments(), file.name, declared)
    trials = tuple(workspace.store.trials(held).trials) if held is not None else ()
    if held is not None and all_before(
        (item.assigned_at for item in trials), declared.variants, dates
    ):
        held, trials = None, ()
    whole = with_recorded(ledger, declared.name, trials, names)
    tallied = tally(whole, declared.name, dates, declared.variants)
    return AuditedState(declared, whole, tallied, held, trials, names)


def measured(plan: Plan, trials: Iterable[Trial]) -> Counter[str]:
    """Count by arm the trials with a value of what decides."""
    read = reading(plan.primary)
    return Counter(
        item.variant for item in trials if item.excluded is None and read(item) is not None
    )


def with_recorded(
    ledger: RunLedger, experiment: str, trials: Iterable[Trial], names: Mapping[str, str]
) -> RunLedger:
    """Add what is on record; a run that has another variant there has two and counts for none.

    Of a run that the state lists the time is the state's, so that it is no attempt of its own.
    """
    called = {name: variant for variant, name in names.items()}
    listed = {run.run_id for run in ledger.runs if experiment in run.assignments}
    own = []
    for item in trials:
        if item.excluded not in (None, CONTAMINATED):
            continue
        at = None if item.unit in listed else item.assigned_at
        variants = {experiment: called.get(item.variant, item.variant)}
        text = None if at is None else to_text(at)
        own.append(LedgerRun(item.unit, variants, text, at))
    return merged([ledger, RunLedger(runs=tuple(own))])
