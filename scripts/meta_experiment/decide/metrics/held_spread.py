"""Evidence that a promotion is still better, if the old text spread as the promoted one does.

A small arm that has not met the rare good value yet seems worse than it is, and surer of it:
its values spread less than those of the large arm, which has met it. Taken at the spread of the
large arm it is no surer than that one.
"""

from __future__ import annotations

import math

from meta_experiment.decide.evidence import towards
from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.scale import sign
from meta_experiment.stats.always_valid import weigh
from meta_experiment.stats.ttest import Contrast
from meta_experiment.types import Metric, MetricKind

WIDER = 2.0
"""The ratio of variances from which on a spread is not taken for chance."""


def better_at_one_spread(metric: Metric, previous: Sample, promoted: Sample) -> float | None:
    """Return that log evidence; None where the promoted text's values spread no wider.

    Nor is there one of rates, whose spread is that of their mean, and of what no unit has.
    """
    if not metric.is_recorded or metric.kind is MetricKind.PROPORTION:
        return None
    old, new = previous.moments, promoted.moments
    if new.variance <= WIDER * old.variance:
        return None
    of_one = old.n * (new.n / (old.n + new.n))
    spread = math.sqrt(new.variance / of_one)
    seen = weigh(Contrast(new.minus(old), spread, new.n - 1.0, of_one))
    return towards(sign(metric), seen.log_greater, seen.log_less, "").better
