"""Power of a rule on two success rates, from the counts on which it decides."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from meta_experiment.records import dataclass
from meta_experiment.stats.power import came_back

_ASKED = 25  # counts of the control at which a rule is asked what it takes
_WIDE = 4.5  # standard deviations of the control's count, beyond which nothing is expected


@dataclass(frozen=True, slots=True)
class Boundary:
    """Counts that decide, of so many `units` per arm.

    At `first + k` successes of the control from `fewest[k]` of the treatment on; `units + 1`
    where no count does.
    """

    units: int
    first: int
    fewest: tuple[int, ...]


def boundary_of(units: int, rate: float, decides: Callable[[int, int], bool]) -> Boundary:
    """Find the counts that decide for all counts of the control that its rate makes likely.

    Of many counts some are asked for, and those between them lie on a line.

    Args:
        units: units per arm.
        rate: success rate of the control.
        decides: whether so many successes of the control and of the treatment do. More of
            the treatment, and fewer of the control, never do less.
    """
    centre, reach = units * rate, _WIDE * math.sqrt(units * rate * (1.0 - rate))
    first, last = max(0, math.floor(centre - reach)), min(units, math.ceil(centre + reach))
    step = -(-(last - first + 1) // _ASKED)
    asked = sorted({*range(first, last + 1, step), last})
    found = [_fewest(units, asked[0], asked[0], decides)]
    for before, control in pairwise(asked):
        found.append(_fewest(units, control, found[-1] + control - before, decides))
    fewest = [found[0]]
    for (before, control), (low, high) in zip(pairwise(asked), pairwise(found), strict=True):
        rise = (high - low) / (control - before)
        fewest += [round(low + rise * k) for k in range(1, control - before)] + [high]
    return Boundary(units, first, tuple(fewest))


def _fewest(units: int, control: int, guess: int, decides: Callable[[int, int], bool]) -> int:
    """Return the fewest successes of the treatment that decide, near a guess."""
    treated = min(guess, units)
    if decides(control, treated):
        while treated > 0 and decides(control, treated - 1):
            treated -= 1
        return treated
    while treated <= units and not decides(control, treated):
        treated += 1
    return treated


def rate_power(
    boundary: Boundary, control_rate: float, treatment_rate: float, looks_from: int
) -> float:
    """Return the approximate chance that the rule decides, by its last look, for a treatment.

    The chance to be over the boundary at the last look is exact, a sum of binomials. That to
    have been over it at an earlier look and to have come back is that of `power.came_back`,
    against the boundary's tangent.
    """
    units = boundary.units
    treated = _at_least(units, treatment_rate)
    chances = _chances(units, control_rate)
    now = math.fsum(
        chances[boundary.first + place] * treated[fewest]
        for place, fewest in enumerate(boundary.fewest)
    )
    typical = round(units * control_rate) - boundary.first
    variance = control_rate * (1 - control_rate) + treatment_rate * (1 - treatment_rate)
    if looks_from >= units or boundary.fewest[typical] > units or variance == 0:
        return now
    scale = math.sqrt(units * variance)
    critical = (boundary.fewest[typical] - units * control_rate) / scale
    excess = units * (treatment_rate - control_rate) / scale - 0.5 * critical
    return min(1.0, now + came_back(0.5 * critical, excess, looks_from / units))


def _chances(units: int, rate: float) -> list[float]:
    """Return the binomial chances of 0…units successes."""
    if rate in (0.0, 1.0):
        return [float(k == round(units * rate)) for k in range(units + 1)]
    log, other = math.log(rate), math.log1p(-rate)
    whole = math.lgamma(units + 1)
    return [
        math.exp(
            whole
            - math.lgamma(k + 1)
            - math.lgamma(units - k + 1)
            + k * log
            + (units - k) * other
        )
        for k in range(units + 1)
    ]


def _at_least(units: int, rate: float) -> Sequence[float]:
    """Return the chances of k successes or more, for k of 0…units + 1."""
    tails = [0.0]
    for chance in reversed(_chances(units, rate)):
        tails.append(tails[-1] + chance)
    return tails[::-1]
