"""Tables that nobody looked at, of the types that a mapping implies: to compile queries by."""

from __future__ import annotations

from meta_experiment.sources.warehouse.collecting import Queries
from meta_experiment.sources.warehouse.columns import Table
from meta_experiment.sources.warehouse.engine_words import reworded, without_words
from meta_experiment.sources.warehouse.named_columns import (
    ColumnUse,
    NamedColumn,
    named_columns,
)
from meta_experiment.types.mapping import TimeForm, WarehouseMapping

DIALECTS = ("bigquery", "clickhouse", "databricks", "duckdb", "postgres", "snowflake")


def assumed_tables(mapping: WarehouseMapping) -> dict[str, Table]:
    """Return the tables of a mapping; what lies within a column is taken for JSON."""
    import ibis

    kinds: dict[str, dict[str, str]] = {}
    for named in named_columns(mapping):
        kind = "json" if named.column.path else _type(named)
        kinds.setdefault(named.table, {}).setdefault(named.column.name, kind)
    found = {}
    for name, columns in kinds.items():
        *place, table = (mapping.tables[name].table or name).split(".")
        catalog, database = ".".join(place[:-1]) or None, place[-1] if place else None
        found[name] = ibis.table(columns, name=table, catalog=catalog, database=database)
    return found


def written_queries(asked: Queries, dialect: str) -> dict[str, str]:
    """Return the queries of a collection in the words of one engine.

    Raises:
        UsageError: it has no words for something that the mapping says.
    """
    import ibis
    from ibis.common.exceptions import IbisError

    named = {
        "sums": asked.sums,
        **{f"values of {name}": query for name, query in asked.values.items()},
    }
    try:
        return {
            name: reworded(str(ibis.to_sql(query, dialect=dialect)), dialect)
            for name, query in named.items()
        }
    except IbisError as error:
        raise without_words(error, dialect) from None


def _type(named: NamedColumn) -> str:
    value = named.values[0] if named.values else ""
    if named.use is ColumnUse.NUMBER:
        return "float64"
    if named.use is ColumnUse.TIME:
        return "timestamp" if named.form is TimeForm.TIMESTAMP else "int64"
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "float64"
