"""What one machine alone may do in a team's store: draw at positions, decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from meta_experiment.errors import ConflictError, LockedError, cite
from meta_experiment.store.exchange import (
    Lease,
    LeasedRange,
    RowKind,
    TeamDecision,
    WrittenRow,
    next_generation,
)
from meta_experiment.store.postgres import measured
from meta_experiment.store.postgres.project_tables import ProjectTables

if TYPE_CHECKING:
    from psycopg import Connection


class LeaseTables(ProjectTables):
    """What one machine alone may do, for a time or for good."""

    def lease_positions(self, experiment_id: str, count: int, known: int) -> range:
        """Lease the next so many positions, for good; `known` is how many ranges one has."""
        with self._connections.transaction() as connection:
            number = self._require(connection, experiment_id)
            self._one_after_the_other(connection, number, experiment_id)
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
                    _NEXT_RANGE + " returning first, last",
                    [*place, count, self.machine],
                ).fetchone()
            )
        return range(*mine) if mine else range(0)

    def leased_end(self, experiment_id: str) -> int:
        """Return the position from which on none is leased."""
        with self._connections.transaction() as connection:
            place = [self._known(connection), experiment_id]
            found = connection.execute(_ENDS, place).fetchone()
        return found[-1] if found else 0

    def pass_positions(self, experiment_id: str, end: int) -> None:
        """Lease none of the positions before an end any more: somebody has them already."""
        with self._connections.transaction() as connection:
            number = self._require(connection, experiment_id)
            self._one_after_the_other(connection, number, experiment_id)
            connection.execute(_PASSED_RANGE, [number, experiment_id, end, self.machine, end])

    @staticmethod
    def _one_after_the_other(
        connection: Connection[Any], number: int, experiment_id: str
    ) -> None:
        """Let those that lease wait for each other, also those of one machine at once.

        The chain that ranges are would refuse what overlaps all the same.
        """
        connection.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 2))",
            [f"{number}/{experiment_id}"],
        )

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

    def lease(self, experiment_id: str) -> Lease | None:
        """Return who has the right to decide, and for how long; None where nobody has it."""
        with self._connections.transaction() as connection:
            held = connection.execute(
                "select left(machine, 64), fence, extract(epoch from"
                " least(until, clock_timestamp() + interval '1 day')"
                " - clock_timestamp())::float8, substr(signature, 1, 65)"
                " from meta_experiment.leases"
                " where (project_id, experiment) = (%s, %s) and until > clock_timestamp()",
                [self._known(connection), experiment_id],
            ).fetchone()
        return Lease(experiment_id, *held) if held else None

    def lease_decision(
        self, experiment_id: str, seconds: float, over: int | None = None
    ) -> Lease | None:
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
                " set machine = excluded.machine, until = excluded.until, signature = '',"
                " fence = case when held.machine = excluded.machine"
                " and held.until > clock_timestamp() and held.fence is distinct from %s"
                " then held.fence else held.fence %% 4611686018427387904 + 1 end"
                " where held.machine = excluded.machine or held.until <= clock_timestamp()"
                " or held.fence = %s returning fence",
                [number, experiment_id, self.machine, seconds, over, over],
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
            decided = next_generation(self._decided(connection, lease.experiment_id))
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

    def written(self, experiment_id: str) -> Sequence[WrittenRow]:
        """Return who wrote what is there of an experiment, as the store itself knows it."""
        with self._connections.transaction() as connection:
            rows = connection.execute(
                _WRITTEN, {"number": self._known(connection), "experiment": experiment_id}
            ).fetchall()
        return [WrittenRow(RowKind(kind), *rest) for kind, *rest in rows]

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
            " set until = clock_timestamp() + make_interval(secs => %s), signature = %s"
            " where (project_id, experiment, machine, fence) = (%s, %s, %s, %s)",
            [
                seconds,
                lease.signature,
                self._known(connection),
                lease.experiment_id,
                lease.machine,
                lease.fence,
            ],
        )


_ENDS = (
    "select project_id, experiment, beginning, coalesce((select max(last)"
    " from meta_experiment.ranges where (ranges.project_id, ranges.experiment)"
    " = (known.project_id, known.experiment)), beginning) as taken"
    " from meta_experiment.experiments known where (project_id, experiment) = (%s, %s)"
)
_ADDING = (
    f"with ends as ({_ENDS}) insert into meta_experiment.ranges"
    " (project_id, experiment, first, last, machine, beginning)"
    " select project_id, experiment, taken"
)
_NEXT_RANGE = _ADDING + ", taken + %s, %s, beginning from ends"
_PASSED_RANGE = _ADDING + ", %s, %s, beginning from ends where taken < %s"
_WRITTEN = """
    select kind, place, left(machine, 64), coalesce(written_by, '') from (
        select 'positions' as kind, first as place, machine, written_by, project_id, experiment
        from meta_experiment.ranges
        union all
        select 'lease', fence, machine, written_by, project_id, experiment
        from meta_experiment.leases
        union all
        select 'decision', generation, machine, written_by, project_id, experiment
        from meta_experiment.decisions
    ) written
    where (project_id, experiment) = (%(number)s, %(experiment)s) order by kind, place
    limit 10000
"""
_TOO_LARGE = measured.too_large("it", measured.DOCUMENT)
