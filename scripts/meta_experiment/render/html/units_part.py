"""The units by their keys, where somebody asked for them."""

from __future__ import annotations

from meta_experiment.render.html.page import folded, own, section, table
from meta_experiment.render.markup import Markup
from meta_experiment.render.report_words import moment, name, quantity
from meta_experiment.render.words import counted
from meta_experiment.types.results.report import ReportDocument
from meta_experiment.types.results.report_units import UnitList


def units_part(report: ReportDocument) -> Markup | None:
    """Write the units as a table that is folded."""
    units = report.units
    if units is None or not units.rows:
        return None
    primary = report.plan.primary
    rows = (
        (
            own(name(it.unit, 120)),
            own(name(it.variant, 40)),
            moment(it.closed),
            quantity(it.value, primary.unit),
        )
        for it in units.rows
    )
    heading = f"Units by their keys, with {name(primary.name, 60)}"
    head = ("Unit", "Arm", "Closed", "Value")
    return section(
        "units", units_finding(units), folded(heading, table(heading, head, rows, numbers=(3,)))
    )


def units_finding(units: UnitList) -> str:
    """Say which units are told by their keys."""
    told = len(units.rows)
    if told == units.total:
        return f"{counted(told, 'unit')} by their keys: share this page with care"
    return (
        f"{counted(told, 'unit')} of {units.total:,} by their keys, the least and the largest "
        "values: share this page with care"
    )
