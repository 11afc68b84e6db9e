"""Results that were measured elsewhere become the trials of an experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from meta_experiment.decide.case_limits import limits_of
from meta_experiment.errors import as_word
from meta_experiment.files.headway import part, steps, tell
from meta_experiment.files.interruption import held
from meta_experiment.records import dataclass
from meta_experiment.services.find import find_in
from meta_experiment.services.importing.import_plan import ImportOverrides, fitted, plan_of
from meta_experiment.services.importing.registering import drafted, registered
from meta_experiment.services.serving.reconciliation import GLANCE, reconcile_quietly
from meta_experiment.services.trials_or_sums import require_no_sums
from meta_experiment.services.workspace import Workspace
from meta_experiment.sources.results.combine import (
    CombinedSources,
    IdentifiedRun,
    LabelledSource,
    combine,
)
from meta_experiment.sources.results.reading import read_source
from meta_experiment.sources.results.run_identity import telling, unit_name
from meta_experiment.sources.results.run_table import RowOptions
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import Plan, Trial
from meta_experiment.types.results.import_result import ArmRead, ImportResult

_LONGEST_PATH = 300
_NO_PRIMARY = "without a value of the primary metric"


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Request of the user; `paths` are `PATH` or `NAME=PATH[:ARM]`, as typed."""

    paths: tuple[str, ...]
    reading: RowOptions = field(default_factory=RowOptions)
    control: str | None = None
    treatments: tuple[str, ...] = ()
    into: str | None = None
    overrides: ImportOverrides = field(default_factory=ImportOverrides)


def import_results(
    workspace: Workspace, request: ImportRequest, directory: Path, *, dry_run: bool
) -> ImportResult:
    """Read sources and record their runs, in a new experiment or in one that exists.

    The same results imported again add nothing.

    Raises:
        UsageError: a source, an arm or a metric is not what it should be. RefusedError: the
            sources hold no two arms of trials. NotFoundError, StorageError: a source cannot
            be read. InvalidStateError: the experiment takes no trials.
    """
    with part(0.0, 0.6):
        sources = [
            _source(path, directory, request.reading)
            for path in steps(request.paths, "reading results")
        ]
    tell("telling runs apart", 0.6, 1.0)
    combined = combine(sources, control=request.control, treatments=request.treatments)
    notes = list(combined.notes)
    covariates = tuple(request.reading.covariates)
    created = False
    if request.into is None:
        plan = plan_of(combined, request.overrides, covariates, notes)
        begun = min((item.at for item in combined.runs if item.at is not None), default=None)
        experiment, created = drafted(workspace, plan, begun)
    else:
        experiment = find_in(workspace.store, request.into)
        require_no_sums(workspace, experiment)
        combined = fitted(experiment, combined, request.overrides, covariates, notes)
    earlier = () if created else tuple(workspace.store.trials(experiment).trials)
    present = {trial.trial_id: trial for trial in earlier}
    fresh = [item for item in combined.runs if item.trial_id not in present]
    news = [*fresh, *_completions(combined.runs, present, notes)]
    _note_lookalikes(fresh, earlier, notes)
    if not dry_run and (created or news):
        now = workspace.clock()
        events = [_event(item, item.at or now) for item in news]
        workspace.store.check_events(events)
        with held("The trials were imported first."):
            if created:
                experiment = registered(workspace, experiment, events)
                # hides from git what is private
                notes += reconcile_quietly(workspace, within=GLANCE)
            else:
                workspace.store.append(experiment.experiment_id, events)
            files = ", ".join(as_word(name, _LONGEST_PATH) for name in combined.names)
            imported = f"imported {len(events)} trials from {files}"
            before = None if created else experiment.status
            workspace.note(experiment, "import", before, imported)
    plan = experiment.plan
    after = [*earlier, *(_trial(item, order) for order, item in enumerate(fresh))]
    excluded = dict(combined.excluded)
    unmeasured = sum(not _has_primary(item, plan) for item in combined.runs)
    if unmeasured:
        excluded[f"{_NO_PRIMARY} ({plan.primary.name})"] = unmeasured
    tell("comparing cases", 0.8, 1.0)
    limits = limits_of(plan, after)
    tell("comparing cases", 1.0, 1.0)
    return ImportResult(
        experiment_id=None if dry_run and created else experiment.experiment_id,
        created=created and not dry_run,
        dry_run=dry_run,
        status=experiment.status,
        kind=combined.kind,
        sources=combined.names,
        control=plan.control.name,
        treatments=tuple(item.name for item in plan.treatments),
        primary_metric=plan.primary.name,
        metrics=combined.metrics,
        unit=plan.unit.value,
        arms={item.name: _arm(combined, item.name, plan) for item in plan.variants},
        paired_cases=_paired(combined),
        added=len(fresh),
        already_recorded=len(combined.runs) - len(fresh),
        excluded=excluded,
        notes=(*dict.fromkeys(notes), *limits),
        reach=limits,
        experiment=experiment,
    )


def _source(named: str, directory: Path, options: RowOptions) -> LabelledSource:
    """Read `PATH`, `NAME=PATH` or `NAME=PATH:ARM`, the first of them that exists."""
    label, separator, rest = named.partition("=")
    path, colon, arm = rest.rpartition(":")
    if separator and label and not (directory / named).exists():
        if colon and not (directory / rest).exists():
            return LabelledSource(read_source(directory / path, path, options), label, arm)
        one_arm = replace(options, one_arm=True)
        return LabelledSource(read_source(directory / rest, rest, one_arm), label)
    return LabelledSource(read_source(directory / named, named, options))


def _note_lookalikes(
    fresh: Sequence[IdentifiedRun], before: Sequence[Trial], notes: list[str]
) -> None:
    """Say when runs that carry only a grade look like ones that were recorded before."""
    seen = {(item.variant, item.unit, *sorted(item.metrics.items())) for item in before}
    alike = sum(
        (item.variant, _unit(item), *sorted(item.run.metrics.items())) in seen
        for item in fresh
        if not telling(item.run)
    )
    if alike:
        notes.append(
            f"{alike} of the added runs carry the same case and grade as runs recorded before "
            "from another file, and no time or cost to tell them apart: if they are the same "
            "runs, they now count twice."
        )


def _completions(
    runs: Sequence[IdentifiedRun], present: Mapping[str, Trial], notes: list[str]
) -> list[IdentifiedRun]:
    """Return the metrics that runs recorded before lack; of two values the first stays."""
    more, disagree = [], 0
    for item in runs:
        trial = present.get(item.trial_id)
        if trial is None:
            continue
        metrics = item.run.metrics
        missing = {name: metrics[name] for name in metrics if name not in trial.metrics}
        if missing:
            more.append(replace(item, run=replace(item.run, metrics=missing)))
        disagree += any(
            trial.metrics.get(name, metrics[name]) != metrics[name] for name in metrics
        )
    if disagree:
        notes.append(
            f"{disagree} runs were recorded before with other values; the first values stand."
        )
    return more


def _event(item: IdentifiedRun, at: float) -> TrialEvent:
    run = item.run
    return TrialEvent(
        kind=EventKind.RECORDED,
        at=at,
        trial_id=item.trial_id,
        variant=item.variant,
        unit=_unit(item),
        status=run.status,
        metrics=run.metrics,
        fingerprint=run.fingerprint,
        covariates=run.covariates,
    )


def _unit(item: IdentifiedRun) -> str:
    return unit_name(item.run, item.trial_id)


def _trial(item: IdentifiedRun, order: int) -> Trial:
    run = item.run
    return Trial(
        trial_id=item.trial_id,
        variant=item.variant,
        unit=_unit(item),
        order=order,
        status=run.status,
        metrics=run.metrics,
        fingerprint=run.fingerprint,
        covariates=run.covariates,
    )


def _arm(combined: CombinedSources, name: str, plan: Plan) -> ArmRead:
    runs = [item for item in combined.runs if item.variant == name]
    return ArmRead(
        name,
        len({_unit(item) for item in runs}),
        len(runs),
        sum(_has_primary(item, plan) for item in runs),
    )


def _has_primary(item: IdentifiedRun, plan: Plan) -> bool:
    return all(name in item.run.metrics for name in plan.primary.recorded)


def _paired(combined: CombinedSources) -> int:
    cases = [
        {_unit(item) for item in combined.runs if item.variant == name}
        for name in combined.variants
    ]
    return len(set.intersection(*cases)) if combined.has_cases else 0
