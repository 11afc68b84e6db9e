"""Evidence that two arms differ by no more than a margin."""

from __future__ import annotations

from meta_experiment.errors import UsageError
from meta_experiment.records import dataclass
from meta_experiment.stats.sequential import PRIOR_SD, anytime
from meta_experiment.stats.ttest import Contrast, t_test


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Evidence that the difference lies between two bounds; `equivalent` at the α asked for.

    At one look `p_value` is the larger of the two one-sided ones; at any time it is one over
    the smaller of the two one-sided e-values.
    """

    p_value: float
    equivalent: bool


def tost(contrast: Contrast, low: float, high: float, *, alpha: float = 0.05) -> Equivalence:
    """Run the two one-sided t-tests (Schuirmann 1987) of a difference within [low, high].

    Raises:
        UsageError: when the bounds do not hold a room between them.
    """
    _require_room(low, high)
    above, below = t_test(contrast, null=low), t_test(contrast, null=high)
    p_value = max(above.p_greater, below.p_less)
    return Equivalence(p_value, p_value <= alpha)


def anytime_equivalence(
    contrast: Contrast,
    low: float,
    high: float,
    *,
    alpha: float = 0.05,
    prior_sd: float = PRIOR_SD,
) -> Equivalence:
    """Weigh at any time whether a difference lies within [low, high].

    Both one-sided e-values, "above low" and "below high", must reach 1/α. Each holds at
    every look, and the smaller of the two speaks against every difference outside.

    Raises:
        UsageError: when the bounds do not hold a room between them.
    """
    _require_room(low, high)
    above = anytime(contrast, null=low, prior_sd=prior_sd, alpha=alpha)
    below = anytime(contrast, null=high, prior_sd=prior_sd, alpha=alpha)
    e_value = min(above.e_greater, below.e_less)
    return Equivalence(1.0 / max(1.0, e_value), e_value >= 1.0 / alpha)


def _require_room(low: float, high: float) -> None:
    if not low < high:
        raise UsageError(f"bounds {low!r} and {high!r}, expected the lower one first")
