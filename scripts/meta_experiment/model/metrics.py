"""The metrics every plan may name without describing them."""

from __future__ import annotations

from dataclasses import replace

from meta_experiment.errors import UsageError, as_word, cite
from meta_experiment.model.fields import suggestion
from meta_experiment.types import Direction, Metric, MetricKind, Scale

_LOWER, _HIGHER = Direction.LOWER, Direction.HIGHER
_CONTINUOUS, _PROPORTION, _COUNT = (
    MetricKind.CONTINUOUS,
    MetricKind.PROPORTION,
    MetricKind.COUNT,
)

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
    Metric("tests_passed", _PROPORTION, _HIGHER, Scale.RAW),
    Metric("lint_clean", _PROPORTION, _HIGHER, Scale.RAW),
    Metric("pass_rate", _CONTINUOUS, _HIGHER, Scale.RAW),
    Metric("score", _CONTINUOUS, _HIGHER, Scale.RAW),
    Metric("rating", _CONTINUOUS, _HIGHER, Scale.RAW),
    Metric("user_satisfaction", _CONTINUOUS, _HIGHER, Scale.RAW),
)

KNOWN_METRICS: dict[str, Metric] = {metric.name: metric for metric in _CATALOGUE}


def _of_a_tool(name: str) -> Metric | None:
    """Return the metric of calls or errors of one tool, such as `tool_calls.Bash`."""
    base, _, tool = name.partition(".")
    known = KNOWN_METRICS.get(base) if tool and base in ("tool_calls", "tool_errors") else None
    return known and replace(known, name=name)


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
    known = KNOWN_METRICS.get(name) or _of_a_tool(name)
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
    if metric.kind is _PROPORTION and metric.scale is Scale.LOG:
        raise UsageError(
            f"The metric {cite(name)} is a proportion (0 or 1 per trial), which has no "
            "logarithm.",
            hint="Leave --scale out, or use --scale raw.",
        )
    return metric
