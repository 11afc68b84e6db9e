"""How a guardrail stands, in the one word that every form has for it."""

from __future__ import annotations

from meta_experiment.types import GuardrailResult, GuardrailState, Readiness
from meta_experiment.types.results.report_metrics import ResultState

_PROVEN = {GuardrailState.PASS: ResultState.HOLDS, GuardrailState.FAIL: ResultState.BROKEN}
_FEWEST = 2  # units with the metric that decides, of which some should have it by then


def guardrail_state(result: GuardrailResult, ready: Readiness) -> ResultState:
    """Say how a guardrail stands; before the plan's minimum what is proven or not recorded."""
    if result.state in _PROVEN:
        return _PROVEN[result.state]
    if result.state is GuardrailState.MISSING and ready.smallest_arm >= _FEWEST:
        return ResultState.MISSING
    if ready.smallest_arm < ready.needed_per_arm:
        return ResultState.EARLY
    return ResultState.BEYOND if result.beyond else ResultState.OPEN
