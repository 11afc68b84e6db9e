"""Upshot: what the evidence of an ended experiment did to its hypothesis."""

from __future__ import annotations

from collections.abc import Iterable

from meta_experiment.types import Decision, ReasonCode, Status
from meta_experiment.types.results.learning import Happening, LaterFinding
from meta_experiment.types.vocabulary import Upshot

_TOO_SMALL = (ReasonCode.EFFECT_BELOW_THRESHOLD, ReasonCode.NO_MEANINGFUL_DIFFERENCE)


def was_reversed(later: Iterable[LaterFinding]) -> bool:
    """Tell whether a holdout showed a promotion to be worse than what stood there before."""
    return any(item.finding.startswith(f"{ReasonCode.REVERSED.value}: ") for item in later)


def upshot(
    happened: Happening, predicted: float | None, later: Iterable[LaterFinding] = ()
) -> Upshot:
    """Judge a hypothesis by the decision; one that promised more than was shown, in part.

    What was promoted without evidence, taken back against it, or ended without an answer,
    leaves it open. What was found to be reversed `later` is refuted, whatever was decided.
    """
    if was_reversed(later):
        return Upshot.REFUTED
    if happened.decision is Decision.REJECT or happened.reason_code in _TOO_SMALL:
        return Upshot.REFUTED
    if happened.decision is not Decision.PROMOTE or happened.status is Status.ROLLED_BACK:
        return Upshot.OPEN
    high = happened.interval.high if happened.interval else None
    if predicted is not None and high is not None and high < predicted:
        return Upshot.PARTLY
    return Upshot.CONFIRMED
