"""What somebody holds of a project's store just now, for whoever looks and does not wait."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from time import sleep
from typing import TYPE_CHECKING, Any

from meta_experiment.store.exchange import LockHolder
from meta_experiment.store.postgres.lock_holders import WHO
from meta_experiment.store.postgres.project_tables import ProjectTables

if TYPE_CHECKING:
    from psycopg import Connection

LASTS = 1.0  # seconds after which one that is held still is no passing exchange


class HeldLocks(ProjectTables):
    """What somebody holds of a project."""

    def lock_holders(self, logs: Mapping[str, Collection[str]]) -> Sequence[LockHolder]:
        """Return who holds, and goes on holding, what this machine would wait for."""
        first = self._held(logs)
        if not first:
            return []
        sleep(LASTS)
        again = {tuple(lock) for *_, lock in self._held(logs)}
        lasting = {LockHolder(*who) for *who, lock in first if tuple(lock) in again}
        return sorted(lasting)

    def _held(self, logs: Mapping[str, Collection[str]]) -> list[tuple[Any, ...]]:
        with self._connections.transaction() as connection:
            number = self._known(connection)
            if number is None:
                return []
            return _rows(connection, number, self.machine, logs)


def _rows(
    connection: Connection[Any], number: int, machine: str, logs: Mapping[str, Collection[str]]
) -> list[tuple[Any, ...]]:
    names = [(f"{number}/{experiment}", kind) for experiment in logs for kind in (1, 2)]
    for experiment, some in logs.items():
        names += [(f"{number}/{experiment}/{machine}/{log}", 0) for log in some]
    return connection.execute(
        _HELD, [[name for name, _ in names], [kind for _, kind in names]]
    ).fetchall()


# One that holds what it locked by name may do other things meanwhile; who holds rows does so
# within one transaction.
_HELD = f"""
    select {WHO}, array[pid::text, locktype, classid::text, objid::text, relation::text,
        case when locktype = 'relation' then virtualtransaction end]
    from pg_locks left join pg_stat_activity using (pid)
    where granted and pid is distinct from pg_backend_pid()
    and database = (select oid from pg_database where datname = current_database())
    and (
        locktype = 'advisory' and objsubid = 1
        and (classid::bigint << 32 | objid::bigint) in (
            select hashtextextended(name, kind)
            from unnest(%s::text[], %s::bigint[]) ours (name, kind)
        )
        or locktype = 'relation' and mode <> 'AccessShareLock' and relation in (
            select oid from pg_class
            where relnamespace = 'meta_experiment'::regnamespace and relkind = 'r'
        )
    )
    order by pid limit 1000
"""  # noqa: S608 - of constants
