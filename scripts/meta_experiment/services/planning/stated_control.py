"""What a user says of the control before anything is measured here: counts, means, a rate."""

from __future__ import annotations

import math
import re

from meta_experiment.errors import UsageError, cite
from meta_experiment.types import Metric, MetricKind, Plan, Scale
from meta_experiment.types.results.forecast import Spread

_PER_CENT = re.compile(r"(?:about |around |maybe |~)?\s*(\d+(?:\.\d+)?)\s*%")
_ONE_IN = re.compile(r"(\d+)\s+(?:in|of|out of)\s+(?:every\s+)?(\d+)", re.IGNORECASE)
_FROM = re.compile(r"\bfrom\s+(?:about |around |~)?(\d+(?:\.\d+)?)\s*%", re.IGNORECASE)
_FORMS = "expected N,SUCCESSES or N,MEAN,SD, or a rate such as '5%' or '1 in 20'"


def stated_control(text: str, metric: Metric) -> Spread:
    """Read what is known of the control: sums of it, or a rough rate.

    Raises:
        UsageError: it is neither, or a rate of what is none.
    """
    numbers = text.split(",")
    if len(numbers) == 1:
        return _of_rate(_rate(text), text.strip(), metric)
    try:
        n, *rest = map(float, numbers)
    except ValueError:
        raise UsageError(f"--control-past {cite(text)}: {_FORMS}.") from None
    if len(rest) == 1 and n >= 1 and 0 <= rest[0] <= n:
        return _of_rate(rest[0] / n, f"{rest[0]:g} of {n:g}", metric)
    if len(rest) == 2 and n >= 2 and rest[1] > 0 and all(map(math.isfinite, rest)):
        mean, sd = rest
        return _of_means(mean, sd, f"{n:g} values", metric)
    raise UsageError(f"--control-past {cite(text)}: {_FORMS}.")


def of_hypothesis(plan: Plan) -> Spread | None:
    """Return the rate of the control that a hypothesis names (`from 4% to 5%`), if any."""
    found = _FROM.search(plan.hypothesis)
    if plan.primary.kind is not MetricKind.PROPORTION or found is None:
        return None
    rate = float(found[1]) / 100
    return _of_rate(rate, "by the hypothesis", plan.primary) if 0 < rate < 1 else None


def question(metric: Metric) -> str:
    """Ask for what had to be assumed; a rough answer will do."""
    if metric.kind is MetricKind.PROPORTION:
        return (
            f"How often is {metric.name} 1 today? A rough answer will do: "
            "--control-past '1 in 20'"
        )
    return (
        f"What is {metric.name} today, of how many uses, and how far does it spread? "
        "--control-past N,MEAN,SD"
    )


def _rate(text: str) -> float:
    per_cent, one_in = _PER_CENT.fullmatch(text.strip()), _ONE_IN.search(text)
    if per_cent:
        return float(per_cent[1]) / 100
    if one_in and int(one_in[2]):
        return int(one_in[1]) / int(one_in[2])
    raise UsageError(f"--control-past {cite(text)}: {_FORMS}.")


def _of_rate(rate: float, words: str, metric: Metric) -> Spread:
    if metric.kind is not MetricKind.PROPORTION:
        raise UsageError(
            f"--control-past: {metric.name} is no rate; expected N,MEAN,SD of its values."
        )
    if not 0 < rate < 1:
        raise UsageError(f"--control-past: a rate of {rate:g}, expected one between 0 and 1.")
    return Spread(rate, math.sqrt(rate * (1 - rate)), assumed=False, stated=words)


def _of_means(mean: float, sd: float, words: str, metric: Metric) -> Spread:
    if metric.kind is MetricKind.PROPORTION:
        raise UsageError(f"--control-past: {metric.name} is a rate; expected N,SUCCESSES.")
    if metric.scale is Scale.RAW:
        return Spread(mean, sd, assumed=False, stated=words)
    if mean <= 0:
        raise UsageError(
            f"--control-past: a mean of {mean:g}, expected one above zero on the log scale."
        )
    variance = math.log1p((sd / mean) ** 2)  # of the logarithm of a log-normal
    centre = math.log(mean) - 0.5 * variance
    return Spread(centre, math.sqrt(variance), assumed=False, stated=words)
