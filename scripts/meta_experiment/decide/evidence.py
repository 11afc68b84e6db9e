"""Evidence for better and for worse, as natural logarithms."""

from __future__ import annotations

import math

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """Natural logarithms of the evidence that a treatment is better, and that it is worse.

    `rule` is the name of what weighed it.
    """

    better: float
    worse: float
    rule: str


NOTHING = Evidence(0.0, 0.0, "none")
"""What data without a word are worth: an e-value of 1 either way."""


def towards(direction: int, greater: float, less: float, rule: str) -> Evidence:
    """Turn evidence for greater and for less into evidence for better and for worse."""
    better, worse = (greater, less) if direction > 0 else (less, greater)
    return Evidence(better, worse, rule)


def beyond_reach(at: float) -> Evidence:
    """Return certainty: nothing positive gets 100% less, and everything is better than that."""
    surely = math.inf if at < 0 else -math.inf
    return Evidence(surely, -surely, "certain")
