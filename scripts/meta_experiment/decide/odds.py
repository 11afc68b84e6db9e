"""Evidence by e-values as odds against chance: one way to write them, whoever tells of them."""

from __future__ import annotations

import math

_LARGEST = 709.0  # the logarithm of the largest double
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def odds(log: float, bar: float | None = None) -> str:
    """Write an e-value as odds against chance, and apart from a bar that it just misses.

    Both are natural logarithms.
    """
    told = f"{odds_number(log)} to 1"
    missed = bar is not None and log < bar and odds_number(log) == odds_number(bar)
    return f"just under {told}" if missed else told


def odds_number(log: float) -> str:
    """Write a number by its natural logarithm; a very large one as a power of ten."""
    log = min(log, _LARGEST)
    tens = log / math.log(10)
    if tens >= 6:
        return power_of_ten(math.floor(tens))
    number = math.exp(log)
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.2g}"


def power_of_ten(exponent: int) -> str:
    """Write a power of ten."""
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"
