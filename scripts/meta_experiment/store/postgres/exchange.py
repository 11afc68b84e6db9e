"""The exchange of a team's machines over PostgreSQL, as `store.exchange` describes it.

Exactly once comes from offsets: a batch is inserted where the log ends, by the chain that the
table of batches is, in one transaction with its lines. Nothing hangs on a clock but leases, and
these on the server's alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from meta_experiment.errors import ConflictError, LockedError, cite
from meta_experiment.store.exchange import (
    Batch,
    Cursors,
    Exchange,
    Lease,
    LeasedRange,
    TeamDecision,
)
from meta_experiment.store.postgres import log_rows, measured
from meta_experiment.store.postgres.connections import Connections
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
    return PostgresExchange(Connections(url), project, machine)


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


class LeaseTables(ProjectTables):
    """What one machine alone may do, for a time or for good."""

    def lease_positions(self, experiment_id: str, count: int, known: int) -> range:
        """Lease the next so many positions, for good; `known` is how many ranges one has."""
        with self._connections.transaction() as connection:
            number = self._require(connection, experiment_id)
            # one after the other, also those of one machine that asks twice at once; the chain
            # that ranges are would refuse what overlaps all the same
            connection.execute(
                "select pg_advisory_xact_lock(hashtextextended(%s, 2))",
                [f"{number}/{experiment_id}"],
            )
            place = [number, experiment_id]
            mine = connection.execute(
                "select first, last from meta_experiment.ranges"
                " where (project_id, experiment, machine) = (%s, %s, %s)"
                " order by first offset %s limit 1",
                [*place, self.machine, known],
            ).fetchone()
            mine = (
                mine
                or connection.execute(
                    "insert into meta_experiment.ranges"
                    " (project_id, experiment, first, last, machine, beginning)"
                    " select project_id, experiment, coalesce(last, beginning),"
                    " coalesce(last, beginning) + %s, %s, beginning"
                    " from meta_experiment.experiments left join"
                    " (select max(last) as last from meta_experiment.ranges"
                    " where (project_id, experiment) = (%s, %s)) taken"
                    " on true where (project_id, experiment) = (%s, %s) returning first, last",
                    [count, self.machine, *place, *place],
                ).fetchone()
            )
        return range(*mine) if mine else range(0)

    def leased(self, experiment_id: str) -> Sequence[LeasedRange]:
        """Return all ranges of an experiment that are leased, in order of position."""
        with self._connections.transaction() as connection:
            rows = measured.rows(
                connection,
                f"leased ranges of {cite(experiment_id)}",
                {"machine": measured.NAME, "first": measured.FIXED, "last": measured.FIXED},
                "meta_experiment.ranges where (project_id, experiment) = (%s, %s)"
                " order by first",
                [self._known(connection), experiment_id],
            )
        return [LeasedRange(machine or "", range(*place)) for machine, *place in rows]

    def lease_decision(self, experiment_id: str, seconds: float) -> Lease | None:
        """Take the right to decide, or prolong it; None while another machine has it.

        One statement does it: it locks the row, and looks at who holds it only then, by the
        clock of the server as it is after the wait.
        """
        with self._connections.transaction() as connection:
            number = self._require(connection, experiment_id)
            taken = connection.execute(
                "insert into meta_experiment.leases as held"
                " (project_id, experiment, machine, fence, until)"
                " values (%s, %s, %s, 1, clock_timestamp() + make_interval(secs => %s))"
                " on conflict (project_id, experiment) do update"
                " set machine = excluded.machine, until = excluded.until, fence = held.fence +"
                " case when held.machine = excluded.machine and held.until > clock_timestamp()"
                " then 0 else 1 end"
                " where held.machine = excluded.machine or held.until <= clock_timestamp()"
                " returning fence",
                [number, experiment_id, self.machine, seconds],
            ).fetchone()
        return Lease(experiment_id, self.machine, taken[0], seconds) if taken else None

    def renew(self, lease: Lease, seconds: float) -> Lease:
        """Prolong a lease from now on."""
        with self._connections.transaction() as connection:
            self._hold(connection, lease)
            self._set_until(connection, lease, seconds)
        return lease._replace(seconds=seconds)

    def release(self, lease: Lease) -> None:
        """Give a lease back; one that was lost is left alone."""
        with self._connections.transaction() as connection:
            self._set_until(connection, lease, 0)

    def decide(self, lease: Lease, decision: TeamDecision) -> None:
        """Record a decision; the one recorded already may be recorded again."""
        with self._connections.transaction() as connection:
            if decision in self._decided(connection, lease.experiment_id):
                return
            # From here on nobody else takes the lease, until the decision is there for all.
            number = self._hold(connection, lease)
            decided = len(self._decided(connection, lease.experiment_id))
            if decision.generation != decided:
                raise ConflictError(
                    f"{cite(lease.experiment_id)} has {decided} decisions; expected one of "
                    f"generation {decided}, not {decision.generation}.",
                    hint="Run: meta-experiment store ship",
                )
            connection.execute(
                "insert into meta_experiment.decisions (project_id, experiment, generation,"
                " machine, fence, document, signature) values (%s, %s, %s, %s, %s, %s, %s)",
                [number, *decision[:-1]],
            )

    def decisions(self, experiment_id: str) -> Sequence[TeamDecision]:
        """Return what was decided of an experiment, by generation."""
        with self._connections.transaction() as connection:
            return self._decided(connection, experiment_id)

    def _decided(self, connection: Connection[Any], experiment_id: str) -> list[TeamDecision]:
        rows = measured.rows(
            connection,
            f"decisions of {cite(experiment_id)}",
            {
                "generation": measured.FIXED,
                "machine": measured.NAME,
                "fence": measured.FIXED,
                "document": measured.DOCUMENT,
                "signature": measured.SIGNATURE,
            },
            "meta_experiment.decisions where (project_id, experiment) = (%s, %s)"
            " order by generation",
            [self._known(connection), experiment_id],
        )
        return [
            TeamDecision(experiment_id, generation, machine, fence, document, signature)
            if None not in (machine, document, signature)
            else TeamDecision(
                experiment_id, generation, machine or "", fence, b"", b"", _TOO_LARGE
            )
            for generation, machine, fence, document, signature in rows
        ]

    def _hold(self, connection: Connection[Any], lease: Lease) -> int:
        """Lock the row of a lease, which nobody else must have had since.

        One whose time is up still holds where nobody took it: the fence tells, not a clock.
        """
        number = self._require(connection, lease.experiment_id)
        held = connection.execute(
            "select machine, fence from meta_experiment.leases"
            " where (project_id, experiment) = (%s, %s) for update",
            [number, lease.experiment_id],
        ).fetchone()
        if held != (lease.machine, lease.fence):
            raise LockedError(
                f"Another machine has taken over to decide {cite(lease.experiment_id)}.",
                hint="Run it again; it then sees what was decided.",
            )
        return number

    def _set_until(self, connection: Connection[Any], lease: Lease, seconds: float) -> None:
        connection.execute(
            "update meta_experiment.leases"
            " set until = clock_timestamp() + make_interval(secs => %s)"
            " where (project_id, experiment, machine, fence) = (%s, %s, %s, %s)",
            [seconds, self._known(connection), lease.experiment_id, lease.machine, lease.fence],
        )


class PostgresExchange(MachineTables, PublicationTables, LogTables, LeaseTables):
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
