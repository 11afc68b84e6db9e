"""An always-valid interval for the difference of two success rates."""

from __future__ import annotations

import math

from meta_experiment.stats.inputs import require_counts, require_fraction
from meta_experiment.stats.rate_likelihood import log_average, log_likelihood
from meta_experiment.stats.root_finding import edge


def anytime_rate_difference(
    control_successes: int,
    control_trials: int,
    treatment_successes: int,
    treatment_trials: int,
    *,
    alpha: float = 0.05,
) -> tuple[float, float]:
    """Bound treatment rate minus control rate at all looks at once.

    A difference stays inside while the likelihood averaged over Jeffreys' prior on both rates
    is less than 1/α times the greatest likelihood that the difference allows (universal
    inference: Wasserman, Ramdas and Balakrishnan 2020, PNAS 117(29)). Exact at every sample
    size and allocation, and somewhat wide; [-1, 1] with no data.

    Raises:
        UsageError: when successes do not fit into trials, or alpha is no fraction.
    """
    require_counts(control_successes, control_trials)
    require_counts(treatment_successes, treatment_trials)
    require_fraction("alpha", alpha)
    control = (control_successes, control_trials - control_successes)
    treatment = (treatment_successes, treatment_trials - treatment_successes)
    floor = log_average(*control) + log_average(*treatment) + math.log(alpha)

    def kept(difference: float) -> bool:
        return _log_profile(control, treatment, difference) > floor

    estimate = _rate(*treatment) - _rate(*control)
    return edge(kept, estimate, -1.0), edge(kept, estimate, 1.0)


def _rate(successes: int, failures: int) -> float:
    return successes / (successes + failures) if successes + failures else 0.5


def _log_profile(
    control: tuple[int, int], treatment: tuple[int, int], difference: float
) -> float:
    """Return the greatest log likelihood with treatment rate = control rate + difference."""

    def rising(rate: float) -> bool:
        other = rate + difference
        slope = control[0] * (1.0 - rate) * other * (1.0 - other)
        slope -= control[1] * rate * other * (1.0 - other)
        slope += treatment[0] * (1.0 - other) * rate * (1.0 - rate)
        slope -= treatment[1] * other * rate * (1.0 - rate)
        return slope > 0.0

    rate = edge(rising, max(0.0, -difference), min(1.0, 1.0 - difference))
    return log_likelihood(*control, rate) + log_likelihood(*treatment, rate + difference)
