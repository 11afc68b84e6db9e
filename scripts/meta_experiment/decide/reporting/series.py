"""The evidence over the looks, and the interval beside it: what a band is drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meta_experiment.decide.basis import Basis
from meta_experiment.decide.compare import estimate
from meta_experiment.decide.primary import alpha_left, corrected, weigh_arms
from meta_experiment.decide.reporting.looks import Pair, PastLook, past_looks
from meta_experiment.decide.scale import Bound
from meta_experiment.errors import DegenerateDataError
from meta_experiment.types.results.report import EvidencePoint, EvidenceSeries


def series(basis: Basis, looks: Iterable[PastLook] | None = None) -> tuple[EvidenceSeries, ...]:
    """Weigh each treatment at the looks, as units closed; the last is that of the analysis.

    An end of the band passes what the plan claims exactly when the evidence reaches the bar.
    """
    points: dict[str, list[EvidencePoint]] = {item.name: [] for item in basis.plan.treatments}
    passed = dict.fromkeys(points, 0)  # looks that there were with a unit of both arms
    looks = past_looks(basis.plan, basis.samples) if looks is None else looks
    for taken, look in enumerate(looks, 1):
        for name, point in _points(basis, look):
            points[name].append(point)
            passed[name] = look.of - (taken - len(points[name]))
    bar = basis.rule.bar(basis.plan.alpha, 1)
    return tuple(
        EvidenceSeries(name, bar, *_enough(known, bar), passed[name], tuple(known))
        for name, known in points.items()
    )


def _points(basis: Basis, look: PastLook) -> list[tuple[str, EvidencePoint]]:
    plan, rule = basis.plan, basis.rule
    pairs = {name: pair for name, pair in look.pairs.items() if min(map(len, pair)) > 0}
    weights = weigh_arms(plan, rule, pairs)
    together = corrected(rule, weights)
    found = []
    for name, (control, treatment) in pairs.items():
        left = alpha_left(plan, rule, weights, name)
        low, high = _interval(basis, pairs[name], left)
        try:
            effect = estimate(plan, plan.primary, control, treatment).relative
        except DegenerateDataError:
            effect = None
        smaller = min(len(control), len(treatment))
        found.append(
            (
                name,
                EvidencePoint(
                    control_units=len(control),
                    treatment_units=len(treatment),
                    at=look.at,
                    effect=effect,
                    low=low,
                    high=high,
                    log_better=weights[name].better,
                    log_worse=weights[name].worse,
                    log_better_adjusted=together[name].better,
                    valid=rule.is_ready(plan, basis.look, smaller)
                    and (rule.extendable or _is_all(basis, name, smaller)),
                ),
            )
        )
    return found


def _is_all(basis: Basis, treatment: str, smaller: int) -> bool:
    return smaller == min(map(len, basis.samples.compared(treatment, basis.plan.primary)))


def _interval(basis: Basis, pair: Pair, left: float) -> tuple[Bound, Bound]:
    plan, rule = basis.plan, basis.rule
    try:
        low, high = rule.interval(plan, pair[0], pair[1], plan.alpha)
        if left < plan.alpha:
            low, _ = rule.interval(plan, pair[0], pair[1], left)
    except DegenerateDataError:
        return None, None
    return low, high


def _enough(points: Sequence[EvidencePoint], bar: float) -> tuple[int | None, int | None]:
    """Return the units of the smaller arm when it was first enough, and since when it is."""
    first = since = None
    for point in points:
        if not point.valid or point.log_better_adjusted < bar:
            since = None
            continue
        units = min(point.control_units, point.treatment_units)
        first = units if first is None else first
        since = units if since is None else since
    return first, since
