"""Ratios of sums and quantiles under repeated looks, by the program's own samples and rule."""

import numpy as np

from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.metrics.quantiles import QuantileSample
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.errors import DegenerateDataError
from meta_experiment.model.metrics import describe
from meta_experiment.stats.ratio import linearised

TAIL, PRICE = describe("duration_seconds.p90"), describe("cost_usd.per.success")


def looks(last):
    """Look after every fifth unit to 100, then at every further 3 per cent."""
    found = list(range(20, min(last, 100) + 1, 5))
    while found[-1] * 1.03 < last:
        found.append(int(found[-1] * 1.03) + 1)
    return found


def tails(rng, last, slower=1.0, q=0.9):
    """Return two arms of durations, told by a quantile, as they are after so many units."""
    arms = [rng.normal(3, 0.5, last), rng.normal(3 + np.log(slower), 0.5, last)]
    return TAIL, lambda n: [
        QuantileSample(Sample(tuple(arm[:n].tolist()), (), {}, ()), q) for arm in arms
    ]


def prices(rng, last, better=1.0):
    """Return two arms of skewed costs, each with an outcome, as seen after so many units."""
    arms = [
        (rng.lognormal(0, 0.8, last), (rng.random(last) < rate).astype(float))
        for rate in (0.5, 0.5 * better)
    ]

    def seen(n):
        values = [tuple(linearised(top[:n], bottom[:n])) for top, bottom in arms]
        return [Sample(own, own, {}, ()) for own in values]

    return PRICE, seen


def crossings(world, rng, *, experiments, last, alpha=0.05, **how):
    """Return the shares of experiments that ever show better, and worse."""
    better = worse = 0
    for _ in range(experiments):
        metric, seen = world(rng, last, **how)
        design = family_of(metric).separate
        up = down = False
        for n in looks(last):
            try:
                found = design.evidence(*seen(n), metric, 0.0)
            except DegenerateDataError:
                continue
            up |= found.better >= -np.log(alpha)
            down |= found.worse >= -np.log(alpha)
        better, worse = better + up, worse + down
    return better / experiments, worse / experiments
