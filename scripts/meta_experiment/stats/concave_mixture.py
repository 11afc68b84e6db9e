"""Averages of evidence over effects of many sizes, the nearest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meta_experiment.stats.log_sums import log_sum_exp

_NEGLIGIBLE = 40.0  # of a logarithm beside another: a part in 10^17


def log_mixture(
    log_factor: Callable[[float], float], effects: Sequence[tuple[float, float]], sign: float
) -> float:
    """Return the log of the mean factor, up to effects that weigh nothing beside nearer ones.

    The log of the factor is concave in the effect and zero at none, so that it falls beyond
    an effect at least as steeply as before it.

    Args:
        log_factor: the log of the evidence for an effect.
        effects: sizes in order, each with the log of its weight; the weights sum to one.
        sign: 1 or -1, the direction of the effects.
    """
    terms, before, last = list[float](), 0.0, 0.0
    for place, (effect, log_weight) in enumerate(effects, 1):
        value = log_factor(sign * effect)
        terms.append(value + log_weight)
        slope = (value - last) / (effect - before)
        before, last = effect, value
        if slope < 0.0 and place < len(effects):
            next_at_most = value + slope * (effects[place][0] - effect)
            if next_at_most < max(terms) - _NEGLIGIBLE:
                break
    return log_sum_exp(terms)
