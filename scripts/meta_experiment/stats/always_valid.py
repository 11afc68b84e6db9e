"""Evidence on means that holds at every look, and the intervals that invert that very evidence.

One-sided e-values under the mixed prior; each end of an interval is the null at which the
e-value towards it reaches 1/α, so that an interval excludes a null exactly when the evidence
against it convinces. Both ends hold at all looks at once, each with error rate α.
"""

from __future__ import annotations

import math

from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import require_fraction
from meta_experiment.stats.mixed_prior import log_e_mixed
from meta_experiment.stats.relative import Bound, MeanRatio
from meta_experiment.stats.root_finding import rising_root
from meta_experiment.stats.ttest import Contrast

_LARGEST_T = 1e12  # beyond, no e-value grows any more


@dataclass(frozen=True, slots=True)
class OneSided:
    """Log e-values for a treatment above a null, and for one below it."""

    log_greater: float
    log_less: float


def weigh(contrast: Contrast, null: float = 0.0) -> OneSided:
    """Weigh a contrast against a null difference, at any time."""
    t = contrast.statistic(null)
    return OneSided(
        log_e_mixed(t, contrast.df, contrast.n_effective),
        log_e_mixed(-t, contrast.df, contrast.n_effective),
    )


def critical_statistic(df: float, n_effective: float, alpha: float) -> float | None:
    """Return the t at which the e-value reaches 1/α; None where it does so for no t.

    Raises:
        UsageError: when alpha is no fraction.
    """
    require_fraction("alpha", alpha)
    return rising_root(
        lambda t: log_e_mixed(t, df, n_effective) + math.log(alpha),
        _guess(df, n_effective, alpha),
        _LARGEST_T,
    )


def difference_interval(contrast: Contrast, alpha: float) -> tuple[Bound, Bound]:
    """Bound a difference at all looks at once, each side with α; None while it is unbounded.

    Raises:
        UsageError: when alpha is no fraction.
    """
    t = critical_statistic(contrast.df, contrast.n_effective, alpha)
    if t is None:
        return None, None
    radius = t * contrast.standard_error
    return contrast.difference - radius, contrast.difference + radius


def ratio_interval(means: MeanRatio, alpha: float) -> tuple[Bound, Bound]:
    """Bound treatment over control at all looks at once, each side with α.

    Raises:
        UsageError: when alpha is no fraction.
    """
    require_fraction("alpha", alpha)
    n = means.n_effective
    df = means.df(means.variance_control, means.variance_treatment)
    return means.bounds(
        lambda t, df: log_e_mixed(t, df, n) + math.log(alpha), _guess(df, n, alpha)
    )


def _guess(df: float, n_effective: float, alpha: float) -> float:
    """Return about the t at which the evidence convinces: that of a normal prior."""
    log_odds = math.log1p(0.5 * n_effective) - 2.0 * math.log(2.0 * alpha)
    return math.sqrt(df * math.expm1(min(300.0, log_odds / df)))
