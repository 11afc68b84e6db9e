"""What all promotions of a project save together: a month as they stand, and so far.

Each was compared with the text that it replaced, so that promotions of one prompt add up and
nothing counts twice. They rest on units of their own: errors are independent, and the distances
from a sum to the ends of its interval are the roots of the summed squares of theirs. The
interval of a promotion is no narrower than that of a normal estimate at its level, and so is
that of the sum. Ends added up instead would bound the case that all err the same way at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from meta_experiment.decide.reporting.impact import MONTH
from meta_experiment.decide.reporting.metric_words import label
from meta_experiment.records import dataclass
from meta_experiment.types import OutcomeImpact, UseSaving
from meta_experiment.types.results.project_report import (
    MetricSavings,
    ProjectImpact,
    SavedAmount,
)

_DAY = 86_400.0
_MOST = 1e15  # of a unit a month, beyond which it is no figure of anybody's use


@dataclass(frozen=True, slots=True)
class StandingTime:
    """The time in which a promoted text stood at a prompt's path, and what it saves in a use.

    `until` is when it was taken back. `before` is the text that it replaced, in whatever form
    can be compared. `watched` says that a holdout gave the impact, and not the promotion;
    `elsewhere` names the experiment if the impact was not measured here.
    """

    prompt: str
    at: float
    until: float | None
    before: object
    impact: OutcomeImpact | None
    watched: bool = False
    elsewhere: str | None = None


@dataclass(frozen=True, slots=True)
class _Rate:
    """A promotion of which a rate of use is known, and so what it saves in a time."""

    stood: StandingTime
    impact: OutcomeImpact
    uses: float  # of 30 days


def savings(promotions: Sequence[StandingTime], as_of: float) -> ProjectImpact | None:
    """Add up what promotions save; None where there was none."""
    if not promotions:
        return None
    times = _until_undone(sorted(promotions, key=lambda it: it.at))
    known = [
        _Rate(it, it.impact, it.impact.uses)
        for it in times
        if it.impact is not None and it.impact.uses is not None and _is_credible(it.impact)
    ]
    return ProjectImpact(
        promotions=len(times),
        standing=sum(it.until is None for it in times),
        known=len(known),
        watched=sum(it.stood.watched for it in known),
        elsewhere=tuple(it.stood.elsewhere for it in known if it.stood.elsewhere is not None),
        level=min((it.impact.level for it in known), default=None),
        items=tuple(_items(known, as_of)),
    )


def _is_credible(impact: OutcomeImpact) -> bool:
    """Say whether figures may enter a sum: a commit may have brought along any number."""
    uses = impact.uses or 0.0
    told = [end for it in impact.per_use.values() for end in (it.saved, it.low, it.high)]
    amounts = [abs(end) * uses for end in told if end is not None]
    return 0 < impact.level < 1 and 0 < uses <= _MOST and max(amounts, default=0.0) <= _MOST


def _until_undone(times: Sequence[StandingTime]) -> list[StandingTime]:
    """End what was undone by hand: a later promotion found again what stood there before."""
    found = list(times)
    first: dict[str, list[tuple[object, int]]] = {}  # of each text that was replaced
    standing: dict[str, list[int]] = {}
    for place, one in enumerate(times):
        known, open_ = first.setdefault(one.prompt, []), standing.setdefault(one.prompt, [])
        since = next((at for text, at in known if text == one.before), place)
        if one.before is not None and since == place:
            known.append((one.before, place))
        while open_ and open_[-1] >= since:
            undone = open_.pop()
            it = found[undone]
            if it.until is None or it.until > one.at:
                found[undone] = replace(it, until=one.at)
        open_.append(place)
    return found


def _items(known: Sequence[_Rate], as_of: float) -> Iterator[MetricSavings]:
    newest = {it.stood.prompt: it.uses for it in known}

    def so_far(it: _Rate) -> float:
        end = as_of if it.stood.until is None else min(as_of, it.stood.until)
        return it.uses * max(0.0, end - it.stood.at) / _DAY / MONTH

    def a_month(it: _Rate) -> float:
        return newest[it.stood.prompt] if it.stood.until is None else 0.0

    for name in dict.fromkeys(name for it in known for name in it.impact.per_use):
        have = [it for it in known if name in it.impact.per_use]
        yield MetricSavings(
            metric=name,
            label=label(name),
            unit=have[-1].impact.per_use[name].unit,
            promotions=len(have),
            month=_sum([(it.impact.per_use[name], a_month(it)) for it in have]),
            so_far=_sum([(it.impact.per_use[name], so_far(it)) for it in have]),
        )


def _sum(parts: Sequence[tuple[UseSaving, float]]) -> SavedAmount:
    """Add what uses save, of each as many as there are."""
    parts = [(one, uses) for one, uses in parts if uses > 0]
    saved = math.fsum(one.saved * uses for one, uses in parts)
    below = _together([(one.saved, one.low, uses) for one, uses in parts])
    above = _together([(one.saved, one.high, uses) for one, uses in parts])
    return SavedAmount(
        saved,
        None if below is None else saved - below,
        None if above is None else saved + above,
    )


def _together(parts: Sequence[tuple[float, float | None, float]]) -> float | None:
    """Return how far an end of a sum lies from it; None where one of the ends is unbounded."""
    known = [abs(saved - end) * uses for saved, end, uses in parts if end is not None]
    return math.hypot(*known) if len(known) == len(parts) else None
