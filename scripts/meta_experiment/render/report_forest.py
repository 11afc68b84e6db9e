"""The changes of all metrics as one picture, whoever draws it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meta_experiment.render.blocks import Forest, ForestLine, Tone
from meta_experiment.render.findings import STATES
from meta_experiment.render.pictures.forest import axis
from meta_experiment.render.report_words import between, name, per_cent
from meta_experiment.types.results.report_metrics import (
    MetricRole,
    ReportComparison,
    ReportResult,
)

_MARKS = 4  # of treatments, which are told apart by form and colour
TONES: dict[str, Tone] = {"good": "good", "bad": "bad", "open": "warn", "plain": "dim"}


def ordered(
    results: Sequence[ReportResult], leading: str | None
) -> Iterator[tuple[ReportResult, ReportComparison]]:
    """Yield every change in the order of all forms: of a metric that of `leading` first."""
    for result in results:
        for item in sorted(result.comparisons, key=lambda it: it.treatment != leading):
            yield result, item


def forest(results: Sequence[ReportResult], leading: str | None, threshold: float) -> Forest:
    """Return the picture of every change; `threshold` is that of the metric that decides."""
    rows = tuple(ordered(results, leading))
    arms = [item.treatment for item in results[0].comparisons] if results else []
    several = len({item.treatment for _, item in rows}) > 1
    lines = (
        replace(
            _line(result, item, threshold),
            arm=name(item.treatment, 40) if several else "",
            number=1 + arms.index(item.treatment) % _MARKS if item.treatment in arms else 1,
        )
        for result, item in rows
    )
    return Forest(axis(results, threshold).high, tuple(lines))


def _line(result: ReportResult, item: ReportComparison, threshold: float) -> ForestLine:
    sign, word, tone = STATES[item.state]
    relative = item.effect.relative
    return ForestLine(
        label=name(result.metric.label, 60),
        arm="",
        number=1,
        effect=relative,
        low=item.interval.low,
        high=item.interval.high,
        margin=result.metric.margin,
        goal=threshold if result.metric.role is MetricRole.PRIMARY else None,
        change="–" if relative is None else per_cent(relative, signed=True),
        between=between(item.interval),
        sign=sign,
        word=word,
        tone=TONES[tone],
    )
