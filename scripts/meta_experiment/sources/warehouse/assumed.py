"""Tables that nobody looked at, of the types that a mapping implies: to compile queries by."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from meta_experiment.sources.warehouse.collecting import Queries
from meta_experiment.sources.warehouse.columns import Table
from meta_experiment.sources.warehouse.engine_words import reworded
from meta_experiment.types.mapping import (
    EventColumn,
    EventFilter,
    EventMapping,
    EventTime,
    TimeForm,
    WarehouseMapping,
)

DIALECTS = ("bigquery", "clickhouse", "databricks", "duckdb", "postgres", "snowflake")
_Typed = tuple[str, EventColumn, str]  # table, column, type


def assumed_tables(mapping: WarehouseMapping) -> dict[str, Table]:
    """Return the tables of a mapping; what lies within a column is taken for JSON."""
    import ibis

    kinds: dict[str, dict[str, str]] = {}
    for table, column, kind in chain.from_iterable(_all(mapping)):
        kinds.setdefault(table, {}).setdefault(column.name, "json" if column.path else kind)
    found = {}
    for name, columns in kinds.items():
        *place, table = (mapping.tables[name].table or name).split(".")
        catalog, database = ".".join(place[:-1]) or None, place[-1] if place else None
        found[name] = ibis.table(columns, name=table, catalog=catalog, database=database)
    return found


def written_queries(asked: Queries, dialect: str) -> dict[str, str]:
    """Return the queries of a collection in the words of one engine."""
    import ibis

    named = {
        "sums": asked.sums,
        **{f"values of {name}": query for name, query in asked.values.items()},
    }
    return {
        name: reworded(str(ibis.to_sql(query, dialect=dialect)), dialect)
        for name, query in named.items()
    }


def _all(mapping: WarehouseMapping) -> Iterator[Iterator[_Typed]]:
    exposure = mapping.exposure
    yield iter(
        (
            (exposure.table, exposure.unit, "string"),
            (exposure.table, exposure.variant, "string"),
        )
    )
    yield _time(exposure.table, exposure.at)
    yield _conditions(exposure.table, exposure.where)
    for events in (*mapping.metrics.values(), *mapping.covariates.values()):
        yield _events(events)


def _events(events: EventMapping) -> Iterator[_Typed]:
    yield events.table, events.unit, "string"
    yield from _time(events.table, events.at)
    if events.value is not None:
        yield events.table, events.value, "float64"
    yield from _conditions(events.table, events.where)


def _time(table: str, at: EventTime | None) -> Iterator[_Typed]:
    if at is not None:
        yield table, at.column, "timestamp" if at.form is TimeForm.TIMESTAMP else "int64"


def _conditions(table: str, conditions: tuple[EventFilter, ...]) -> Iterator[_Typed]:
    for item in conditions:
        value = item.values[0] if item.values else ""
        kind = "boolean" if isinstance(value, bool) else "string"
        yield table, item.column, kind if isinstance(value, bool | str) else "float64"
