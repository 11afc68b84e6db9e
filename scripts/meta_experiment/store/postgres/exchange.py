"""The exchange of a team's machines over PostgreSQL, as `store.exchange` describes it.

Exactly once comes from offsets: a batch is inserted where the log ends, by the chain that the
table of batches is, in one transaction with its lines. Nothing hangs on a clock but leases, and
these on the server's alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from meta_experiment.errors import ConflictError, cite
from meta_experiment.store.exchange import (
    Batch,
    Cursors,
    Exchange,
)
from meta_experiment.store.postgres import log_rows, measured
from meta_experiment.store.postgres.connections import Connections
from meta_experiment.store.postgres.held_locks import HeldLocks
from meta_experiment.store.postgres.lease_tables import LeaseTables
from meta_experiment.store.postgres.machine_tables import MachineTables, PublicationTables
from meta_experiment.store.postgres.project_tables import ProjectTables

if TYPE_CHECKING:
    from psycopg import Connection

_PAGE = 64  # batches that are had from the server at once, at most,
_TOGETHER = 4 << 20  # and their bytes, unless one alone is longer


def open_exchange(url: str, project: str, machine: str) -> Exchange:
    """Open a project's exchange as a machine sees it; nobody is asked before it is used.

    Raises:
        UsageError: the URL cannot be read. DependencyError: the driver is missing.
    """
    return PostgresExchange(Connections(url, project), project, machine)


class LogTables(ProjectTables):
    """The lines of all machines, each batch once."""

    def sizes(self, experiment_id: str | None = None) -> dict[tuple[str, str], int]:
        """Return how far the store has this machine's logs, by experiment and log."""
        with self._connections.transaction() as connection:
            rows = measured.rows(
                connection,
                "names of logs",
                {"experiment": measured.NAME, "log": measured.NAME, "size": measured.FIXED},
                "meta_experiment.log_sizes where (project_id, machine) = (%s, %s)"
                " and (%s::text is null or experiment = %s) order by log_id",
                [self._known(connection), self.machine, experiment_id, experiment_id],
            )
        return {(experiment, log): size for experiment, log, size in rows if experiment and log}

    def size(self, experiment_id: str, log: str) -> int:
        """Return how far the store has one of this machine's logs; 0 of an unknown one."""
        with self._connections.transaction() as connection:
            found = connection.execute(
                "select size from meta_experiment.log_sizes"
                " where (project_id, experiment, machine, log) = (%s, %s, %s, %s)",
                [self._known(connection), experiment_id, self.machine, log],
            ).fetchone()
        return found[0] if found else 0

    def ship(self, batches: Iterable[Batch]) -> int:
        """Store batches of this machine, all or none; return how many bytes are new."""
        logs: dict[tuple[str, str, str], list[Batch]] = {}
        for batch in batches:
            logs.setdefault((batch.experiment_id, batch.machine, batch.log), []).append(batch)
        new = 0
        with self._connections.transaction() as connection:
            # in one order, so that of two that ship the same logs none waits for the other
            for (experiment_id, machine, log), some in sorted(logs.items()):
                number = self._require(connection, experiment_id)
                log_id = log_rows.log_id(connection, number, experiment_id, machine, log)
                taken = _following(connection, log_id, some)
                if taken:
                    log_rows.add(connection, number, log_id, taken)
                new += sum(len(chunk.lines) for chunk in taken)
        return new

    def batches_after(
        self, experiment_id: str, machines: Collection[str], cursors: Cursors
    ) -> Iterator[Batch]:
        """Yield the batches of these machines that end behind the cursors.

        One query tells how far all logs go, as most of a thousand machines wrote nothing since.
        """
        with self._connections.transaction() as connection:
            logs = measured.rows(
                connection,
                f"names of logs of {cite(experiment_id)}",
                {
                    "log_id": measured.FIXED,
                    "machine": measured.FIXED,
                    "log": measured.NAME,
                    "size": measured.FIXED,
                },
                "meta_experiment.log_sizes where (project_id, experiment) = (%s, %s)"
                " and machine = any (%s) order by machine, log",
                [self._known(connection), experiment_id, list(machines)],
            )
        for log_id, machine, log, end in logs:
            if log is None:
                why = measured.too_large("its name", measured.NAME)
                yield Batch(experiment_id, machine, "(too long)", 0, b"", b"", why)
                continue
            known = cursors.get((machine, log), 0)
            while known < end and (page := self._page(log_id, known)):
                for first, last, signature, lines, why in page:
                    yield Batch(experiment_id, machine, log, first, lines, signature, why)
                    known = end if why else last  # nothing can follow what is left out

    def _page(self, log_id: int, known: int) -> list[tuple[int, int, bytes, bytes, str]]:
        """Return the next batches of a log: each is there with all of its lines, or not at all.

        The queries see no more than was there in the first: lines are looked for within
        the bounds of batches alone, and no batch ever changes. The first that does not fit in
        is the last that is returned, with the reason.
        """
        with self._connections.transaction() as connection:
            number = self._known(connection)
            batches = connection.execute(
                "select first, last, case when octet_length(signature) <= %s then signature end"
                " from (select first, last, signature,"
                " sum(last - first) over (order by first) - (last - first) as before"
                " from (select first, last, signature from meta_experiment.batches"
                " where log_id = %s and last > %s order by first limit %s) few) page"
                " where before < %s order by first",
                [measured.SIGNATURE, log_id, known, _PAGE, _TOGETHER],
            ).fetchall()
            whole = list(takewhile(_is_sound, batches))
            found = _cut(connection, number, log_id, whole)
            if found is None:  # one of them is not what it says
                found = []
                for batch in whole:
                    one = _cut(connection, number, log_id, [batch])
                    if one is None:
                        found.append((*batch[:2], b"", b"", log_rows.UNLIKE))
                        return found
                    found += one
        for first, last, _ in batches[len(whole) : len(whole) + 1]:
            found.append((first, last, b"", b"", _TOO_LARGE))
        return found


class PostgresExchange(MachineTables, PublicationTables, LogTables, LeaseTables, HeldLocks):
    """Everything that the machines of a project have of one another."""


_TOO_LARGE = measured.too_large("it", measured.DOCUMENT)


def _is_sound(batch: tuple[int, int, bytes | None]) -> bool:
    """Tell whether a batch is as large as any that a program of ours writes."""
    first, last, signature = batch
    return signature is not None and last - first <= measured.DOCUMENT


def _cut(
    connection: Connection[Any],
    project_id: int | None,
    log_id: int,
    batches: Sequence[tuple[int, int, bytes]],
) -> list[tuple[int, int, bytes, bytes, str]] | None:
    """Return batches of a log with their lines, None where these are not as long."""
    if not batches:
        return []
    begin = batches[0][0]
    lines = log_rows.lines_between(connection, project_id, log_id, begin, batches[-1][1])
    if lines is None:
        return None
    return [
        (first, last, signature, lines[first - begin : last - begin], "")
        for first, last, signature in batches
    ]


def _following(
    connection: Connection[Any], log_id: int, batches: Sequence[Batch]
) -> list[log_rows.Chunk]:
    """Return those batches of a log that it does not have; they follow one another."""
    size = log_rows.size_of(connection, log_id)
    taken: list[log_rows.Chunk] = []
    for batch in batches:
        chunk = log_rows.Chunk(batch.first, batch.lines, batch.signature)
        if batch.first == size:
            taken.append(chunk)
            size = batch.end
        elif chunk not in taken and not _has(connection, log_id, batch):
            raise ConflictError(
                f"The team's store has {size:,} bytes of {cite(batch.log)} of "
                f"{cite(batch.experiment_id)}; what comes next begins at {batch.first:,}, or "
                "is not what stands there.",
                hint="Run: meta-experiment store check",
            )
    return taken


def _has(connection: Connection[Any], log_id: int, batch: Batch) -> bool:
    """Tell whether a log has exactly this batch.

    A signature is over its lines, so that they need not be compared.
    """
    found = connection.execute(
        "select 1 from meta_experiment.batches"
        " where (log_id, first, last, signature) = (%s, %s, %s, %s)",
        [log_id, batch.first, batch.end, batch.signature],
    ).fetchone()
    return found is not None
