"""Observations written down: one or a stream of them, all or none."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from functools import cache
from typing import Any, BinaryIO

from meta_experiment.errors import InvalidStateError, NotFoundError, UsageError, cite
from meta_experiment.files.interruption import held
from meta_experiment.model import fields
from meta_experiment.model.metrics import KNOWN_METRICS
from meta_experiment.records import dataclass
from meta_experiment.services.find import find_in
from meta_experiment.services.trials_or_sums import require_no_sums
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Metric, MetricKind, Plan, Status, TrialStatus
from meta_experiment.types.covariates import DERIVED_COVARIATES, KNOWN_COVARIATES
from meta_experiment.types.results.recording import RecordingResult

_KEYS = {
    "experiment", "variant", "metrics", "covariates", "unit", "trial_id", "status",
    "fingerprint", "at",
}  # fmt: skip
_LONGEST_LINE = 1024 * 1024
_LONGEST_KEY = 512
_MOST_CONFLICTS = 20


@dataclass(frozen=True, slots=True)
class Observation:
    """Outcome of one trial as a caller reports it, checked against its plan."""

    experiment_id: str
    variant: str
    metrics: Mapping[str, float]
    status: TrialStatus = TrialStatus.OK
    unit: str | None = None
    trial_id: str | None = None
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    covariates: Mapping[str, float] = field(default_factory=dict)


def record(workspace: Workspace, documents: Iterable[Mapping[str, Any]]) -> RecordingResult:
    """Check all observations, then write all of them; nothing is written if one is wrong.

    Raises:
        UsageError: an observation has an unknown field, metric or variant, or no number.
        NotFoundError: it names no experiment. InvalidStateError: that one takes no trials.
        RefusedError: sums were collected of it.
    """
    experiments = workspace.store.experiments()
    found = cache(lambda selector: find_in(workspace.store, selector))
    observations = [
        _checked(found, document, f"observation {index + 1}")
        for index, document in enumerate(documents)
    ]
    if not observations:
        raise UsageError(
            "There is nothing to record.",
            hint="Pipe one JSON object a line into record --stdin.",
        )
    taking = {item.experiment_id for item in observations}
    for experiment in experiments:
        if experiment.experiment_id in taking:
            require_no_sums(workspace, experiment)
    with held("The trials were recorded first."):
        trial_ids, known = workspace.store.record(observations, workspace.clock())
    named: dict[str, set[str]] = {}
    for item in observations:
        if item.trial_id is not None:
            named.setdefault(item.experiment_id, set()).add(item.trial_id)
    conflicts = [
        conflict.sentence
        for experiment in experiments
        if experiment.experiment_id in named
        for conflict in workspace.store.conflicts(experiment, named[experiment.experiment_id])
    ]
    told = zip((item.experiment_id for item in observations), trial_ids, strict=True)
    listed = conflicts[:_MOST_CONFLICTS]
    if len(conflicts) > len(listed):
        listed.append(f"{len(conflicts) - len(listed):,} more")
    return RecordingResult(len(set(told)), tuple(trial_ids), tuple(listed), len(known))


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """Read the lines of a stream; of one that is too long no more than shows that it is."""
    return iter(lambda: stream.readline(_LONGEST_LINE + 1), b"")


def parse_lines(lines: Iterable[bytes]) -> list[Mapping[str, Any]]:
    """Read JSON lines; blank ones are skipped.

    Raises:
        UsageError: names the line that is not a JSON object.
    """
    documents: list[Mapping[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        if len(line) > _LONGEST_LINE:
            raise UsageError(f"Line {number} is longer than 1 MB; nothing was recorded.")
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(
                f"Line {number} is not valid JSON ({error}); nothing was recorded."
            ) from error
        documents.append(fields.mapping(value, f"line {number}"))
    return documents


def _checked(
    found: Callable[[str], Experiment], document: Mapping[str, Any], where: str
) -> Observation:
    fields.known_keys(document, _KEYS, where)
    experiment = found(fields.text(document, "experiment", where))
    if experiment.status in (Status.DRAFT, Status.ARCHIVED):
        raise InvalidStateError(
            f"{experiment.experiment_id} is {experiment.status.value} and takes no trials.",
            hint=f"Start it first: meta-experiment start {experiment.experiment_id}",
        )
    status = fields.word(document, "status", where, TrialStatus, TrialStatus.OK)
    metrics = checked_metrics(experiment.plan, document.get("metrics"), where)
    if not metrics and status is TrialStatus.OK:
        raise UsageError(
            f"{where}: no metric is given.",
            hint=f"Add --metric {experiment.plan.primary.name}=VALUE",
        )
    fingerprint = fields.mapping(document.get("fingerprint") or {}, f"{where}.fingerprint")
    return Observation(
        experiment_id=experiment.experiment_id,
        variant=_variant(experiment, fields.text(document, "variant", where)),
        metrics=metrics,
        status=status,
        unit=_key(document, "unit", where),
        trial_id=_key(document, "trial_id", where),
        fingerprint={
            name: fields.text(fingerprint, name, f"{where}.fingerprint")[:_LONGEST_KEY]
            for name in fingerprint
        },
        covariates=_covariates(experiment.plan, document.get("covariates"), where),
    )


def _variant(experiment: Experiment, name: str) -> str:
    names = [item.name for item in experiment.plan.variants]
    if name not in names:
        raise NotFoundError(
            f"{experiment.experiment_id} has no variant {cite(name)}; it has "
            f"{', '.join(names)}.",
            hint=fields.suggestion(name, names),
        )
    return name


def checked_metrics(plan: Plan, value: object, where: str) -> dict[str, float]:
    """Return metrics as numbers that the plan can use.

    Raises:
        UsageError: names a metric nobody knows, or a value that is no measurement.
    """
    values = fields.mapping(value or {}, f"{where}.metrics")
    known = _planned(plan)
    checked = {}
    for name in values:
        metric = known.get(name)
        if metric is None:
            raise UsageError(
                f"{where}: the metric {cite(name)} is neither in the plan nor a known one.",
                hint=fields.suggestion(name, known)
                or f"In the plan: {', '.join(_planned(plan))}.",
            )
        checked[name] = _value(metric, values[name], f"{where}.metrics.{name}")
    return checked


def _covariates(plan: Plan, value: object, where: str) -> dict[str, float]:
    """Return covariates as numbers; `plan` says by which names they can be of use."""
    values = fields.mapping(value or {}, f"{where}.covariates")
    named = dict.fromkeys((*KNOWN_COVARIATES, *plan.covariates))
    known = [name for name in named if name not in DERIVED_COVARIATES]
    for name in values:
        if name not in known:
            raise UsageError(
                f"{where}: the covariate {cite(name)} is neither in the plan nor a known one.",
                hint=fields.suggestion(name, known) or f"It may be: {', '.join(known)}.",
            )
    return {name: fields.number(values, name, f"{where}.covariates") for name in values}


def _planned(plan: Plan) -> dict[str, Metric]:
    return KNOWN_METRICS | {
        metric.name: metric for metric in plan.metrics if metric.is_recorded
    }


def _value(metric: Metric, value: object, where: str) -> float:
    if isinstance(value, bool) and metric.kind is MetricKind.PROPORTION:
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{where}: expected a number, found {value!r}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise UsageError(
            f"{where}: {value} is no measurement.",
            hint="Leave out a metric that was not measured; missing is not zero.",
        )
    if metric.kind is MetricKind.PROPORTION and number not in (0.0, 1.0):
        raise UsageError(f"{where}: a proportion is 0 or 1 for each trial, found {number:g}.")
    if metric.kind is MetricKind.PREFERENCE and not 0.0 <= number <= 1.0:
        raise UsageError(f"{where}: a preference is between 0 and 1, found {number:g}.")
    if number < 0 and (metric.kind is MetricKind.COUNT or metric.name in KNOWN_METRICS):
        raise UsageError(f"{where}: {metric.name} cannot be negative, found {number:g}.")
    return number


def _key(document: Mapping[str, Any], name: str, where: str) -> str | None:
    if document.get(name) is None:
        return None
    text = fields.text(document, name, where)
    if len(text) > _LONGEST_KEY:
        raise UsageError(f"{where}.{name}: longer than {_LONGEST_KEY} characters.")
    return text
