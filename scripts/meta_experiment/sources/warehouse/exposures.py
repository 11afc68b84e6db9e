"""One row for each unit that was exposed: when first, to what, and how it is to be counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add

from meta_experiment.sources.warehouse.columns import (
    Expression,
    Table,
    column_of,
    moment_of,
    text_of,
    where_all,
)
from meta_experiment.sources.warehouse.event_values import (
    ValueOfEvents,
    aggregated,
    event_columns,
)
from meta_experiment.types.mapping import ExposureMapping

DAY = 86400


def exposed_units(
    tables: Mapping[str, Table],
    exposure: ExposureMapping,
    arms: Sequence[str],
    as_of: float,
    inline: Sequence[ValueOfEvents] = (),
) -> Table:
    """Return each unit with its first exposure (`began`, `day`) and the arms it was seen in.

    Bit k of `seen` is set for the k-th arm of the plan. Beside it stand how many rows there
    are of it, and how many of them have a time, a variant, and one of the plan. Rows that name
    no unit are those of a unit without a name. `inline` is made of the same rows on the way.
    """
    import ibis

    table = tables[exposure.table]
    columns = {**_exposure_columns(table, exposure, arms), **event_columns(table, inline)}
    kept = where_all(table, exposure.where, "exposure")
    rows = (table if kept is None else table.filter(kept)).select(**columns)
    first = {}
    seen = [rows.arm == place for place in range(len(arms))]
    if exposure.at is not None:
        there = rows.began < moment(as_of)
        seen = [there & it for it in seen]
        first = {
            "began": rows.began.min(where=there & rows.arm.notnull()),
            "times": rows.began.count(),
        }
    bits = [ibis.ifelse(it, 1 << place, 0).max() for place, it in enumerate(seen)]
    units = rows.group_by("unit").aggregate(
        seen=reduce(add, bits).cast("int64"),
        rows=rows.count(),
        variants=rows.variant.count(),
        known=rows.arm.count(),
        **first,
        **aggregated(rows, inline),
    )
    day = ibis.literal(0, "int64")
    if exposure.at is not None:
        day = (units.began.epoch_seconds() // DAY).cast("int64").fill_null(0)
    return units.mutate(day=day)


def _exposure_columns(
    table: Table, exposure: ExposureMapping, arms: Sequence[str]
) -> dict[str, Expression]:
    """Return `unit`, `arm` (its place in the plan), `variant` and, with a time, `began`."""
    import ibis

    named = text_of(table, exposure.variant, "exposure.variant")
    is_text = column_of(table, exposure.variant, "exposure.variant").type().is_string()
    cases = [
        (named == (value if is_text else value.lower()), arms.index(name))
        for value, name in exposure.variants.items()
    ]
    columns = {
        "unit": column_of(table, exposure.unit, "exposure.unit"),
        "arm": ibis.cases(*cases).cast("int64"),
        "variant": named,
    }
    if exposure.at is not None:
        columns["began"] = moment_of(table, exposure.at, "exposure.at")
    return columns


def moment(at: float) -> Expression:
    """Return a moment in UTC as a literal."""
    from datetime import UTC, datetime

    import ibis

    return ibis.timestamp(datetime.fromtimestamp(at, UTC).replace(tzinfo=None))
