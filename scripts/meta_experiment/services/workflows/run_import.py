"""Runs of a workflow become trials of this pack before their artifacts expire."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import field, replace
from pathlib import Path

from meta_experiment.errors import (
    InvalidStateError,
    MetaExperimentError,
    NotFoundError,
    RefusedError,
    UsageError,
    cite,
)
from meta_experiment.model.fields import suggestion
from meta_experiment.records import dataclass
from meta_experiment.services.workflows.experiment_import import (
    PlanWishes,
    WorkflowRuns,
    import_experiment,
)
from meta_experiment.services.workflows.metric_choice import MetricWishes
from meta_experiment.services.workflows.run_downloads import FetchedRuns
from meta_experiment.services.workflows.workflow_files import (
    WorkflowFile,
    find_workflow,
    read_workflows,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.workflow_import import (
    WorkflowExperimentImport,
    WorkflowImport,
)
from meta_experiment.types.workflows import DeclaredExperiment
from meta_experiment.workflows.outcomes.answer_branch import read_answers, with_answers
from meta_experiment.workflows.outcomes.field_places import MARK, field_place
from meta_experiment.workflows.outcomes.gathering import GatheredRuns, gather
from meta_experiment.workflows.state.branches import read_branch
from meta_experiment.workflows.state.ledger import RunLedger
from meta_experiment.workflows.state.tally import some_of
from meta_experiment.workflows.state.union import merged
from meta_experiment.workflows.workflow_names import workflow_id

_MOST_TOLD = 20
_MOST_TITLES = 3
_UNTOLD_END = "that say nothing of how they ended are taken to have ended well"


@dataclass(frozen=True, slots=True)
class WorkflowImportRequest:
    """Request of the user: a workflow, a folder of downloads, and wishes."""

    workflow: str
    source: str
    experiment: str | None = None
    control: str | None = None
    wishes: MetricWishes = field(default_factory=MetricWishes)


def import_workflow(
    workspace: Workspace,
    request: WorkflowImportRequest,
    directory: Path,
    *,
    dry_run: bool,
    fetch: Callable[[str, Path], FetchedRuns] | None = None,
) -> WorkflowImport:
    """Record the runs in a folder of downloads as trials of the experiments of their workflow.

    The same runs again add nothing; a later attempt takes the place of an earlier one. `fetch`
    brings the runs of a workflow, by its name, into the folder first.

    Raises:
        NotFoundError: there is no such workflow, experiment or folder. UsageError: a wish makes
            no sense. RefusedError: no run can be told to be of the workflow. StorageError: the
            folder cannot be read.
    """
    file = find_workflow(workspace.root, directory, request.workflow)
    declared = _declared(file, request.experiment)
    mapping = request.wishes.mapping or {}
    places = {name: field_place(at) for name, at in mapping.items() if MARK in at}
    wishes = replace(
        request.wishes,
        mapping={name: name if name in places else at for name, at in mapping.items()},
    )
    folder = directory / request.source
    fetched = [] if fetch is None else list(fetch(file.name, folder).notes)
    found = _own(workspace, file, gather(folder, file.name, places))
    ledger, said = _with_branch(workspace, file, found.ledger)
    ledger = found.placed(ledger)
    found = _answered(workspace, file, found, said)
    read = WorkflowRuns(file, request.source, found, ledger)
    wanted = PlanWishes(request.control, wishes)
    experiments = []
    for one in declared:
        try:
            entry = import_experiment(workspace, one, read, wanted, dry_run=dry_run)
        except (UsageError, InvalidStateError) as error:
            if request.experiment is not None or len(declared) == 1:
                raise
            entry = _refused(one.name, error)
        experiments.append(entry)
    unsaid = sum(item.status is None and bool(item.metrics) for item in found.outcomes)
    said += [f"{unsaid:,} runs {_UNTOLD_END}."] if unsaid else []
    said += _called_otherwise(file, found)
    return WorkflowImport(
        workflow=file.name,
        file=file.path,
        source=request.source,
        dry_run=dry_run,
        runs=len(found.outcomes),
        others=found.others,
        empty=len(found.empty),
        refused=dict(list(found.refused.items())[:_MOST_TOLD]),
        set_aside=tuple(item.sentence for item in ledger.bad[:_MOST_TOLD]),
        left_out={
            f"{why} ({some_of(names)})": len(names)
            for why, names in list(found.left_out.items())[:_MOST_TOLD]
        },
        experiments=tuple(experiments),
        notes=(*fetched, *said),
    )


def _declared(file: WorkflowFile, experiment: str | None) -> tuple[DeclaredExperiment, ...]:
    declared = file.specification.experiments
    if not declared:
        raise NotFoundError(
            f"{file.path} declares no experiment that can be read.",
            hint=f"meta-experiment workflows show {file.name}",
        )
    if experiment is None:
        return declared
    names = [item.name for item in declared]
    if experiment not in names:
        raise NotFoundError(
            f"{file.path} declares no {cite(experiment)}; it has {', '.join(names)}.",
            hint=suggestion(experiment, names),
        )
    return tuple(item for item in declared if item.name == experiment)


def _own(workspace: Workspace, file: WorkflowFile, found: GatheredRuns) -> GatheredRuns:
    """Refuse runs that may as well be of another workflow, whose state has the same name."""
    twins = [
        item.name
        for item in read_workflows(workspace.root)
        if item.name != file.name and workflow_id(item.name) == workflow_id(file.name)
    ]
    untold = [item for item in found.outcomes if item.workflow is None]
    if twins and untold:
        raise RefusedError(
            f"{file.name} and {', '.join(twins)} keep their state under one name, "
            f"{workflow_id(file.name)}, and {len(untold):,} runs do not say whose they are.",
            hint="Put what the API says of each run beside it as run.json, or rename one: "
            "gh api repos/OWNER/REPO/actions/runs/RUN_ID > FOLDER/RUN_ID/run.json",
        )
    if not found.outcomes:
        others = f"; {found.others:,} are of others" if found.others else ""
        refused = "".join(f"; {name}: {why}" for name, why in list(found.refused.items())[:3])
        raise RefusedError(
            f"No run of {file.name} with anything to read was found{others}{refused}.",
            hint="Download its artifacts: gh run download RUN_ID --dir FOLDER/RUN_ID",
        )
    return found


def _called_otherwise(file: WorkflowFile, found: GatheredRuns) -> Iterator[str]:
    """Name what runs call their workflow, where nothing else says whose they are.

    It may have been renamed since, so that they count.
    """
    title = file.document.title
    others = Counter(
        item.title
        for item in found.outcomes
        if item.workflow is None and item.title and item.title != title
    )
    for other, number in others.most_common(_MOST_TITLES) if title else ():
        yield (
            f"{number:,} runs call their workflow {cite(other)}, and {file.path} is called "
            f"{cite(title)}: look whether they are of it. They count."
        )


def _with_branch(
    workspace: Workspace, file: WorkflowFile, ledger: RunLedger
) -> tuple[RunLedger, list[str]]:
    """Add what the workflow's branch holds, where it can be read."""
    if workspace.git is None or file.branch is None:
        return ledger, []
    try:
        return merged([ledger, read_branch(workspace.git, file.name).ledger]), []
    except NotFoundError:
        return ledger, []
    except MetaExperimentError as error:
        return ledger, [f"{file.branch} was not read: {error.message}"]


def _answered(
    workspace: Workspace, file: WorkflowFile, found: GatheredRuns, said: list[str]
) -> GatheredRuns:
    """Add what the branch of answers knows of the runs, where it can be read."""
    if workspace.git is None or not file.specification.evals:
        return found
    try:
        answered = read_answers(workspace.git, file.name)
    except MetaExperimentError as error:
        said.append(f"The answers to evals on their branch were not read: {error.message}")
        return found
    return replace(found, outcomes=with_answers(found.outcomes, answered))


def _refused(name: str, error: MetaExperimentError) -> WorkflowExperimentImport:
    return WorkflowExperimentImport(
        name, None, False, None, None, 0, 0, 0, {}, {}, (), None, (), error.message
    )
