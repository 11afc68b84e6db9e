"""Whether text holds what it is read as, and which column an engine itself cannot read so.

A column of text may hold numbers or times, as those of CSV, SQLite and JSON do. How many of its
values are none is counted in one pass over such columns alone, before anything is summed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from meta_experiment.errors import RemoteError, cite
from meta_experiment.sources.warehouse.column_types import Misfit, misfit_of, refuse
from meta_experiment.sources.warehouse.columns import (
    Expression,
    Table,
    column_of,
    moment_of,
    number_of,
    where_all,
)
from meta_experiment.sources.warehouse.engines import Engine
from meta_experiment.sources.warehouse.named_columns import (
    ColumnUse,
    NamedColumn,
    named_columns,
)
from meta_experiment.types.mapping import EventTime, TableForm, TimeForm, WarehouseMapping

_NUMBER = (  # in what all engines have of regular expressions
    "^[ ]*[+-]?(([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"
    "|[iI][nN][fF]([iI][nN][iI][tT][yY])?|[nN][aA][nN])[ ]*$"
)
_TIME_OF_DAY = "[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
_ZONE = "[zZ]|[+-][0-9]{1,2}(:?[0-9]{2})?(:[0-9]{2})?|UTC|GMT|[A-Za-z]+/[A-Za-z_/+-]+"
_MOMENT = f"^[ ]*[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}([T ]+{_TIME_OF_DAY}[ ]*({_ZONE})?)?[ ]*$"
_LONGEST_VALUE = 20  # signs of one that is none


def require_values(
    engine: Engine, tables: Mapping[str, Table], mapping: WarehouseMapping
) -> None:
    """Refuse columns of text with a value that is no number, or no time, where one is expected.

    Raises:
        UsageError: there are such. RemoteError: the engine failed.
    """
    texts = sorted(_texts(tables, mapping), key=lambda it: it.table)
    for name, group in groupby(texts, key=lambda it: it.table):
        columns, table = list(group), tables[name]
        asked: dict[str, Expression] = {}
        for place, named in enumerate(columns):
            value, wrong = _wrong(table, named)
            asked |= {
                f"values{place}": value.count(),
                f"wrong{place}": wrong.sum(),
                f"example{place}": value.min(where=wrong),
            }
        (row,) = engine.rows(table.aggregate(**asked))
        refuse(
            [
                _misfit(named, row[f"values{place}"], wrong, row[f"example{place}"])
                for place, named in enumerate(columns)
                if (wrong := int(row[f"wrong{place}"] or 0))
            ]
        )


def unreadable(
    engine: Engine, tables: Mapping[str, Table], mapping: WarehouseMapping
) -> NamedColumn | None:
    """Return the column that an engine has, and cannot read as it is meant, if there is one.

    Ibis knows some types by a relative: PostgreSQL's money as a decimal. No row is asked for.
    """
    for named in named_columns(mapping):
        column = column_of(tables[named.table], named.column, named.place)
        if _is_answered(engine, tables, named, column) and not _is_answered(
            engine, tables, named, _meant(tables[named.table], named)
        ):
            return named
    return None


def _is_answered(
    engine: Engine, tables: Mapping[str, Table], named: NamedColumn, value: Expression
) -> bool:
    try:
        engine.rows(tables[named.table].select(value=value).limit(0))
    except RemoteError:
        return False
    return True


def _meant(table: Table, named: NamedColumn) -> Expression:
    if named.use is ColumnUse.NUMBER:
        return number_of(table, named.column, named.place)
    if named.use is ColumnUse.TIME:
        return moment_of(table, EventTime(named.column, named.form), named.place)
    return column_of(table, named.column, named.place).cast("string")


def _texts(tables: Mapping[str, Table], mapping: WarehouseMapping) -> Iterator[NamedColumn]:
    """Yield the columns of text that are read as something else, each once."""
    seen = []
    for named in named_columns(mapping):
        own = mapping.tables[named.table].form is TableForm.CLAUDE_CODE  # typed when it is read
        if own or named.use not in (ColumnUse.NUMBER, ColumnUse.TIME):
            continue
        kind = column_of(tables[named.table], named.column, named.place).type()
        key = (named.table, named.column, named.use, named.form, named.kept)
        if kind.is_string() and key not in seen:
            seen.append(key)
            yield named


def _wrong(table: Table, named: NamedColumn) -> tuple[Expression, Expression]:
    """Return the values of a column that count, and whether one is not what it is to be."""
    import ibis

    value = column_of(table, named.column, named.place).cast("string")
    kept = where_all(table, named.kept, named.place)
    if kept is not None:
        value = ibis.ifelse(kept, value, ibis.null("string"))
    return value, value.notnull() & ~value.re_search(_NUMBER if _counts(named) else _MOMENT)


def _misfit(named: NamedColumn, values: int, wrong: int, example: object) -> Misfit:
    one = "a number" if _counts(named) else "a time such as 2026-11-30T09:15:00Z"
    shown, are = cite(example, _LONGEST_VALUE), "is" if wrong == 1 else "are"
    more = f": {wrong:,} of its {values:,} values {are} none, such as {shown}"
    return misfit_of(named, "TEXT", one, more), (
        f"Leave out what is none: where: [{{column: {named.column.name}, not_in: [{shown}]}}]; "
        "or read a view in which the column is what it should be."
    )


def _counts(named: NamedColumn) -> bool:
    return named.use is ColumnUse.NUMBER or named.form is not TimeForm.TIMESTAMP
