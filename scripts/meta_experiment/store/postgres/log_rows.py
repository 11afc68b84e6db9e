"""The lines of logs as rows, and rows as lines again, to the byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from psycopg import Connection

_NO_TEXT = b"\0"  # what PostgreSQL takes in no text


UNLIKE = "the store does not have as many bytes there as it says"


class Chunk(NamedTuple):
    """Whole lines that follow what a log has, under a signature that may be empty."""

    first: int
    lines: bytes
    signature: bytes


class LogRow(NamedTuple):
    """A line without its newline, at its offset; one that is no text is `raw`."""

    byte_offset: int
    line: str | None
    raw: bytes | None


def rows_of(first: int, lines: bytes) -> Iterator[LogRow]:
    """Yield the rows of whole lines that begin at an offset."""
    for line in lines[:-1].split(b"\n"):
        try:
            yield LogRow(first, _plain(line), None)
        except UnicodeDecodeError:
            yield LogRow(first, None, line)
        first += len(line) + 1


def _plain(line: bytes) -> str:
    if _NO_TEXT in line:
        raise UnicodeDecodeError("utf-8", line, 0, 1, "not what PostgreSQL takes for text")
    return line.decode()


def log_id(
    connection: Connection[Any], project_id: int, experiment_id: str, machine: str, log: str
) -> int:
    """Return the number of a log, known to the store from now on.

    It holds the log until the transaction ends: who asks for its size next finds what nobody
    else adds to. Not by a lock of its row, which takes the right to update it, as somebody who
    writes trials alone does not have. Should two get past each other all the same, the chain of
    batches refuses the second.
    """
    place = [project_id, experiment_id, machine, log]
    connection.execute(
        "select pg_advisory_xact_lock(hashtextextended(%s, 0))",
        ["/".join(map(str, place))],
    )
    select = (
        "select log_id from meta_experiment.logs"
        " where (project_id, experiment, machine, log) = (%s, %s, %s, %s)"
    )
    found = connection.execute(select, place).fetchone()
    if found is None:
        connection.execute(
            "insert into meta_experiment.logs (project_id, experiment, machine, log)"
            " values (%s, %s, %s, %s)"
            " on conflict (project_id, experiment, machine, log) do nothing",
            place,
        )
        found = connection.execute(select, place).fetchone()
    assert found is not None  # noqa: S101 - it is there, whoever inserted it
    number: int = found[0]
    return number


def size_of(connection: Connection[Any], number: int) -> int:
    """Return the offset behind the last batch of a log."""
    (size,) = connection.execute(
        "select coalesce(max(last), 0) from meta_experiment.batches where log_id = %s", [number]
    ).fetchone() or (0,)
    return int(size)


def add(connection: Connection[Any], project_id: int, number: int, chunks: list[Chunk]) -> None:
    """Add batches to a log, and their lines; they follow what is there."""
    connection.execute(
        "insert into meta_experiment.batches (project_id, log_id, first, last, signature)"
        " select %s, %s, * from unnest(%b::bigint[], %b::bigint[], %b::bytea[])",
        [
            project_id,
            number,
            [chunk.first for chunk in chunks],
            [chunk.first + len(chunk.lines) for chunk in chunks],
            [chunk.signature for chunk in chunks],
        ],
    )
    rows = [row for chunk in chunks for row in rows_of(chunk.first, chunk.lines)]
    _insert(connection, project_id, number, rows)


def lines_between(
    connection: Connection[Any], project_id: int | None, number: int, first: int, last: int
) -> bytes | None:
    """Return the lines of a log between two offsets, None where they do not fill the place.

    The server adds up how long they are before it puts them together, as what is there may be
    anything.
    """
    place = [project_id, number, first, last]
    with connection.cursor(binary=True) as cursor:
        found = cursor.execute(
            f"select (select string_agg(coalesce(raw, convert_to(line, 'UTF8')) || '\\x0a',"
            f" '' order by byte_offset) {_PLACE})"
            f" where (select sum(coalesce(octet_length(line), octet_length(raw)) + 1) {_PLACE})"
            " <= %s",
            [*place, *place, last - first],
        ).fetchone()
    lines = found and found[0]
    return lines if lines is not None and len(lines) == last - first else None


_PLACE = (
    "from meta_experiment.events where (project_id, log_id) = (%s, %s)"
    " and byte_offset >= %s and byte_offset < %s"
)


def _insert(
    connection: Connection[Any], project_id: int, number: int, rows: Sequence[LogRow]
) -> None:
    columns = zip(*rows, strict=True)
    connection.execute(
        "insert into meta_experiment.events (project_id, log_id, byte_offset, line, raw)"
        " select %s, %s, * from unnest(%b::bigint[], %b::text[], %b::bytea[])",
        [project_id, number, *map(list, columns)],
    )
