"""What the name of a metric says: where its values come from, and which way is better."""

from __future__ import annotations

import re
from enum import StrEnum

from meta_experiment.records import dataclass
from meta_experiment.types import Direction

# the graders that need no declaration
BUILT_IN_GRADERS = frozenset(
    {
        "tool-success-rate", "tool-failure-count", "retries", "loops", "trajectory-efficiency",
        "execution-step-count", "execution-duration", "working-set-rebuild-factor",
        "context-growth", "artifact-production", "operational-value",
    }
)  # fmt: skip

_HIGHER = frozenset(
    {
        "accuracy", "adoption", "answered", "approved", "approval", "completed", "completeness",
        "completion", "coverage", "detection", "efficiency", "engagement", "merged", "passed",
        "pass", "precision", "presence", "present", "production", "quality", "rating",
        "reactions", "recall", "recovery", "resolved", "satisfaction", "savings", "score",
        "success", "successes", "succeeded", "throughput", "validity", "views",
    }
)  # fmt: skip
_LOWER = frozenset(
    {
        "abandoned", "aic", "blocked", "cancelled", "cost", "costs", "credits", "crashes",
        "defects", "duration", "empty", "error", "errors", "failed", "failure", "failures",
        "false", "growth", "hours", "incidents", "latency", "loops", "loss", "millis",
        "minutes", "missed", "missing", "ms", "regressions", "rejected", "rejections",
        "retries", "retry", "rework", "seconds", "spend", "steps", "time", "timeout",
        "timeouts", "tokens", "token", "turns", "usd", "violations", "wrong",
    }
)  # fmt: skip
_TURNING = frozenset({"free", "no", "non", "not", "reduction", "saved", "without"})
_COUNTED = re.compile(r"[a-z]+|[A-Z]+(?![a-z])|[A-Z][a-z]+")


class MetricSource(StrEnum):
    """Where the values of a metric come from."""

    NATIVE = "native"
    EVAL = "eval"
    GRADER = "grader"


@dataclass(frozen=True, slots=True)
class MetricReference:
    """The source of a metric, and its identifier there; a native one has its own name."""

    source: MetricSource
    identifier: str


def reference_of(metric: str) -> MetricReference:
    """Return what a metric's name refers to: `eval:ID`, `evals.ID.x`, and so for graders."""
    name = metric.strip()
    for source in (MetricSource.EVAL, MetricSource.GRADER):
        if name.startswith(f"{source}:"):
            return MetricReference(source, name.removeprefix(f"{source}:").strip())
        if name.startswith(f"{source}s."):
            rest = name.removeprefix(f"{source}s.").strip()
            return MetricReference(source, rest.partition(".")[0])
    return MetricReference(MetricSource.NATIVE, name)


def likely_direction(metric: str) -> Direction | None:
    """Return which way is better by a metric's name; None where it does not say.

    The last telling word decides: `token_efficiency` is of efficiency, `quality_loss` of loss.
    """
    words = [word.lower() for word in _COUNTED.findall(reference_of(metric).identifier)]
    if _TURNING.intersection(words):
        return None
    for word in reversed(words):
        if word in _HIGHER:
            return Direction.HIGHER
        if word in _LOWER:
            return Direction.LOWER
    return None
