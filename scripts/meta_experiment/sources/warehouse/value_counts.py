"""Values of a quantile's units, each with its number: exact, until there are too many.

Beyond that the engine rounds each to eleven binary digits, one part in 2,048, before it counts
them. That is one rising function, the same for both arms and settled before any data, so that
what tells two quantiles apart holds of the rounded values as it did of the others: ties can
only weaken it.
"""

from __future__ import annotations

from meta_experiment.sources.warehouse.columns import Expression, Table
from meta_experiment.sources.warehouse.unit_values import UnitColumns

MOST_EXACT = 20_000  # units of one collection
_DIGITS = 2.0**10


def value_counts(units: Table, columns: UnitColumns) -> Table:
    """Return a row for each arm, day and value, with the number of its units."""
    import ibis

    name = columns.values[0]
    known = units.filter(units.counts, units[name].notnull())
    known = known.mutate(all_units=known.count().over(ibis.window()))
    value = known[name]
    kept = ibis.ifelse(known.all_units > MOST_EXACT, rounded(value), value)
    known = known.mutate(value=kept)
    return known.group_by(["seen", "day", "value"]).aggregate(units=known.count())


def rounded(value: Expression) -> Expression:
    """Return a number with eleven binary digits, which rise with it."""
    import ibis

    size = ibis.ifelse(value == 0.0, 1.0, value.abs())  # as zero has no logarithm
    power = ibis.literal(2.0, "float64").pow(size.log2().floor())
    near = (size / power * _DIGITS).round().cast("float64") / _DIGITS * power
    return near * value.sign()
