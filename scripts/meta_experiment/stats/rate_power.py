"""Power of a rule on two success rates, from the counts on which it decides."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import pairwise

from meta_experiment.records import dataclass
from meta_experiment.stats.power import came_back
from meta_experiment.stats.root_finding import fewest

_ASKED = 25  # counts of the control at which a rule is asked what it takes
_WIDE = 4.5  # standard deviations of the control's count, beyond which nothing is expected


@dataclass(frozen=True, slots=True)
class Boundary:
    """Counts that decide, of so many `units` per arm.

    At `first + k` successes of the control from `fewest[k]` of the treatment on; `units + 1`
    where no count does. Of pairs, counted are the successes that one alone has.
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
    asked = _spaced(first, last)
    found = [_fewest(units, asked[0], asked[0], decides)]
    for before, control in pairwise(asked):
        found.append(_fewest(units, control, found[-1] + control - before, decides))
    return Boundary(units, first, _between(asked, found))


def boundary_of_pairs(units: int, rate: float, decides: Callable[[int, int], bool]) -> Boundary:
    """Find the counts of pairs that decide, for all that a control's rate makes likely.

    Args:
        units: pairs.
        rate: success rate of the control.
        decides: whether so many successes of the control alone and of the treatment alone do.
            More of the treatment, and fewer of the control, never do less.
    """
    most = rate * (1.0 - rate)  # of pairs where the control alone succeeds, of equal rates
    last = min(units, math.ceil(units * most + _WIDE * math.sqrt(units * most)))
    asked = _spaced(0, last)
    found = [
        fewest(partial(decides, control), 0, units - control) or units + 1 for control in asked
    ]
    return Boundary(units, 0, _between(asked, found))


def _spaced(first: int, last: int) -> list[int]:
    """Return some counts from the first to the last."""
    step = -(-(last - first + 1) // _ASKED)
    return sorted({*range(first, last + 1, step), last})


def _between(asked: Sequence[int], found: Sequence[int]) -> tuple[int, ...]:
    """Return what was found, and what lies on a line between."""
    whole = [found[0]]
    for (before, control), (low, high) in zip(pairwise(asked), pairwise(found), strict=True):
        rise = (high - low) / (control - before)
        whole += [round(low + rise * k) for k in range(1, control - before)] + [high]
    return tuple(whole)


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
    variance = control_rate * (1 - control_rate) + treatment_rate * (1 - treatment_rate)
    rates = control_rate, treatment_rate
    return min(1.0, now + _came_back(boundary, rates, variance, looks_from))


def paired_rate_power(
    boundary: Boundary, control_rate: float, treatment_rate: float, looks_from: int
) -> float:
    """Return the approximate chance that the rule decides on pairs, as `rate_power` has it.

    The arms of a pair succeed independently of each other.
    """
    units = boundary.units
    control = control_rate * (1 - treatment_rate)
    treated = treatment_rate * (1 - control_rate)
    chances = _chances(units, control)
    now = math.fsum(
        chances[alone] * _tail(units - alone, treated / (1 - control), least)
        for alone, least in enumerate(boundary.fewest)
        if least <= units - alone
    )
    variance = control + treated - (treated - control) ** 2
    return min(1.0, now + _came_back(boundary, (control, treated), variance, looks_from))


def _came_back(
    boundary: Boundary, rates: tuple[float, float], variance: float, looks_from: int
) -> float:
    """Return the chance to have been over the boundary at an earlier look alone."""
    units, (control, treated) = boundary.units, rates
    typical = boundary.fewest[round(units * control) - boundary.first]
    if looks_from >= units or typical > units or variance == 0:
        return 0.0
    scale = math.sqrt(units * variance)
    critical = (typical - units * control) / scale
    excess = units * (treated - control) / scale - 0.5 * critical
    return came_back(0.5 * critical, excess, looks_from / units)


def _chances(units: int, rate: float, first: int = 0) -> list[float]:
    """Return the binomial chances of `first`…units successes."""
    counts = range(first, units + 1)
    if rate in (0.0, 1.0):
        return [float(k == round(units * rate)) for k in counts]
    log, other = math.log(rate), math.log1p(-rate)
    ways = _log_factorials(1 << units.bit_length())
    whole = ways[units]
    return [
        math.exp(whole - ways[k] - ways[units - k] + k * log + (units - k) * other)
        for k in counts
    ]


@lru_cache(maxsize=2)  # a root is found by the same counts at many rates
def _log_factorials(end: int) -> tuple[float, ...]:
    return tuple(math.lgamma(k + 1) for k in range(end))


def _at_least(units: int, rate: float) -> Sequence[float]:
    """Return the chances of k successes or more, for k of 0…units + 1."""
    tails = [0.0]
    for chance in reversed(_chances(units, rate)):
        tails.append(tails[-1] + chance)
    return tails[::-1]


def _tail(units: int, rate: float, least: int) -> float:
    """Return the chance of so many successes or more, the rarest summed first."""
    return sum(reversed(_chances(units, rate, least)), 0.0)
