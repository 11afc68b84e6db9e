"""Upshot: what the evidence of an ended experiment did to its hypothesis."""

from __future__ import annotations

from meta_experiment.types import Decision, ReasonCode, Status
from meta_experiment.types.results.learning import Happening
from meta_experiment.types.vocabulary import Upshot

_TOO_SMALL = (ReasonCode.EFFECT_BELOW_THRESHOLD, ReasonCode.NO_MEANINGFUL_DIFFERENCE)


def upshot(happened: Happening, predicted: float | None) -> Upshot:
    """Judge a hypothesis by the decision; one that promised more than was shown, in part.

    What was promoted without evidence, taken back against it, or ended without an answer,
    leaves it open.
    """
    if happened.decision is Decision.REJECT or happened.reason_code in _TOO_SMALL:
        return Upshot.REFUTED
    if happened.decision is not Decision.PROMOTE or happened.status is Status.ROLLED_BACK:
        return Upshot.OPEN
    high = happened.interval.high if happened.interval else None
    if predicted is not None and high is not None and high < predicted:
        return Upshot.PARTLY
    return Upshot.CONFIRMED
