"""Whether the data may be believed: checks, the way of the units, when they came, on what."""

from __future__ import annotations

from meta_experiment.render.check_words import check_rows
from meta_experiment.render.findings import data_finding
from meta_experiment.render.html.page import (
    figure,
    folded,
    marked,
    own,
    owned,
    pill,
    section,
    table,
)
from meta_experiment.render.markup import Markup, element, joined
from meta_experiment.render.pictures.bars import arriving
from meta_experiment.render.pictures.drawing import arm_style
from meta_experiment.render.report_tables import (
    flow_rows,
    saving_rows,
    strata_rows,
    version_rows,
)
from meta_experiment.render.report_words import (
    day,
    moment,
    name,
    quantity,
)
from meta_experiment.types.results.report import ReportDocument


def data_part(report: ReportDocument) -> Markup:
    """Write what speaks for the data, and what against them."""
    return section(
        "data",
        data_finding(report),
        table(
            "Checks of the data",
            ("Check", "What was seen", "State"),
            ((label, own(seen), pill(*state)) for label, seen, state in check_rows(report)),
            cards=True,
        ),
        element("h3", "From the draw to the comparison"),
        _flow(report),
        _arrivals(report),
        _versions(report),
        _strata(report),
    )


def _flow(report: ReportDocument) -> Markup:
    return table(
        "Units of every arm, and what was left out on the way",
        (
            "Arm",
            "Assigned",
            "Exposed",
            "Closed",
            "Compared",
            "Trials",
            "Left out, cut short, missing",
        ),
        owned(flow_rows(report)),
        numbers=range(1, 6),
        cards=True,
    )


def _arrivals(report: ReportDocument) -> Markup | None:
    arrivals = report.arrivals
    days = arrivals.step_seconds / 86_400
    each = "hour" if days < 0.2 else "quarter of a day" if days < 1 else "day"
    each = {7.0: "week", 30.0: "30 days"}.get(days, each)
    title = f"Units by when they began, for each {each} and arm"
    drawn = arriving(arrivals, "a", title)
    if drawn is None:
        return None
    rows = (
        (
            day(begin) if days >= 1 else moment(begin),
            *(f"{counts[at]:,}" for counts in arrivals.units.values()),
        )
        for at in range(max(map(len, arrivals.units.values())))
        for begin in ((arrivals.begin or 0.0) + at * arrivals.step_seconds,)
    )
    arms = [name(arm, 40) for arm in arrivals.units]
    numbers = range(1, 1 + len(arms))
    inside = [marked(arm, arm_style(place)) for place, arm in enumerate(arrivals.units)]
    return figure(
        drawn,
        joined(f"{title}. In each group from the left:", inside),
        folded(
            "The numbers of this picture", table(title, ("Begin", *arms), rows, numbers=numbers)
        ),
    )


def _versions(report: ReportDocument) -> Markup | None:
    if not report.versions:
        return None
    arms = [name(arm, 40) for arm in report.flow]
    return folded(
        "Versions that the trials ran on",
        table(
            "Versions by arm",
            ("Kind", "Version", "First", "Last", *arms),
            ((own(kind), own(version), *rest) for kind, version, *rest in version_rows(report)),
            numbers=range(4, 4 + len(arms)),
        ),
    )


def _strata(report: ReportDocument) -> Markup | None:
    if not report.strata:
        return None
    return folded(
        "The effect in parts of the units (to explore; decides nothing)",
        table(
            "The effect in parts of the units",
            ("Part", "Units", "Change", "Interval"),
            owned(strata_rows(report)),
            numbers=(1, 2, 3),
        ),
    )


def worth_part(report: ReportDocument, heading: str) -> Markup | None:
    """Write what a month of uses would save."""
    impact = report.impact
    if impact is None or impact.uses is None or not impact.items:
        return None
    spent = {arm: usd for arm, usd in report.cost.spent.items() if usd is not None}
    told = ""
    if spent:
        total = quantity(sum(spent.values()), "USD")
        told = f" The trials themselves took {total}."
    return section(
        "worth",
        heading,
        element(
            "p",
            f"At the rate of use seen so far, about {impact.uses:,.0f} uses in 30 days, all of "
            f"them with {name(impact.treatment, 40)}. Below zero it would take more.{told}",
            class_="lede",
        ),
        table(
            "Expected savings in 30 days",
            ("What", "A use takes now", "Saved in 30 days", "Interval"),
            owned(saving_rows(impact)),
            numbers=(1, 2, 3),
            cards=True,
        ),
    )
