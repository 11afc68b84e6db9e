"""Words for metrics: what they are called in a report, and what a change of them is called."""

from __future__ import annotations

import re

from meta_experiment.decide.metrics import family_of
from meta_experiment.types import Direction, Metric, MetricKind
from meta_experiment.types.results.report_metrics import MetricRole, ReportMetric

_ENDINGS = ("_seconds", "_usd")
_BY_UNIT = {"s": ("faster", "slower"), "USD": ("cheaper", "dearer")}
_HIGHER, _LOWER = ("higher", "lower"), ("lower", "higher")
_BY_KIND = {MetricKind.COUNT: ("fewer", "more")}
_QUANTILE = re.compile(r"^(.+)\.p(\d+)$")
_DENOMINATOR = re.compile(r"\.per\.(.*?[^s]|.*?ss)s?$")  # one of them: cost per turn
_KNOWN = {"followup turns": "follow-up turns", "user satisfaction": "satisfaction"}


def described_metric(metric: Metric, role: MetricRole, margin: float | None) -> ReportMetric:
    """Describe a metric as a report speaks of it."""
    better, worse = _change(metric)
    return ReportMetric(
        name=metric.name,
        label=label(metric.name),
        unit=metric.unit,
        kind=metric.kind,
        direction=metric.direction,
        scale=metric.scale,
        statistic=family_of(metric).statistic(metric.scale),
        role=role,
        margin=margin,
        better=better,
        worse=worse,
    )


def label(name: str) -> str:
    """Return a metric's name as one says it."""
    for ending in _ENDINGS:
        name = name.replace(ending, "")
    name = _QUANTILE.sub(r"p\2 of \1", name)
    name = _DENOMINATOR.sub(r" per \1", name)
    said = " ".join(name.replace("_", " ").split()) or name
    return _KNOWN.get(said, said)


def _change(metric: Metric) -> tuple[str, str]:
    """Return the words for more of what is better, and for more of what is worse."""
    if metric.direction is Direction.HIGHER:
        return _HIGHER
    if metric.unit in _BY_UNIT:
        return _BY_UNIT[metric.unit]
    return _BY_KIND.get(metric.kind, _LOWER)
