"""Which of several runs, or of several variants, stands before which.

By score, then by price, then by time; what is not known stands behind all that is, and a run
that came to no end behind all that did. What is equal in all of them stays in its order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from meta_experiment.records import dataclass
from meta_experiment.runs.criteria.judging import score
from meta_experiment.types.cases import CriterionResult


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is ranked: `standing` of 1, price in US dollars, seconds; each None if unknown."""

    name: str
    standing: float | None
    usd: float | None = None
    seconds: float | None = None


def standing(results: Iterable[CriterionResult], *, completed: bool) -> float | None:
    """Return what a run ranks by: its score, and 1 where it ended with nothing to be judged.

    None for one that did not end: that it fails no criterion is no merit.
    """
    if not completed:
        return None
    known = score(results)
    return 1.0 if known is None else known


def ranked(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates, the best first."""
    return tuple(sorted(candidates, key=_place))


def _place(candidate: Candidate) -> tuple[float, ...]:
    known = (candidate.standing, candidate.usd, candidate.seconds)
    standing, *spent = (math.inf if value is None else value for value in known)
    return (standing if candidate.standing is None else -standing, *spent)
