"""The metrics every plan may name without describing them."""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.errors import UsageError, as_word, cite
from meta_experiment.model.fields import suggestion
from meta_experiment.types import Direction, Metric, MetricKind, Scale
from meta_experiment.types.plan import PER, PERCENTILE

_LOWER, _HIGHER = Direction.LOWER, Direction.HIGHER
_CONTINUOUS, _PROPORTION, _COUNT = (
    MetricKind.CONTINUOUS,
    MetricKind.PROPORTION,
    MetricKind.COUNT,
)

_SHARES = {
    _PROPORTION: "a proportion (0 or 1 per trial)",
    MetricKind.PREFERENCE: "a preference (0 to 1 per trial)",
}

# Durations are compared as ratios (log scale); tokens, cost and counts are summed on a
# bill or a desk, so their arithmetic mean is what matters (raw scale).
_CATALOGUE = (
    Metric("duration_seconds", _CONTINUOUS, _LOWER, Scale.LOG, "s"),
    Metric("active_seconds", _CONTINUOUS, _LOWER, Scale.LOG, "s"),
    Metric("turn_duration_seconds", _CONTINUOUS, _LOWER, Scale.LOG, "s"),
    Metric("input_tokens", _COUNT, _LOWER, Scale.RAW, "tokens"),
    Metric("output_tokens", _COUNT, _LOWER, Scale.RAW, "tokens"),
    Metric("cache_read_tokens", _COUNT, _LOWER, Scale.RAW, "tokens"),
    Metric("cache_creation_tokens", _COUNT, _LOWER, Scale.RAW, "tokens"),
    Metric("total_tokens", _COUNT, _LOWER, Scale.RAW, "tokens"),
    Metric("turn_output_tokens", _COUNT, _LOWER, Scale.RAW, "tokens"),
    Metric("turn_total_tokens", _COUNT, _LOWER, Scale.RAW, "tokens"),
    Metric("subagent_share", _CONTINUOUS, _LOWER, Scale.RAW),
    Metric("cost_usd", _CONTINUOUS, _LOWER, Scale.RAW, "USD"),
    Metric("turns", _COUNT, _LOWER, Scale.RAW),
    Metric("followup_turns", _COUNT, _LOWER, Scale.RAW),
    Metric("tool_calls", _COUNT, _LOWER, Scale.RAW),
    Metric("tool_errors", _COUNT, _LOWER, Scale.RAW),
    Metric("files_touched", _COUNT, _LOWER, Scale.RAW),
    Metric("lines_changed", _COUNT, _LOWER, Scale.RAW),
    Metric("issues_caught", _COUNT, _HIGHER, Scale.RAW),
    Metric("false_positives", _COUNT, _LOWER, Scale.RAW),
    Metric("error_rate", _PROPORTION, _LOWER, Scale.RAW),
    Metric("success", _PROPORTION, _HIGHER, Scale.RAW),
    Metric("preference", MetricKind.PREFERENCE, _HIGHER, Scale.RAW),
    Metric("tests_passed", _PROPORTION, _HIGHER, Scale.RAW),
    Metric("lint_clean", _PROPORTION, _HIGHER, Scale.RAW),
    Metric("pass_rate", _CONTINUOUS, _HIGHER, Scale.RAW),
    Metric("score", _CONTINUOUS, _HIGHER, Scale.RAW),
    Metric("rating", _CONTINUOUS, _HIGHER, Scale.RAW),
    Metric("user_satisfaction", _CONTINUOUS, _HIGHER, Scale.RAW),
)

# known by name, and recorded only where a person, the model or a command says so
BY_HAND = frozenset(
    {
        "issues_caught", "false_positives", "success", "preference", "tests_passed",
        "lint_clean", "pass_rate", "score", "rating", "user_satisfaction",
    }
)  # fmt: skip

KNOWN_METRICS: dict[str, Metric] = {metric.name: metric for metric in _CATALOGUE}


def known_metric(name: str) -> Metric | None:
    """Return the metric of that name which needs no description.

    That may be calls or errors of one tool, such as `tool_calls.Bash`.
    """
    base, _, tool = name.partition(".")
    if not (tool and base in ("tool_calls", "tool_errors")):
        return KNOWN_METRICS.get(name)
    return replace(KNOWN_METRICS[base], name=name)


def derived_metric(name: str, direction: Direction | None) -> Metric | None:
    """Return a ratio or a quantile of what is recorded, such as `cost_usd.per.success`.

    Where that is no known metric the direction must be told, as of any.
    """
    top, per, bottom = name.partition(PER)
    base, _, percent = name.rpartition(PERCENTILE)
    if per and top and bottom:
        known = _part(top, direction)
        unit = f"{known.unit or top}/{bottom}" if known else ""
        return known and Metric(name, MetricKind.RATIO, known.direction, Scale.RAW, unit)
    if base and percent.isdecimal() and 0 < int(percent) < 100:
        known = _part(base, direction)
        return known and replace(known, name=name, kind=MetricKind.QUANTILE)
    return None


def _part(name: str, direction: Direction | None) -> Metric | None:
    known = known_metric(name)
    if known is None and direction is not None:
        return Metric(name, _CONTINUOUS, direction, Scale.RAW)
    return known


def describe(
    name: str,
    *,
    direction: Direction | None = None,
    scale: Scale | None = None,
    kind: MetricKind | None = None,
    unit: str | None = None,
) -> Metric:
    """Return the metric of that name, with what is said of it over what is known of it.

    Raises:
        UsageError: the name is unknown and no direction says which way is better, or a
            proportion is asked for on the log scale.
    """
    known = derived_metric(name, direction) or known_metric(name)
    if known is None and direction is None:
        raise UsageError(
            f"The metric {cite(name)} is not known, so its direction must be given: "
            "is lower or higher better?",
            hint=suggestion(name, KNOWN_METRICS)
            or f"Say it: {as_word(name)}:lower or {as_word(name)}:higher (for the primary "
            "metric --direction).",
        )
    base = known or Metric(name, _CONTINUOUS, direction or _LOWER, Scale.RAW)
    metric = Metric(
        name,
        kind or base.kind,
        direction or base.direction,
        scale or base.scale,
        base.unit if unit is None else unit,
    )
    if metric.kind in _SHARES and metric.scale is Scale.LOG:
        raise UsageError(
            f"The metric {cite(name)} is {_SHARES[metric.kind]}, which has no logarithm.",
            hint="Leave --scale out, or use --scale raw.",
        )
    _require_form(metric, known)
    return metric


def _require_form(metric: Metric, known: Metric | None) -> None:
    """Refuse a kind that is not what the metric's name says, and logarithms of a ratio."""
    kinds = {metric.kind, known.kind if known else _CONTINUOUS}
    if len(kinds) > 1 and kinds & {MetricKind.RATIO, MetricKind.QUANTILE}:
        raise UsageError(
            f"The metric {cite(metric.name)} cannot be a {metric.kind}: a ratio is called "
            "NUMERATOR.per.DENOMINATOR, a quantile METRIC.p90, by the names that trials have.",
            hint="For example cost_usd.per.success, or duration_seconds.p90.",
        )
    if metric.kind is MetricKind.RATIO and metric.scale is Scale.LOG:
        raise UsageError(
            f"The metric {cite(metric.name)} is a ratio of sums, which is compared as it is.",
            hint="Leave --scale out, or use --scale raw.",
        )
