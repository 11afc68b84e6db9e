"""Who holds locks of a team's store, as the server shows it to any of its users.

Whoever may connect may hold some for as long as the connection stands, and by no privilege of
ours. User and process are shown to everybody, since when to the same user alone, and to those
of `pg_read_all_stats`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from meta_experiment.store.exchange import LockHolder

WHO = """
    coalesce(usename, ''), coalesce(pid, 0),
    coalesce(
        to_char(
            coalesce(xact_start, backend_start) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
        ), '')
"""
_BEFORE = f"""
    with recursive chain (pid) as (
        select unnest(pg_blocking_pids(%s))
        union
        select unnest(pg_blocking_pids(chain.pid)) from chain
    )
    select {WHO} from chain left join pg_stat_activity using (pid)
    where cardinality(pg_blocking_pids(pid)) = 0 order by pid limit 5
"""  # noqa: S608 - of constants


def holders_before(conninfo: str, process: int) -> Sequence[LockHolder]:
    """Return for whom a process of the server waits, behind all that only wait themselves.

    It is asked over a connection of its own, as that of the process is busy waiting.
    """
    import psycopg

    from meta_experiment.store.postgres.patience import PatientConnection

    with (
        suppress(psycopg.Error),
        PatientConnection.connect(conninfo, autocommit=True) as connection,
    ):
        rows = connection.execute(_BEFORE, [process]).fetchall()
        return [LockHolder(*row) for row in rows]
    return []
