"""The drift of an effect along the run: later units against the first ones of each arm."""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.decide.metrics.sample import Sample
from meta_experiment.decide.order import is_divided
from meta_experiment.decide.scale import sign
from meta_experiment.errors import DegenerateDataError
from meta_experiment.records import dataclass
from meta_experiment.stats.log_sums import log_sum_exp
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.sequential import log_bayes_factor
from meta_experiment.stats.ttest import satterthwaite
from meta_experiment.types import Metric

LEVEL = 0.05  # the chance that a note appears, at any look, when nothing changes
_FEWEST = 10  # units per piece
_CUTS = tuple(10 * 2**k for k in range(6))


@dataclass(frozen=True, slots=True)
class _Change:
    """Change of an effect after the first units of each arm: its log e-value and size."""

    log_e: float
    size: float
    after: int


def drift_note(
    control: Sample, treatment: Sample, metric: Metric, name: str, weights: tuple[float, float]
) -> str | None:
    """Say so when a treatment's advantage changes clearly after the first units.

    A novelty that wears off, or a change of the surroundings: the interval then speaks of a
    mixture. It is a note, not a gate. `weights` are the shares of the control's units and the
    treatment's.

    The run is cut after 10, 20, 40, … 320 units of the smaller arm: at places that the data do
    not choose, so that the anytime-valid t of the interaction (Lindon, Ham, Tingley and Bojinov
    2022, arXiv 2210.08589; in its Welch form) is an e-process at each of them. Their mean is
    one again, in which a cut that is not passed yet counts as 1, and so does one that would
    part units whose order is not known.
    """
    if not (control.has_values and treatment.has_values):
        return None
    found = _changes((control, treatment), weights)
    log_e = _log_mean([item.log_e for item in found])
    if log_e < math.log(1 / LEVEL):
        return None
    clearest = max(found, key=lambda item: item.log_e)
    trend = "larger" if sign(metric) * clearest.size > 0 else "smaller"
    return (
        f"The advantage of {name} on {metric.name} is clearly {trend} after the first "
        f"{clearest.after} units per arm than in them: a novelty that changes, or a change "
        f"around the experiment. Where nothing changes, this note appears at any look in at "
        f"most {LEVEL:.0%} of runs."
    )


def _changes(samples: tuple[Sample, Sample], weights: tuple[float, float]) -> list[_Change]:
    """Weigh the change at every cut that both arms have reached, and passed by enough."""
    found = []
    for after in _CUTS:
        cuts = [round(after * weight / min(weights)) for weight in weights]
        arms = list(zip(samples, cuts, strict=True))
        if any(len(sample) < cut + _FEWEST for sample, cut in arms):
            break
        if not any(is_divided(sample.order, cut) for sample, cut in arms):
            pieces = [(sample.values[:cut], sample.values[cut:]) for sample, cut in arms]
            found.append(_change(pieces, after))
    return found


def _change(pieces: Sequence[tuple[Sequence[float], Sequence[float]]], after: int) -> _Change:
    try:
        (early_c, late_c), (early_t, late_t) = (
            (Moments.of(early), Moments.of(late)) for early, late in pieces
        )
        parts = [
            (half.variance / half.n, half.n) for half in (early_c, late_c, early_t, late_t)
        ]
    except DegenerateDataError:
        return _Change(0.0, 0.0, after)
    total = math.fsum(part for part, _ in parts)
    if total == 0:
        return _Change(0.0, 0.0, after)
    size = late_t.minus(early_t) - late_c.minus(early_c)
    df = satterthwaite(*parts)
    effective = 1.0 / math.fsum(1.0 / n for _, n in parts)
    return _Change(log_bayes_factor(size / math.sqrt(total), df, effective), size, after)


def _log_mean(logs: Sequence[float]) -> float:
    """Return the logarithm of the mean of e-values over all cuts."""
    return log_sum_exp([*logs, *[0.0] * (len(_CUTS) - len(logs))]) - math.log(len(_CUTS))
