"""What all promotions save, in words: an estimate, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_experiment.render import words
from meta_experiment.render.report_words import (
    NO_BREAK,
    amounts,
    listed,
    name,
    per_cent,
    quantity,
)
from meta_experiment.render.words import counted
from meta_experiment.types.results.project_report import (
    MetricSavings,
    ProjectImpact,
)

_PLAIN = ("s", "USD")  # time and money say themselves what they are
_LEANS = (
    "A change is promoted where its estimate is high, so that these sums lean to the high "
    "side; what a holdout estimates was not picked for that."
)


def impact_headline(impact: ProjectImpact) -> str:
    """Say what is saved a month by what stands, where an interval leaves zero."""
    if not impact.known:
        return "What the promotions save a month is not known"
    less = [it for it in impact.items if (it.month.low or 0.0) > 0]
    more = [it for it in impact.items if (it.month.high or 0.0) < 0]
    told = [
        f"{word} about {listed([*map(_month, items)])}{end}"
        for word, items, end in (("saves", less, ""), ("costs", more, " more"))
        if items
    ]
    if told:
        return f"What was promoted {' and '.join(told)} a month"
    if any(it.month.saved for it in impact.items):
        return "What the promotions save a month is not settled"
    return "Nothing that was promoted stands any more"


def impact_rows(impact: ProjectImpact) -> Iterator[tuple[str, str, str, str]]:
    """Write of each metric what is saved a month, from what to what, and so far."""
    for it in impact.items:
        month = it.month
        stands = (month.saved, month.low, month.high) != (0, 0, 0)
        lost = (month.saved if stands else it.so_far.saved) < 0
        sign, low, high = (-1, month.high, month.low) if lost else (1, month.low, month.high)
        ends = [None if end is None else sign * end for end in (low, high)]
        yield (
            f"{name(it.label, 40)} {'added' if lost else 'saved'} a month",
            quantity(sign * month.saved, it.unit) if stands else "nothing",
            amounts(ends[0], ends[1], it.unit).replace(NO_BREAK, " ")
            if stands
            else "none of it stands now",
            quantity(sign * it.so_far.saved, it.unit),
        )


def impact_basis(impact: ProjectImpact) -> Sequence[str]:
    """Say what the sums rest on, and how far they can be trusted."""
    return tuple(_basis(impact))


def _basis(impact: ProjectImpact) -> Iterator[str]:
    if not impact.known:
        yield (
            f"Of {counted(impact.promotions, 'promotion')} nothing was recorded that tells it: "
            "an earlier program decided, it was on cases, or too soon to know a rate of use."
        )
        return
    back = impact.promotions - impact.standing
    told = f"Estimates, known of {impact.known:,} of {counted(impact.promotions, 'promotion')}"
    fewer = [it for it in impact.items if it.promotions < impact.known]
    if fewer:
        told += f" ({listed([f'{name(it.label, 40)} of {it.promotions:,}' for it in fewer])})"
    if impact.watched:
        told += f", of {impact.watched:,} by a holdout"
    if back:
        told += f"; {back:,} taken back or undone, which count until then"
    yield f"{told}."
    if impact.elsewhere:
        yield (
            f"{len(impact.elsewhere):,} of these "
            f"{'was' if len(impact.elsewhere) == 1 else 'were'} not made here, and counted as "
            f"the registry has it: {words.listed(impact.elsewhere)}."
        )
    if impact.level is not None:
        yield (
            f"{per_cent(impact.level)} interval, the errors of promotions being independent; "
            "at the rate of use seen when each was decided."
        )
        yield _LEANS


def _month(it: MetricSavings) -> str:
    label, amount = name(it.label, 40), abs(it.month.saved)
    if it.unit in _PLAIN:
        return quantity(amount, it.unit)
    if it.unit and label.endswith(it.unit):
        return f"{quantity(amount, '')} {label}"
    return f"{quantity(amount, it.unit)} of {label}"
