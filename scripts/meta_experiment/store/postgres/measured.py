"""Reading what others wrote, bounded by bytes: sizes are looked at in the server before.

Whoever may insert a row may insert a large one, or many. A value that is larger than this
program writes stays in the server, and so does what goes beyond one reading as a whole. Where
the server knows who wrote a row, each has a share of the reading that no other can fill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meta_experiment.errors import CorruptStoreError, cite
from meta_experiment.store.exchange import BYTES_AT_MOST

if TYPE_CHECKING:
    from psycopg import Connection

WHOLE = 64 << 20  # bytes of one reading
NAME, SIGNATURE, DOCUMENT, TEXT = 1024, 512, BYTES_AT_MOST, 16 << 20  # of a value, at most
FIXED = 0  # what cannot be large
_ROW = 256  # bytes that a row takes beside its values

Columns = Mapping[str, int]  # by name: the most bytes of a value, or FIXED


def rows(
    connection: Connection[Any],
    what: str,
    columns: Columns,
    source: str,
    parameters: Sequence[object],
) -> list[tuple[Any, ...]]:
    """Return the rows of a source (what follows `from`); None stands for what is too large.

    Args:
        connection: where to ask.
        what: names them, for people.
        columns: what is asked for; none of those with a bound may be null.
        source: a table and its conditions, with the order.
        parameters: of the source.

    Raises:
        CorruptStoreError: as a whole they are too large.
    """
    sizes = "".join(
        f" + case when octet_length({name}) <= {most} then octet_length({name}) else 0 end"
        for name, most in columns.items()
        if most
    )
    small = ", ".join(
        f"case when octet_length({name}) <= {most} then {name} end" if most else name
        for name, most in columns.items()
    )
    query = (
        f"select {small}, so_far from (select *, sum(({_ROW}{sizes})::bigint)"  # noqa: S608
        " over (rows unbounded preceding) as so_far"
        f" from (select {', '.join(columns)} from {source} limit {WHOLE // _ROW + 1}) asked)"
        f" measured where so_far <= {WHOLE} + {_ROW} + {sum(columns.values())}"
    )
    found = connection.execute(query.encode(), parameters).fetchall()
    if found and found[-1][-1] > WHOLE:
        raise CorruptStoreError(
            f"The team's store has more than {WHOLE >> 20} MB of {what}, which no program of "
            "ours wrote; none of it was read.",
            hint="Ask who keeps the store to look who wrote it, and to remove it.",
        )
    return [row[:-1] for row in found]


def shared(source: str, writer: str, order: str) -> str:
    """Return a source of which each who wrote has the same room; what follows `from`.

    It adds `size` (of the row), `writer`, and `so_far`: the bytes up to a row where rows come
    in turn, those of each in this order. So that many of one hide nothing of another.

    Args:
        source: a query of rows with a `number` and, as `bytes`, how large their values are.
        writer: the column of who wrote a row.
        order: of the rows of one.
    """
    return f"""
        (select *, sum(size) over (order by theirs, number) as so_far
        from (
            select *, sum(size) over (partition by writer order by {order}) as theirs
            from (
                select *, {_ROW} + bytes::bigint as size, {writer} as writer
                from ({source}) rows
            ) sized
        ) turned) shared
    """  # noqa: S608 - of constants


def too_large(what: str, most: int) -> str:
    """Say why a value was not read."""
    return f"{what} is larger than the {most:,} bytes that this program writes at most"


def name_of(value: str | None) -> str:
    """Return a name, and of one that was too large, that it was."""
    return cite("too long a name") if value is None else value
