"""Sample-ratio checks: do the arms' sizes fit the planned shares?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.errors import UsageError
from meta_experiment.records import dataclass
from meta_experiment.stats.inputs import require_positive
from meta_experiment.stats.special import chi2_sf, deviance, stirling_error


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """A chi-square statistic with its degrees of freedom and upper tail probability."""

    statistic: float
    df: int
    p_value: float


@dataclass(frozen=True, slots=True)
class AnytimeSrm:
    """Always-valid evidence against the planned shares.

    `p_value` is min(1, 1/e) at this look. The smallest one over all looks is valid too.
    """

    log_e: float
    p_value: float


def chi_square(counts: Sequence[float], weights: Sequence[float]) -> ChiSquare:
    """Compare counts with planned shares by Pearson's goodness of fit, df = arms - 1.

    Args:
        counts: units per arm; one that came to two of them may count half in each.
        weights: planned shares in any unit (9 and 1, or 0.9 and 0.1), one per arm.

    Raises:
        UsageError: when the two do not match, or a count or weight makes no sense.
    """
    shares = _shares(counts, weights)
    total = sum(counts)
    if total == 0:
        return ChiSquare(0.0, len(counts) - 1, 1.0)
    statistic = math.fsum(
        (count - total * share) ** 2 / (total * share)
        for count, share in zip(counts, shares, strict=True)
    )
    df = len(counts) - 1
    return ChiSquare(statistic, df, chi2_sf(statistic, df))


def homogeneous(rows: Sequence[Sequence[int]]) -> ChiSquare:
    """Compare the shares of any number of arms between rows, Pearson's chi-square.

    Args:
        rows: units per arm, as many in each row; no row is empty.
    """
    columns = [sum(column) for column in zip(*rows, strict=True)]
    total, seen = sum(columns), sum(1 for column in columns if column)
    statistic = math.fsum(
        (count - expected) ** 2 / expected
        for row in rows
        for count, column in zip(row, columns, strict=True)
        if (expected := sum(row) * column / total)
    )
    df = (len(rows) - 1) * (seen - 1)
    return ChiSquare(statistic, df, chi2_sf(statistic, df) if df else 1.0)


def anytime_srm(
    counts: Sequence[float], weights: Sequence[float], *, concentration: float = 100.0
) -> AnytimeSrm:
    """Compare counts with planned shares, valid at every look.

    The Bayes factor of a Dirichlet-multinomial centred on the plan against the plan itself
    (Lindon and Malek 2022, NeurIPS 35).

    Args:
        counts: units per arm; one that came to two of them may count half in each.
        weights: planned shares in any unit, one per arm.
        concentration: sum of the Dirichlet parameters; large looks for small deviations.

    Raises:
        UsageError: when counts and weights do not match, or a number makes no sense.
    """
    require_positive("concentration", concentration)
    shares = _shares(counts, weights)
    total = concentration + sum(counts)
    log_e = _mass(concentration) - _mass(total)
    for count, share in zip(counts, shares, strict=True):
        prior, posterior = concentration * share, concentration * share + count
        expected = total * share
        log_e += deviance(posterior, expected, expected - posterior)
        log_e += _mass(posterior) - _mass(prior)
    return AnytimeSrm(log_e, math.exp(-max(0.0, log_e)))


def _mass(x: float) -> float:
    """Return what is left of log Γ(x) beside x log x - x, up to a constant.

    The large parts of the log-gammas are taken together in the deviances, where they cancel
    by algebra instead of in the last digits.
    """
    return stirling_error(x) - 0.5 * math.log(x)


def _shares(counts: Sequence[float], weights: Sequence[float]) -> list[float]:
    if len(counts) != len(weights) or len(counts) < 2:
        raise UsageError(
            f"{len(counts)} counts and {len(weights)} weights, expected one of each per arm "
            "and at least two arms"
        )
    if any(count < 0 for count in counts):
        raise UsageError(f"counts {list(counts)!r}, expected none below zero")
    if not all(0.0 < weight < math.inf for weight in weights):
        raise UsageError(f"weights {list(weights)!r}, expected finite numbers above zero")
    total = math.fsum(weights)
    return [weight / total for weight in weights]
