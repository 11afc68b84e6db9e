"""Series of the evidence, look by look: plain numbers for a figure."""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.decide.primary import corrected, weigh
from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.samples import Samples, covariates_of, match_of
from meta_experiment.decide.units import arms_of, is_closed
from meta_experiment.records import dataclass
from meta_experiment.types import Plan, Trial


@dataclass(frozen=True, slots=True)
class EvidencePoint:
    """The evidence at one look, in natural logarithms, once so many trials had closed.

    `valid` tells whether the plan's rule may decide at that look. `at` is None where the
    trials do not say when they closed.
    """

    trials: int
    at: float | None
    better: float
    worse: float
    valid: bool


@dataclass(frozen=True, slots=True)
class EvidenceSeries:
    """The evidence for a treatment over the looks; `bar` is what it must reach."""

    treatment: str
    bar: float
    points: tuple[EvidencePoint, ...]


def series(plan: Plan, trials: Sequence[Trial], *, looks: int = 50) -> list[EvidenceSeries]:
    """Weigh each treatment at so many looks, evenly spread over the trials as they closed.

    The last look is at all of them. What was open, or lost, at a look is not looked at, and
    trials that closed at one moment are looked at together.
    """
    rule = rule_of(plan)
    closed = sorted(filter(is_closed, trials), key=_moment)
    points: dict[str, list[EvidencePoint]] = {item.name: [] for item in plan.treatments}
    for count in _counts(len(closed), looks):
        if count < len(closed) and _moment(closed[count - 1]) == _moment(closed[count]):
            continue
        seen = closed[:count]
        at = seen[-1].closed_at
        look = rule.look(plan, seen, at or 0.0)
        samples = Samples(
            arms_of(plan, look.trials), match_of(plan), covariates=covariates_of(plan)
        )
        for name, evidence in corrected(rule, weigh(plan, rule, samples)).items():
            points[name].append(
                EvidencePoint(count, at, evidence.better, evidence.worse, look.complete)
            )
    bar = rule.bar(plan.alpha, 1)
    return [EvidenceSeries(name, bar, tuple(known)) for name, known in points.items()]


def _moment(trial: Trial) -> float:
    return trial.closed_at or trial.assigned_at or 0.0


def _counts(trials: int, looks: int) -> list[int]:
    """Return the numbers of trials to look at: at most so many, rising up to all of them."""
    looks = min(looks, trials)
    return [trials * number // looks for number in range(1, looks + 1)]
