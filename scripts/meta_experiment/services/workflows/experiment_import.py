"""Runs of a workflow become trials of one of its experiments, which is made where it is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace

from meta_experiment.errors import InvalidStateError, as_word
from meta_experiment.files.interruption import held
from meta_experiment.records import dataclass
from meta_experiment.services.importing.registering import drafted, registered
from meta_experiment.services.serving.reconciliation import GLANCE, reconcile_quietly
from meta_experiment.services.trials_or_sums import require_no_sums
from meta_experiment.services.workflows.audited_state import measured, with_recorded
from meta_experiment.services.workflows.bound_notes import bound_notes
from meta_experiment.services.workflows.draw_terms import draw_terms
from meta_experiment.services.workflows.held_experiment import drawn_alike
from meta_experiment.services.workflows.metric_choice import MetricWishes
from meta_experiment.services.workflows.run_events import RunNews, news_of, trials_after
from meta_experiment.services.workflows.standing import standing
from meta_experiment.services.workflows.workflow_files import WorkflowFile
from meta_experiment.services.workflows.workflow_plan import WorkflowPlan, plan_for
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Status, Trial
from meta_experiment.types.results.workflow_import import (
    VariantRunCount,
    WorkflowExperimentImport,
)
from meta_experiment.types.trial import EARLIER, GATED
from meta_experiment.types.workflows import DeclaredExperiment
from meta_experiment.workflows.arm_names import arm_names
from meta_experiment.workflows.joining import (
    CONTAMINATED,
    JoinedRuns,
    joined,
)
from meta_experiment.workflows.outcomes.gathering import GatheredRuns
from meta_experiment.workflows.state.generations import CurrentGeneration, DrawTerms
from meta_experiment.workflows.state.ledger import RunLedger
from meta_experiment.workflows.state.tally import Tally, notes, some_of, tally

_LONGEST_PATH = 300
_UNTIMED = (
    "is said nowhere: their order is that of their ids, their time that of this import, and "
    "whether they lay within the experiment's dates is not known. Put what the API says beside "
    "each: gh api repos/OWNER/REPO/actions/runs/RUN_ID > FOLDER/RUN_ID/run.json"
)


@dataclass(frozen=True, slots=True)
class WorkflowRuns:
    """The runs of a workflow: what those in the folder `source` left, and the whole state."""

    file: WorkflowFile
    source: str
    found: GatheredRuns
    ledger: RunLedger


@dataclass(frozen=True, slots=True)
class PlanWishes:
    """Wishes of the user over the plan of an experiment; None leaves that to its workflow."""

    control: str | None = None
    metrics: MetricWishes = field(default_factory=MetricWishes)


def import_experiment(
    workspace: Workspace,
    declared: DeclaredExperiment,
    read: WorkflowRuns,
    wishes: PlanWishes,
    *,
    dry_run: bool,
) -> WorkflowExperimentImport:
    """Record the runs of one experiment beyond what is on record of them.

    What is on record and turns out to count for nothing is left out from then on.

    Raises:
        UsageError: a wish makes no sense, or no run measures what decides. InvalidStateError:
            the experiment takes no trials. StorageError, CorruptStoreError: its trials cannot
            be read or written.
    """
    found, ledger = read.found, read.ledger
    dates = draw_terms(workspace, read.file, declared)
    runs = joined(ledger, found.outcomes, declared.name, declared.variants, dates)
    control = wishes.control or declared.control
    if not runs.runs and {GATED, EARLIER} & runs.excluded.keys():
        return _nothing_yet(workspace, declared, read, runs, dates, control, dry_run=dry_run)
    planned = plan_for(
        read.file.name,
        declared,
        _means(runs, control),
        wishes.metrics,
        found.directions,
        wishes.control,
    )
    begun = min((run.at for run in runs.runs if run.at is not None), default=None)
    experiment, created = drafted(workspace, planned.plan, begun)
    if experiment.status in (Status.DRAFT, Status.ARCHIVED):
        raise InvalidStateError(
            f"{experiment.experiment_id} is {experiment.status.value} and takes no trials.",
            hint=f"meta-experiment status {experiment.experiment_id}",
        )
    require_no_sums(workspace, experiment)
    before = () if created else tuple(workspace.store.trials(experiment).trials)
    first = set(runs.of(CONTAMINATED))
    tallied, runs = _with_trials(declared, read, before, planned.variants, dates)
    news = news_of(runs, planned.variants, before, workspace.clock())
    said = [*notes(tallied, declared.variants), *planned.notes]
    said += _told_of_trials(runs, news, before)
    contrary = [run_id for run_id in runs.of(CONTAMINATED) if run_id not in first]
    if contrary:
        said.append(
            "Runs that are on record with another variant than these files name are set aside: "
            f"{some_of(contrary)}."
        )
    said += _told_of_attempts(runs)
    untimed = sum(run.at is None for run in runs.runs)
    if untimed:
        said.append(f"When {untimed:,} of the runs began {_UNTIMED}")
    if not dry_run and (created or news.events):
        said += _recorded(workspace, experiment, news, read.source, created=created)
        if created:
            experiment = drafted(workspace, planned.plan, begun)[0]
    stands = None
    if not (dry_run and created):
        stands, _ = standing(workspace, experiment, tallied, planned.variants)
    trials = trials_after(before, news.events)
    said += bound_notes(declared, trials, planned.variants, wishes.metrics.mapping)
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


def _with_trials(
    declared: DeclaredExperiment,
    read: WorkflowRuns,
    trials: Sequence[Trial],
    names: Mapping[str, str],
    dates: Sequence[DrawTerms],
) -> tuple[Tally, JoinedRuns]:
    """Count and join the runs of the state, with what is on record beside them.

    Of a trial whose run the state no longer lists nothing new is known but its generation: its
    time may be that of an import, and so be later than its own. What is declared and not
    committed rules out no generation, as it may be taken back and an exclusion may not.
    """
    ledger, name = read.ledger, declared.name
    whole = with_recorded(ledger, name, trials, names)
    listed = {run.run_id for run in ledger.runs}
    own = replace(whole, runs=tuple(run for run in whole.runs if run.run_id in listed))
    runs = joined(own, read.found.outcomes, name, declared.variants, dates)
    generation = CurrentGeneration(declared.variants, dates, whole.runs, name)
    earlier = {
        item.unit: EARLIER
        for item in trials
        if item.unit not in listed and not generation.holds(item.assigned_at)
    }
    tallied = tally(whole, name, dates, declared.variants)
    ruled_out = {**runs.ruled_out, **earlier}
    if not all(item.is_committed for item in dates):
        ruled_out = {unit: why for unit, why in ruled_out.items() if why != EARLIER}
    return tallied, replace(runs, ruled_out=ruled_out)


def _told_of_trials(runs: JoinedRuns, news: RunNews, trials: Iterable[Trial]) -> Iterator[str]:
    """Say which trials are without outcome, and which count no longer or perhaps should not."""
    if news.lost:
        yield (
            f"{news.lost:,} runs that left nothing lie between others that did: they are on "
            "record as drawn and lost, so that a variant which loses more is seen. Download "
            "what there is of them, and import again."
        )
    if news.withdrawn:
        total = sum(news.withdrawn.values())
        reasons = ", ".join(f"{number:,} {why}" for why, number in news.withdrawn.items())
        yield f"{total:,} of the runs on record are left out from now on: {reasons}."
    doubtful = {item.unit for item in trials if item.excluded is None} & set(runs.in_doubt)
    if doubtful:
        yield (
            f"{len(doubtful):,} of the runs on record lie outside the oldest dates that are "
            "known here. These may not be those of their time, so that the runs still count: "
            "import where git has the whole history of the workflow (git fetch --unshallow)."
        )


def _told_of_attempts(runs: JoinedRuns) -> Iterator[str]:
    """Say how often runs were made again, which hides how often they had failed."""
    again = Counter(run.variant for run in runs.runs if run.attempt > 1)
    if again:
        counted = ", ".join(f"{number:,} of {name}" for name, number in sorted(again.items()))
        yield (
            f"Runs that were made again: {counted}. What the last attempt came to counts; that "
            "earlier ones failed is in no figure."
        )


def _recorded(
    workspace: Workspace, experiment: Experiment, news: RunNews, source: str, *, created: bool
) -> list[str]:
    """Write down what is new, all or nothing; return what is to be said of it."""
    said = []
    imported = f"imported {news.added} runs and completed {news.completed} from "
    imported += as_word(source, _LONGEST_PATH)
    if news.withdrawn:
        imported += f"; left out {sum(news.withdrawn.values())} that were on record"
    workspace.store.check_events(news.events)
    with held("The trials were imported first."):
        if created:
            experiment = registered(workspace, experiment, news.events)
            said += reconcile_quietly(workspace, within=GLANCE)
        else:
            workspace.store.append(experiment.experiment_id, news.events)
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
    workspace: Workspace,
    declared: DeclaredExperiment,
    read: WorkflowRuns,
    runs: JoinedRuns,
    dates: Sequence[DrawTerms],
    control: str,
    *,
    dry_run: bool,
) -> WorkflowExperimentImport:
    """Say that no run counts yet, and take out what was recorded of them all the same.

    That is taken out of the plan which new runs would be added to, so that it does not matter
    whether they have come.
    """
    variants, said = ", ".join(declared.variants), []
    tallied = tally(read.ledger, declared.name, dates, declared.variants)
    names = arm_names(declared.variants)
    experiment = drawn_alike(workspace.store.experiments(), read.file.name, declared, control)
    if experiment is not None:
        trials = tuple(workspace.store.trials(experiment).trials)
        tallied, runs = _with_trials(declared, read, trials, names, dates)
        news = news_of(runs, names, trials, workspace.clock())
        said = list(_told_of_trials(runs, news, trials))
        if news.events and not dry_run:
            said += _recorded(workspace, experiment, news, read.source, created=False)
    reasons = "; ".join(
        f"{runs.excluded[why]:,} runs were {why}"
        for why in (EARLIER, GATED)
        if why in runs.excluded
    )
    why = (
        f"There is nothing yet of {variants}: {reasons}. Import again when the compiled "
        "workflow has run."
    )
    counts = {
        name: VariantRunCount(0, 0, 0, 0, declared.min_samples) for name in declared.variants
    }
    said = [*notes(tallied, declared.variants), *said]
    return WorkflowExperimentImport(
        declared.name, None, False, declared.control, None, 0, 0, 0, runs.excluded, counts, (),
        None, tuple(said), why,
    )  # fmt: skip
