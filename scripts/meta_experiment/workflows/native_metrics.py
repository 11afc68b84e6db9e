"""The metrics of a workflow's runs that need no grader, under the names that workflows use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from meta_experiment.model.metrics import KNOWN_METRICS
from meta_experiment.records import dataclass
from meta_experiment.types import Direction, Metric, MetricKind, Scale
from meta_experiment.workflows.metric_names import (
    MetricSource,
    likely_direction,
    reference_of,
)
from meta_experiment.workflows.outcomes.grades import EVAL, GRADER, metric_name

_LOWER, _HIGHER = Direction.LOWER, Direction.HIGHER
_OWN = (
    Metric("ai_credits", MetricKind.CONTINUOUS, _LOWER, Scale.RAW, "credits"),
    Metric("effective_tokens", MetricKind.COUNT, _LOWER, Scale.RAW, "tokens"),
    Metric("created_items", MetricKind.COUNT, _HIGHER, Scale.RAW),
    Metric("empty_output", MetricKind.PROPORTION, _LOWER, Scale.RAW),
    Metric("rebuild_factor", MetricKind.CONTINUOUS, _LOWER, Scale.RAW),
)
_SHARED = (
    "success", "error_rate", "duration_seconds", "total_tokens", "input_tokens",
    "output_tokens", "cache_read_tokens", "cache_creation_tokens", "turns", "tool_calls",
    "tool_errors",
)  # fmt: skip
NATIVE_METRICS: dict[str, Metric] = {
    metric.name: metric for metric in (*(KNOWN_METRICS[name] for name in _SHARED), *_OWN)
}
# What a name has in it -> the metrics that it may be, the best first. The first line counts.
_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"(?:run_)?success(?:_rate)?|run_succeeded", ("success",)),
    (r"(?:run_)?(?:failure|error)_rate", ("error_rate",)),
    (r"(?:.*_)?(?:duration|latency|runtime|run_time)(?:_.*)?", ("duration_seconds",)),
    (
        r"aic|(?:.*_)?ai_?credits?(?:_.*)?|(?:total_|run_)?cost(?:_per_run|_total)?",
        ("ai_credits",),
    ),
    (r"effective_tokens?(?:_.*)?", ("effective_tokens", "total_tokens")),
    (r"(?:.*_)?input_tokens?(?:_.*)?|prompt_tokens?(?:_.*)?", ("input_tokens",)),
    (r"(?:.*_)?output_(?:length_)?tokens?(?:_.*)?", ("output_tokens",)),
    (
        r"(?:total_|run_)?tokens?(?:_(?:count|total|usage|used|per_run|count_per_run))*",
        ("total_tokens",),
    ),
    (r"(?:.*_)?turns?(?:_.*)?", ("turns",)),
    (r"(?:.*_)?tools?_(?:calls?|invoked|invocations?)(?:_.*)?", ("tool_calls",)),
    (
        r"(?:.*_)?created(?:_(?:count|items|per_run))*|created_.*|items?_count",
        ("created_items",),
    ),
    (r"empty_(?:output|outputs)(?:_rate)?|(?:.*_)?empty_rate", ("empty_output",)),
)
# what else a name may have in it, and what comes closest to that
_HINTS = {
    "output_tokens": {"word", "words", "length", "chars", "verbosity", "size", "lines"},
    "created_items": {
        "issue", "issues", "pr", "prs", "comment", "comments", "discussion", "alert", "alerts",
        "chart", "charts", "items", "creation", "findings", "reactions", "engagement",
    },
    "duration_seconds": {"time", "speed", "seconds", "minutes", "ms"},
    "error_rate": {"fail", "failed", "failure", "failures", "error", "errors", "crash"},
    "success": {"quality", "score", "accuracy", "complete", "completeness", "pass", "rate"},
}  # fmt: skip
_UNITS = {
    "ms": 0.001, "millis": 0.001, "milliseconds": 0.001, "s": 1.0, "sec": 1.0, "secs": 1.0,
    "seconds": 1.0, "m": 60.0, "min": 60.0, "mins": 60.0, "minutes": 60.0, "h": 3600.0,
    "hours": 3600.0,
}  # fmt: skip
# of the graders that need no declaration those whose name says no more than this
_GRADERS = {
    "tool-success-rate": _HIGHER, "tool-failure-count": _LOWER, "retries": _LOWER,
    "loops": _LOWER, "trajectory-efficiency": _HIGHER, "execution-step-count": _LOWER,
    "execution-duration": _LOWER, "working-set-rebuild-factor": _LOWER,
    "context-growth": _LOWER, "artifact-production": _HIGHER, "operational-value": _HIGHER,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MetricMatch:
    """The metrics that a declared name may stand for, the best first.

    `factor` turns a value in the declared unit into one of the metric's: thresholds need it.
    `note` says what was assumed; it is None where nothing was. `nearest` is the closest name
    where none is known; `metrics` are then none.
    """

    declared: str
    metrics: tuple[Metric, ...]
    factor: float = 1.0
    note: str | None = None
    nearest: str | None = None


def matched(declared: str, directions: Mapping[str, Direction] | None = None) -> MetricMatch:
    """Return what a metric's name in a workflow stands for among what runs leave.

    `directions` are what graders say themselves of which way is better, by their identifiers.
    """
    reference = reference_of(declared)
    if reference.source is MetricSource.EVAL:
        name = metric_name(EVAL, reference.identifier)
        metric = Metric(name, MetricKind.PROPORTION, _HIGHER, Scale.RAW)
        return MetricMatch(declared, (metric,))
    if reference.source is MetricSource.GRADER:
        return _graded(declared, reference.identifier, directions or {})
    word = reference.identifier.strip().lower().replace("-", "_")
    for pattern, names in _WORDS:
        if re.fullmatch(pattern, word):
            metrics = tuple(NATIVE_METRICS[name] for name in names)
            factor, unit = _unit(word) if names == ("duration_seconds",) else (1.0, None)
            return MetricMatch(declared, metrics, factor, _note(declared, metrics[0], unit))
    return MetricMatch(declared, (), nearest=_nearest(word))


def _nearest(word: str) -> str:
    """Return the metric that is closest to what a name has in it, else to its letters."""
    parts = set(word.split("_"))
    told = next((name for name, hints in _HINTS.items() if parts & hints), None)
    return told or get_close_matches(word, NATIVE_METRICS, n=1, cutoff=0.0)[0]


def _graded(declared: str, identifier: str, directions: Mapping[str, Direction]) -> MetricMatch:
    told = directions.get(identifier) or _GRADERS.get(identifier)
    likely = likely_direction(identifier)
    name = metric_name(GRADER, identifier)
    metric = Metric(name, MetricKind.CONTINUOUS, told or likely or _HIGHER, Scale.RAW)
    note = f"Which way {declared} is better nobody says; higher was taken as better."
    return MetricMatch(declared, (metric,), note=None if told or likely else note)


def _unit(word: str) -> tuple[float, str | None]:
    """Return the unit in a duration's name and what it is in seconds, which are the default."""
    last = word.rpartition("_")[2]
    return (_UNITS[last], last) if last in _UNITS else (1.0, None)


def _note(declared: str, metric: Metric, unit: str | None) -> str | None:
    likely = likely_direction(declared)
    parts = []
    if unit not in (None, "s", "sec", "secs", "seconds"):
        parts.append(f"{declared} is kept in seconds, as {metric.name}.")
    elif declared != metric.name:
        parts.append(f"{declared} is {metric.name} here.")
    if likely not in (None, metric.direction):
        parts.append(
            f"Of {metric.name} {metric.direction.value} is better, whatever it is called."
        )
    return " ".join(parts) or None
