"""Sums of another tool, computed anew: one look, nothing recorded, nothing stated believed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from meta_experiment.decide.analysis import analyze_summaries
from meta_experiment.decide.metrics.sample import Sample, SummarySample
from meta_experiment.decide.quality import ALPHA
from meta_experiment.errors import RefusedError, UsageError, cite
from meta_experiment.model.fields import suggestion
from meta_experiment.model.result_document import to_document
from meta_experiment.services.acting.source_form import input_data, source_result
from meta_experiment.sources.results.result_words import is_control
from meta_experiment.sources.results.source_sums import EventSums, SourceSums
from meta_experiment.sources.results.sums import Counts
from meta_experiment.types import (
    Analysis,
    Assignment,
    Decision,
    Direction,
    Guardrail,
    LiftPrior,
    Metric,
    MetricKind,
    Plan,
    ReasonCode,
    Scale,
    Stopping,
    Unit,
    Variant,
)
from meta_experiment.types.results.source_result import (
    ObservationWindow,
    Recomputation,
    SourceResult,
    StatedDifference,
)

_ALL_DAYS = 3650.0
_ROUNDED = 6e-5  # a figure that is printed with four digits may miss by so much
_FALLS = ("decrease", "lower", "down")
_RISES = ("increase", "higher", "up")
_FIGURES = (
    "n", "conversions", "rate", "mean", "rel_delta", "ci_lower", "ci_upper", "p_win", "p_harm",
    "risk_ctrl", "risk_trt",
)  # fmt: skip


def recompute(
    sums: SourceSums,
    name: str,
    *,
    metric: str | None,
    direction: str | None,
    control: str | None,
    treatments: Sequence[str],
    as_of: float,
) -> Recomputation:
    """Compute what sums come to, by the plan that their record and the flags describe.

    Raises:
        UsageError: a flag names what is not there. RefusedError: record and sums differ.
    """
    notes = list(sums.notes)
    plan = _plan(sums, name, metric, direction, control, treatments, notes)
    summaries = {
        item.name: {event.event: _sample(event.arms[item.name]) for event in sums.events}
        for item in plan.variants
    }
    analysis = analyze_summaries(
        plan,
        summaries,
        experiment_id=str(sums.record.get("slug") or plan.name),
        as_of=as_of,
        started=None,
        once=True,
    )

    def of(variant: str, metric: Metric) -> Sample:
        return summaries[variant][metric.name]

    notes.append(
        "Sums have no order: this is one look, and no evidence that holds at further ones. "
        "Sums of a later look take their place and are never added."
    )
    found = source_result(
        plan,
        _held_to_shares(analysis),
        of,
        digest=None,
        window=ObservationWindow(
            _day(sums.record, "observationStart"), _day(sums.record, "observationEnd")
        ),
    )
    return Recomputation(
        source=name,
        result=found,
        input_data=input_data(plan, of),
        differences=tuple(_differences(sums.stated, found)) if sums.stated else (),
        notes=tuple(notes),
    )


def _held_to_shares(analysis: Analysis) -> Analysis:
    """Decide nothing on arms whose sizes do not fit; at one look the chi-square tells."""
    srm = analysis.checks.srm
    if srm.p_value is None or srm.p_value >= ALPHA:
        return analysis
    counts = ", ".join(f"{name} {count:,}" for name, count in srm.counts.items())
    return replace(
        analysis,
        decision=Decision.EXTEND,
        reason_code=ReasonCode.SAMPLE_RATIO_MISMATCH,
        reason=f"The arms' sizes ({counts}) do not fit the planned shares: something other "
        "than chance decides which units are counted.",
        checks=replace(analysis.checks, srm=replace(srm, ok=False)),
    )


def _plan(
    sums: SourceSums,
    name: str,
    metric: str | None,
    direction: str | None,
    control: str | None,
    treatments: Sequence[str],
    notes: list[str],
) -> Plan:
    record, known = sums.record, {event.event: event for event in sums.events}
    wanted = metric or str(record.get("primaryMetricEvent") or "")
    if wanted and wanted not in known:
        raise UsageError(
            f"{name} has no event {cite(wanted)}; it has {', '.join(known)}.",
            hint=suggestion(wanted, known) or "Name one of them: --metric EVENT",
        )
    if not wanted:
        wanted = next(iter(known))
        if len(known) > 1:
            notes.append(f"{wanted} is taken for the primary metric; another by --metric.")
    listed = _listed(record.get("guardrailEvents"))
    for event in listed:
        if event not in known:
            raise RefusedError(
                f"{name}: the guardrail {cite(event)} has no sums; there are those of "
                f"{', '.join(known)}."
            )
    expected = direction or _expected(record)
    variants = _variants(sums, name, control, treatments)
    weights = record.get("weights")
    if not isinstance(weights, Mapping):
        weights = {}
        notes.append("Equal shares are taken for planned, as none are stated (`weights`).")
    return Plan(
        name=str(record.get("slug") or name),
        hypothesis=str(record.get("hypothesis") or "none is stated"),
        files=(),
        variants=tuple(Variant(item, _weight(weights, item)) for item in variants),
        primary=_metric(known[wanted], expected),
        guardrails=tuple(
            Guardrail(_metric(event, None))
            for event in sums.events
            if event.event != wanted and (event.event in listed or not listed)
        ),
        improvement_threshold=0.0,
        stopping=Stopping.FIXED,
        sample_size=_minimum(record, notes),
        max_duration_days=_ALL_DAYS,
        unit=Unit.USER,
        assignment=Assignment.WEIGHTED,
        prior=_prior(record),
    )


def _weight(weights: Mapping[str, Any], variant: str) -> float:
    value = weights.get(variant, 1.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise RefusedError(
            f"weights: {cite(variant)} is {value!r}, expected a number above zero."
        )
    return float(value)


def _variants(
    sums: SourceSums, name: str, control: str | None, treatments: Sequence[str]
) -> list[str]:
    known = list(sums.events[0].arms)
    first = control or _text(sums.record, "controlVariant")
    others = list(treatments) or _listed(sums.record.get("treatmentVariant"))
    if first is None and others:
        first = next((item for item in known if item not in others), None)
    if first is None:
        likely = [item for item in known if is_control(item)]
        if len(likely) != 1:
            raise UsageError(
                f"{name}: which of {', '.join(known)} is the control?",
                hint=f"Say it: --control {known[0]}",
            )
        first = likely[0]
    wanted = [first, *(others or (item for item in known if item != first))]
    if set(wanted) - set(known) or (not treatments and set(known) - set(wanted)):
        raise RefusedError(
            f"{name} has sums of {', '.join(known)}, and the plan compares "
            f"{', '.join(wanted)}; expected the same variants."
        )
    return wanted


def _metric(event: EventSums, direction: str | None) -> Metric:
    if event.inverse is None:
        towards = Direction(direction) if direction else Direction.HIGHER
    else:
        towards = Direction.LOWER if event.inverse else Direction.HIGHER
    if direction and towards.value != direction:
        raise RefusedError(
            f"{cite(event.event)}: inverse says that {towards.value} is better, and the plan "
            f"that {direction} is; expected one of both."
        )
    counted = all(isinstance(arm, Counts) for arm in event.arms.values())
    kind = MetricKind.PROPORTION if counted else MetricKind.CONTINUOUS
    return Metric(event.event, kind, towards, Scale.RAW)


def _expected(record: Mapping[str, Any]) -> str | None:
    said = (_text(record, "expectedDirection") or "").lower()
    if said.startswith(_FALLS):
        return Direction.LOWER.value
    return Direction.HIGHER.value if said.startswith(_RISES) else None


def _prior(record: Mapping[str, Any]) -> LiftPrior | None:
    if record.get("priorProper") is not True:
        return None
    mean, sd = record.get("priorMean", 0.0), record.get("priorStddev", 0.3)
    if (
        not all(isinstance(x, int | float) and not isinstance(x, bool) for x in (mean, sd))
        or sd <= 0
    ):
        raise RefusedError(
            f"priorMean {mean!r} and priorStddev {sd!r}: expected numbers, the second above "
            "zero."
        )
    return LiftPrior(float(mean), float(sd))


def _minimum(record: Mapping[str, Any], notes: list[str]) -> int:
    least = record.get("minimumSample")
    if isinstance(least, int) and not isinstance(least, bool) and least >= 2:
        return least
    notes.append("No minimum sample is stated; two units per variant are asked for.")
    return 2


def _listed(value: object) -> list[str]:
    """Read a list, a list in a JSON text, or names between commas."""
    if isinstance(value, str) and value.strip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    if isinstance(value, str):
        value = value.split(",")
    return (
        [str(item).strip() for item in value if str(item).strip()]
        if isinstance(value, list)
        else []
    )


def _text(record: Mapping[str, Any], field: str) -> str | None:
    value = record.get(field)
    return str(value).strip() if value is not None and str(value).strip() else None


def _day(record: Mapping[str, Any], field: str) -> float | None:
    try:
        found = datetime.fromisoformat(_text(record, field) or "")
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _sample(arm: Any) -> SummarySample:  # noqa: ANN401 - counts or moments
    if isinstance(arm, Counts):
        return SummarySample.of_counts(arm.successes, arm.n)
    return SummarySample(arm)


def _differences(stated: Mapping[str, Any], found: SourceResult) -> Iterator[StatedDifference]:
    """Yield every figure and word of a stated result that the counts do not give."""
    document = to_document(found)
    yield from _differ("srm", stated.get("srm"), document["srm"], ("chi2_p_value", "ok"))
    if "srm_p_value" in stated:
        yield from _differ(
            "", stated, {"srm_p_value": document["srm"]["chi2_p_value"]}, ("srm_p_value",)
        )
    yield from _differ(
        "P(best)", _stated_chances(stated), document["best"], tuple(document["best"])
    )
    metrics = [("primary_metric", stated.get("primary_metric"), document["primary_metric"])]
    guarded = {item["event"]: item for item in document["guardrails"]}
    for item in stated.get("guardrails") or ():
        if isinstance(item, Mapping):
            event = str(item.get("event"))
            metrics.append((event, item, guarded.get(event)))
    for place, said, own in metrics:
        if not isinstance(said, Mapping) or own is None:
            continue
        yield from _differ(place, said, own, ("verdict",))
        rows = {row["variant"]: row for row in own["rows"]}
        for row in said.get("rows") or ():
            if isinstance(row, Mapping):
                variant = str(row.get("variant"))
                yield from _differ(f"{place}, {variant}", row, rows.get(variant), _FIGURES)


def _stated_chances(stated: Mapping[str, Any]) -> dict[str, object]:
    """Return the chances to be the best that a bandit's result states, in either spelling."""
    older = stated.get("best_arm_probabilities")
    if isinstance(older, Mapping):
        return dict(older)
    sampling = stated.get("thompson_sampling")
    results = sampling.get("results") if isinstance(sampling, Mapping) else None
    rows = results if isinstance(results, list) else []
    return {str(row.get("arm")): row.get("p_best") for row in rows if isinstance(row, Mapping)}


def _differ(
    place: str, said: object, own: object, fields: Sequence[str]
) -> Iterator[StatedDifference]:
    if not isinstance(said, Mapping) or not isinstance(own, Mapping):
        return
    for field in fields:
        if said.get(field) is None:
            continue
        one, other = said[field], own.get(field)
        if not _same(one, other):
            yield StatedDifference(f"{place}, {field}".lstrip(", "), _shown(one), _shown(other))


def _same(one: object, other: object) -> bool:
    if isinstance(one, bool) or isinstance(other, bool) or isinstance(one, str):
        return one == other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= _ROUNDED * max(1.0, abs(other))
    return False


def _shown(value: object) -> str:
    return (
        "none" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    )
