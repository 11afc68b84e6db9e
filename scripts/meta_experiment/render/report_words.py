"""Numbers of a report in words: what a reader is told, in two figures, whatever the form."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from meta_experiment.decide.odds import odds as odds_against
from meta_experiment.decide.odds import power_of_ten
from meta_experiment.model import instants
from meta_experiment.render.words import one_line
from meta_experiment.stats.figures import chosen, two_figures
from meta_experiment.types import Interval, MetricKind
from meta_experiment.types.results.report_metrics import (
    ReportComparison,
    ReportMetric,
)

MINUS, THIN, NO_BREAK = "−", "\u202f", "\u00a0"
_MOST = 9.99  # of a change: beyond, a per cent is no help
_ALL = 1.0  # nothing gets better by more where less is better: such an end says nothing
_STATUSES = {"rolled_back": "rolled back", "expired": "ended"}  # as one says them
_LONGEST_NAME = 120
_SHARES = (MetricKind.PROPORTION, MetricKind.PREFERENCE)
_MINUTE, _TWO_MINUTES, _HOUR = 60.0, 120.0, 3600.0  # seconds
_LEAST_TICK, _LONG_TICK = 1e-4, 1e7  # values beside an axis that are written out


def name(text: str, most: int = _LONGEST_NAME) -> str:
    """Write somebody's name for a thing on one line, cut where no name ends."""
    return one_line(text, most)


def per_cent(fraction: float | None, *, signed: bool = False) -> str:
    """Write a fraction as per cent with two figures, cut where it is beyond all measure."""
    if fraction is None or math.isnan(fraction):
        return "–"
    sign = ("+" if signed and fraction else "") if fraction >= 0 else MINUS
    size = abs(fraction)
    if size > _MOST:
        return f"{'over ' if fraction > 0 else 'below '}{sign}999%"
    return f"{sign}{two_figures(100 * size)}%"


def apart(fraction: float, bar: float | None, *, signed: bool = False) -> str:
    """Write a fraction as per cent, apart from a bar beside it that it only nearly is."""
    told = per_cent(fraction, signed=signed)
    if bar is None or fraction == bar or told != per_cent(bar, signed=signed):
        return told
    return f"just {'over' if fraction > bar else 'under'} {told}"


def planned(fraction: float | None) -> str:
    """Write a fraction that somebody chose, as they chose it."""
    return "–" if fraction is None else chosen(fraction)


def change_chosen(fraction: float) -> str:
    """Write a change that somebody chose, with its sign."""
    return f"{'+' if fraction > 0 else MINUS if fraction < 0 else ''}{planned(abs(fraction))}"


def between(interval: Interval) -> str:
    """Write an interval of a relative effect; an end may lie beyond all bounds."""
    low, high = interval.low, interval.high
    if low is None and high in (None, _ALL):
        return "not known yet"
    if low is None:
        return f"up to {per_cent(high, signed=True)}"
    if high is None:
        return f"{per_cent(low, signed=True)} or more"
    return f"{per_cent(low, signed=True)}{NO_BREAK}to{NO_BREAK}{per_cent(high, signed=True)}"


def value(amount: float | None, metric: ReportMetric) -> str:
    """Write a value of a metric with its unit."""
    if amount is not None and metric.kind in _SHARES:
        return per_cent(amount)
    said_already = metric.unit and metric.label.endswith(metric.unit)
    return quantity(amount, "" if said_already else metric.unit)


def quantity(amount: float | None, unit: str) -> str:
    """Write an amount in a unit with three figures: 73.5 s, $0.0911, 5,240 tokens."""
    if amount is None or not math.isfinite(amount):
        return "–"
    sign, size = MINUS if amount < 0 else "", abs(amount)
    if unit == "USD":
        return f"{sign}${_dollars(size)}"
    if unit == "s" and size >= _TWO_MINUTES:
        unit, size = ("h", size / _HOUR) if size >= _HOUR else ("min", size / _MINUTE)
    return f"{sign}{_measured(size)}{THIN}{name(unit, 20)}".rstrip(THIN)


def amounts(low: float | None, high: float | None, unit: str) -> str:
    """Write from what to what an amount goes; an end may lie beyond all bounds."""
    ends = ["?" if end is None else quantity(end, unit) for end in (low, high)]
    return f"{ends[0]}{NO_BREAK}to{NO_BREAK}{ends[1]}"


def _dollars(size: float) -> str:
    """Write money with its cents from a dollar on, below with three figures."""
    if size >= 0.9995:
        return f"{size:,.2f}" if size < 1e15 else three_figures(size)
    return "0" if size == 0 else _measured(size)


def _measured(size: float) -> str:
    """Write a measured number with three figures, also where the last are zero."""
    if size >= 999.5 or size < 1e-4:
        return three_figures(size)
    return f"{size:#.3g}".rstrip(".")


def three_figures(size: float) -> str:
    """Write a number with three figures, in thousands where one can read it."""
    if size >= 1e15 or 0 < size < 1e-4:
        return f"{size:.2g}"
    if size >= 999.5:
        step = 10 ** max(0, math.floor(math.log10(size)) - 2)
        return f"{round(size / step) * step:,}"
    return f"{size:.3g}"


def tick(amount: float) -> str:
    """Write a value beside an axis, where it has little room."""
    sign, size = MINUS if amount < 0 else "", abs(amount)
    if size == 0 or _LEAST_TICK <= size < _LONG_TICK:
        return f"{sign}{three_figures(size)}"
    digits, exponent = f"{size:.2e}".split("e")
    power = power_of_ten(int(exponent))
    return f"{sign}{power}" if float(digits) == 1 else f"{sign}{float(digits):g}·{power}"


def evidence(log: float, *, odds: bool, bar: float | None = None) -> str:
    """Write evidence: an e-value as odds against chance, another rule's as its p-value.

    Where a bar stands beside that it just misses, it says so.
    """
    if odds:
        return odds_against(log, bar)
    p = min(1.0, math.exp(-log)) if log < 700 else 0.0
    if p < 1e-4:
        return "p < 0.0001"
    missed = bar is not None and log < bar and f"{p:.2g}" == f"{math.exp(-bar):.2g}"
    return f"p {'just over' if missed else '='} {p:.2g}"


def evidence_bar(log: float, *, odds: bool) -> str:
    """Write what evidence has to reach: odds against chance, or the largest p-value."""
    return odds_against(log) if odds else f"at most {math.exp(-log):.2g}"


def change(metric: ReportMetric, comparison: ReportComparison) -> str:
    """Write a change as one says it: 22% faster; of a rate from what to what."""
    relative = comparison.effect.relative
    if metric.kind in _SHARES:
        ends = (comparison.control_value, comparison.treatment_value)
        return " → ".join(value(end, metric) for end in ends)
    if relative is None:
        return "no relative change"
    if relative == 0:
        return "no change"
    return f"{per_cent(abs(relative))} {metric.better if relative > 0 else metric.worse}"


def moment(at: float | None) -> str:
    """Write a time to the minute, in UTC."""
    if at is None:
        return "–"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def day(at: float | None) -> str:
    """Write a day, in UTC."""
    return "–" if at is None else instants.day(at)


def listed(names: list[str]) -> str:
    """Write names as a list one says aloud."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def setting(found: object) -> str:
    """Write what a plan has of a setting; a whole number without decimals."""
    whole = isinstance(found, float) and found.is_integer()
    return name(f"{found:.0f}" if whole else str(found), 200)


def moved(before: str | None, after: str | None) -> str:
    """Write what became of a value of somebody's; nothing where it stayed."""
    if before == after or after is None:
        return ""
    return " → ".join(name(_STATUSES.get(it, it), 60) for it in (before, after) if it)
