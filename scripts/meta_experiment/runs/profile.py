"""What the runs of one variant, or of one model, say about it in a few figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meta_experiment.records import dataclass
from meta_experiment.runs.stability import cost_per_success
from meta_experiment.types.runs import Capability

_PRIOR = 10.0  # runs that it takes to be half confident
_CONFIDENT = 0.70
_RELIABLE_TOOLS = 0.85
_SELDOM, _MOSTLY = 0.75, 0.90  # success


@dataclass(frozen=True, slots=True)
class RunFigures:
    """A run: whether it ended with every criterion passed; what it took, None if unknown."""

    succeeded: bool
    seconds: float | None = None
    tokens: float | None = None
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """Figures of some runs: means per run, and the price of one success.

    A mean is None where a value of it is unknown, the price of a success also where none was.
    `confidence` is runs / (runs + 10).
    """

    runs: int
    success_rate: float | None
    mean_seconds: float | None
    mean_tokens: float | None
    mean_usd: float | None
    usd_per_success: float | None
    confidence: float
    capability: Capability


def profile(runs: Iterable[RunFigures], tool_success: float | None = None) -> Profile:
    """Sum up some runs; `tool_success` is the share of uses of tools that did not fail."""
    known = tuple(runs)
    number = len(known)
    succeeded = sum(run.succeeded for run in known)
    rate = succeeded / number if number else None
    confidence = number / (number + _PRIOR)
    usd = [run.usd for run in known]
    return Profile(
        runs=number,
        success_rate=rate,
        mean_seconds=_mean([run.seconds for run in known]),
        mean_tokens=_mean([run.tokens for run in known]),
        mean_usd=_mean(usd),
        usd_per_success=cost_per_success(usd, succeeded),
        confidence=confidence,
        capability=_capability(confidence, rate, tool_success),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _capability(
    confidence: float, success: float | None, tool_success: float | None
) -> Capability:
    unreliable = tool_success is not None and tool_success < _RELIABLE_TOOLS
    if confidence < _CONFIDENT or success is None or success < _SELDOM or unreliable:
        return Capability.WEAK
    return Capability.FRONTIER if success >= _MOSTLY else Capability.BALANCED
