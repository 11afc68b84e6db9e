"""Runs of a workflow become trials of this pack before their artifacts expire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from meta_experiment.files.interruption import held
from meta_experiment.model.fields import suggestion
from meta_experiment.records import dataclass
from meta_experiment.services.importing.registering import drafted, registered
from meta_experiment.services.serving.reconciliation import GLANCE, reconcile_quietly
from meta_experiment.services.workflows.audited_state import measured, with_recorded
from meta_experiment.services.workflows.bound_notes import bound_notes
from meta_experiment.services.workflows.draw_terms import draw_terms
from meta_experiment.services.workflows.metric_choice import MetricWishes
from meta_experiment.services.workflows.run_downloads import FetchedRuns
from meta_experiment.services.workflows.run_events import RunNews, news_of, trials_after
from meta_experiment.services.workflows.standing import standing
from meta_experiment.services.workflows.workflow_files import (
    WorkflowFile,
    find_workflow,
    read_workflows,
)
from meta_experiment.services.workflows.workflow_plan import WorkflowPlan, plan_for
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Status, Trial
from meta_experiment.types.results.workflow_import import (
    VariantRunCount,
    WorkflowExperimentImport,
    WorkflowImport,
)
from meta_experiment.types.workflows import DeclaredExperiment
from meta_experiment.workflows.joining import JoinedRuns, joined
from meta_experiment.workflows.outcomes.answer_branch import read_answers, with_answers
from meta_experiment.workflows.outcomes.field_places import MARK, field_place
from meta_experiment.workflows.outcomes.gathering import GatheredRuns, gather
from meta_experiment.workflows.state.branches import read_branch
from meta_experiment.workflows.state.ledger import RunLedger
from meta_experiment.workflows.state.tally import Tally, notes, some_of, tally
from meta_experiment.workflows.state.union import merged
from meta_experiment.workflows.workflow_names import workflow_id

_MOST_TOLD = 20
_UNTIMED = (
    "is said nowhere: their order is that of their ids, their time that of this import, and "
    "whether they lay within the experiment's dates is not known. Put what the API says beside "
    "each: gh api repos/OWNER/REPO/actions/runs/RUN_ID > FOLDER/RUN_ID/run.json"
)
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
    experiments = []
    for one in declared:
        try:
            entry = _imported(workspace, file, one, (found, ledger), wishes, request, dry_run)
        except (UsageError, InvalidStateError) as error:
            if request.experiment is not None or len(declared) == 1:
                raise
            entry = _refused(one.name, error)
        experiments.append(entry)
    unsaid = sum(item.status is None and bool(item.metrics) for item in found.outcomes)
    said += [f"{unsaid:,} runs {_UNTOLD_END}."] if unsaid else []
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


def _imported(
    workspace: Workspace,
    file: WorkflowFile,
    declared: DeclaredExperiment,
    read: tuple[GatheredRuns, RunLedger],
    wishes: MetricWishes,
    request: WorkflowImportRequest,
    dry_run: bool,
) -> WorkflowExperimentImport:
    found, ledger = read
    dates = draw_terms(workspace, file, declared)
    tallied = tally(ledger, declared.name, dates, declared.variants)
    runs = joined(ledger, found.outcomes, declared.name, declared.variants, dates)
    if not runs.runs and runs.earlier:
        return _nothing_yet(declared, runs, tallied)
    control = request.control or declared.control
    planned = plan_for(
        file.name, declared, _means(runs, control), wishes, found.directions, request.control
    )
    begun = min((run.at for run in runs.runs if run.at is not None), default=None)
    experiment, created = drafted(workspace, planned.plan, begun)
    if experiment.status in (Status.DRAFT, Status.ARCHIVED):
        raise InvalidStateError(
            f"{experiment.experiment_id} is {experiment.status.value} and takes no trials.",
            hint=f"meta-experiment status {experiment.experiment_id}",
        )
    before = () if created else tuple(workspace.store.trials(experiment).trials)
    whole = with_recorded(ledger, declared.name, before, planned.variants)
    tallied = tally(whole, declared.name, dates, declared.variants)
    listed = {run.run_id for run in ledger.runs}
    whole = replace(whole, runs=tuple(run for run in whole.runs if run.run_id in listed))
    first = set(runs.contaminated)
    runs = joined(whole, found.outcomes, declared.name, declared.variants, dates)
    contrary = [run_id for run_id in runs.contaminated if run_id not in first]
    news = news_of(runs, planned.variants, before, workspace.clock())
    said = [*notes(tallied, declared.variants), *planned.notes]
    if contrary:
        said.append(
            "Runs that are on record with another variant than these files name are set aside: "
            f"{some_of(contrary)}."
        )
    untimed = sum(run.at is None for run in runs.runs)
    if untimed:
        said.append(f"When {untimed:,} of the runs began {_UNTIMED}")
    if not dry_run and (created or news.events):
        workspace.store.check_events(news.events)
        with held("The trials were imported first."):
            said += _recorded(workspace, experiment, news, request.source, created=created)
            if created:
                experiment = drafted(workspace, planned.plan, begun)[0]
    stands = None
    if not (dry_run and created):
        stands, _ = standing(workspace, experiment, tallied, planned.variants)
    trials = trials_after(before, news.events)
    said += bound_notes(declared, trials, planned.variants, wishes.mapping)
    return WorkflowExperimentImport(
        experiment=declared.name,
        experiment_id=None if dry_run and created else experiment.experiment_id,
        created=created and not dry_run,
        control=control,
        primary_metric=planned.plan.primary.name,
        added=news.added,
        completed=news.completed,
        already_recorded=news.already,
        excluded=runs.excluded,
        variants=_variants(planned, tallied, trials),
        unmapped=planned.unmapped,
        standing=stands,
        notes=tuple(dict.fromkeys(said)),
    )


def _recorded(
    workspace: Workspace, experiment: Experiment, news: RunNews, source: str, *, created: bool
) -> list[str]:
    """Write down what is new; return what is to be said of it."""
    said = []
    if created:
        experiment = registered(workspace, experiment, news.events)
        said += reconcile_quietly(workspace, within=GLANCE)
    else:
        workspace.store.append(experiment.experiment_id, news.events)
    imported = f"imported {news.added} runs and completed {news.completed} from {source}"
    workspace.note(experiment, "import", None if created else experiment.status, imported)
    return said


def _means(runs: JoinedRuns, control: str) -> dict[str, float]:
    """Return the mean of every metric in the control, or in all runs where it has none."""
    of_control: dict[str, list[float]] = {}
    of_all: dict[str, list[float]] = {}
    for run in runs.runs:
        for name, value in run.outcome.metrics.items() if run.outcome else ():
            of_all.setdefault(name, []).append(value)
            if run.variant == control:
                of_control.setdefault(name, []).append(value)
    return {
        name: sum(values) / len(values)
        for name, values in ((name, of_control.get(name, of_all[name])) for name in of_all)
    }


def _variants(
    planned: WorkflowPlan, tallied: Tally, trials: tuple[Trial, ...]
) -> Mapping[str, VariantRunCount]:
    plan = planned.plan
    counted = measured(plan, trials)
    found = {}
    for variant, name in planned.variants.items():
        known, values = tallied.variants.get(variant), counted[name]
        numbers = (known.drawn, known.cut_off, known.gated) if known else (0, 0, 0)
        found[variant] = VariantRunCount(*numbers, values, max(0, plan.sample_size - values))
    return found


def _nothing_yet(
    declared: DeclaredExperiment, runs: JoinedRuns, tallied: Tally
) -> WorkflowExperimentImport:
    """Say that a generation has no run yet: all that there are were drawn before it."""
    variants = ", ".join(declared.variants)
    why = (
        f"There is nothing yet of {variants}: {len(runs.earlier):,} runs were drawn when other "
        "variants were declared, or another control. Import again when the compiled workflow "
        "has run."
    )
    counts = {
        name: VariantRunCount(0, 0, 0, 0, declared.min_samples) for name in declared.variants
    }
    said = tuple(notes(tallied, declared.variants))
    return WorkflowExperimentImport(
        declared.name, None, False, declared.control, None, 0, 0, 0, runs.excluded, counts, (),
        None, said, why,
    )  # fmt: skip


def _refused(name: str, error: MetaExperimentError) -> WorkflowExperimentImport:
    return WorkflowExperimentImport(
        name, None, False, None, None, 0, 0, 0, {}, {}, (), None, (), error.message
    )
