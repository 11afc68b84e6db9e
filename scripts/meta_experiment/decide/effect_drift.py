"""The drift of an effect along the run: the later half of each arm against the earlier."""

from __future__ import annotations

from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.scale import sign
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.moments import Moments
from meta_experiment.types import Metric

_FEWEST_PER_HALF = 10
_CLEAR = 3.0  # standard errors; a note should be rare when nothing changes (0.3%)


def drift_note(control: Sample, treatment: Sample, metric: Metric, name: str) -> str | None:
    """Say so when a treatment's advantage in the later units differs clearly from the earlier.

    A novelty that wears off, or a change of the surroundings: the interval then speaks of a
    mixture. It is a note, not a gate; the difference of the two halves' differences is
    compared with its standard error.
    """
    if not (control.has_values and treatment.has_values):
        return None
    halves = [half for sample in (control, treatment) for half in _halves(sample)]
    if min(len(half) for half in halves) < _FEWEST_PER_HALF:
        return None
    try:
        early_c, late_c, early_t, late_t = (Moments.of(half) for half in halves)
        error = (
            sum(half.variance / half.n for half in (early_c, late_c, early_t, late_t)) ** 0.5
        )
    except DegenerateDataError:
        return None
    change = (late_t.mean - late_c.mean) - (early_t.mean - early_c.mean)
    if error == 0 or abs(change) <= _CLEAR * error:
        return None
    trend = "larger" if sign(metric) * change > 0 else "smaller"
    return (
        f"The advantage of {name} on {metric.name} is clearly {trend} in the later half of the "
        "units than in the earlier: a novelty that changes, or a change around the experiment."
    )


def _halves(sample: Sample) -> tuple[tuple[float, ...], tuple[float, ...]]:
    middle = len(sample.values) // 2
    return sample.values[:middle], sample.values[middle:]
