"""Ratios of sums under repeated looks, by the program's own samples and rule."""

import numpy as np

from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.errors import DegenerateDataError
from meta_experiment.model.metrics import describe
from meta_experiment.stats.ratio import linearised

PRICE = describe("cost_usd.per.success")


def looks(last):
    """Look after every fifth unit to 100, then at every further 3 per cent."""
    found = list(range(20, min(last, 100) + 1, 5))
    while found[-1] * 1.03 < last:
        found.append(int(found[-1] * 1.03) + 1)
    return found


def prices(rng, last, better):
    """Return two arms of skewed costs, each with an outcome, as seen after so many units."""
    arms = [
        (rng.lognormal(0, 0.8, last), (rng.random(last) < rate).astype(float))
        for rate in (0.5, 0.5 * better)
    ]

    def seen(n):
        values = [tuple(linearised(top[:n], bottom[:n])) for top, bottom in arms]
        return [Sample(own, own, {}, ()) for own in values]

    return seen


def crossings(rng, *, experiments, last, better=1.0, alpha=0.05):
    """Return the shares of experiments that ever show better, and worse."""
    design, found_better, found_worse = family_of(PRICE).separate, 0, 0
    for _ in range(experiments):
        seen = prices(rng, last, better)
        up = down = False
        for n in looks(last):
            try:
                found = design.evidence(*seen(n), PRICE, 0.0)
            except DegenerateDataError:
                continue
            up |= found.better >= -np.log(alpha)
            down |= found.worse >= -np.log(alpha)
        found_better, found_worse = found_better + up, found_worse + down
    return found_better / experiments, found_worse / experiments
