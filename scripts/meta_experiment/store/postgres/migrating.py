"""The steps by which a database becomes a team's store: named, in order, each taken once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from meta_experiment.errors import CorruptStoreError, NewerVersionError, RemoteError, cite
from meta_experiment.store.postgres.refusals import NO_SCHEMA

if TYPE_CHECKING:
    import psycopg

SCHEMA = "meta_experiment"
OLDEST_SERVER = 150000  # before it, what people see through a view passed over who may see it
_LOCK = 0x6D6574615F657870  # no other program's, as far as one can know
_OLDEST = re.compile(r"-- oldest client: ([0-9]+)\n")
_LEDGER = """
    create schema if not exists meta_experiment;
    create table if not exists meta_experiment.migrations (
        number integer primary key,
        name text not null,
        sha256 text not null,
        oldest_client integer not null,
        applied timestamptz not null default clock_timestamp()
    );
    comment on column meta_experiment.migrations.oldest_client is
        'programs that know fewer steps than this stop here';
"""


class SchemaStep(NamedTuple):
    """One step: number and name, what it runs, the oldest program that goes on with it."""

    number: int
    name: str
    sql: str
    oldest_client: int

    @property
    def sha256(self) -> str:
        """Name the step by what it runs."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


class StepTaken(NamedTuple):
    """A step that a store has taken."""

    number: int
    name: str
    sha256: str
    oldest_client: int


def migrations() -> list[SchemaStep]:
    """Return all steps in their order."""
    folder = resources.files(__package__) / "migrations"
    found = []
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if not path.name.endswith(".sql"):
            continue
        sql = path.read_text(encoding="utf-8")
        oldest = _OLDEST.match(sql)
        if oldest is None:
            raise ValueError(f"{path.name} does not say which programs go on with it")
        number, _, name = path.name.removesuffix(".sql").partition("_")
        found.append(SchemaStep(int(number), name, sql, int(oldest[1])))
    return found


def migrate(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Take the steps that a database lacks, all or none; others that come at once wait.

    Raises:
        NewerVersionError: it has steps that this program must not go on with.
        CorruptStoreError: a step was another one there.
        RemoteError: the server is too old, or the schema is missing and may not be made.
    """
    if connection.info.server_version < OLDEST_SERVER:
        raise RemoteError(
            f"The team's store runs on PostgreSQL {connection.info.server_version // 10000}; "
            "expected 15 or later.",
            hint="Update the server.",
        )
    known = migrations()
    if not _missing(known, _taken(connection)):
        return
    with connection.transaction():
        # Until the end of the transaction: of many that find nothing, one makes all, and the
        # others then see it made. What they see is new to each statement (read committed).
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        taken = _taken(connection)
        missing = _missing(known, taken)
        if missing and not taken:
            _require_creating(connection)
            connection.execute(_LEDGER)
        elif missing:
            _require_owner(connection)
        connection.execute("set local search_path = meta_experiment")
        for step in missing:
            connection.execute(step.sql.encode())  # a file of ours
            connection.execute(
                "insert into meta_experiment.migrations (number, name, sha256, oldest_client)"
                " values (%s, %s, %s, %s)",
                [step.number, step.name, step.sha256, step.oldest_client],
            )


def _taken(connection: psycopg.Connection[tuple[object, ...]]) -> list[StepTaken]:
    from psycopg.rows import class_row

    # not `to_regclass`, which takes what one may not see for what is not there
    there = connection.execute(
        "select 1 from pg_class join pg_namespace space on space.oid = relnamespace"
        " where nspname = 'meta_experiment' and relname = 'migrations'"
    ).fetchone()
    if there is None:
        return []
    with connection.cursor(row_factory=class_row(StepTaken)) as cursor:
        return cursor.execute(
            "select number, name, sha256, oldest_client from meta_experiment.migrations"
            " order by number"
        ).fetchall()


def _missing(known: Sequence[SchemaStep], taken: Sequence[StepTaken]) -> Sequence[SchemaStep]:
    """Return the steps that are to be taken."""
    for step, there in zip(known, taken, strict=False):
        if (step.number, step.sha256) != (there.number, there.sha256):
            raise CorruptStoreError(
                f"The team's store was made by another step {there.number}, "
                f"{cite(there.name)}, than this program's.",
                hint="Use a version of this program that was released, or a new database.",
            )
    oldest = max((step.oldest_client for step in taken), default=0)
    if len(taken) > len(known) and oldest > len(known):
        raise NewerVersionError(
            "The team's store was made by a later version of this program: it took "
            f"{len(taken)} steps, of which this one knows {len(known)}.",
            hint="Update meta-experiment; until then everything goes on locally.",
        )
    return known[len(taken) :]


def _require_creating(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    (allowed, read_only) = connection.execute(
        "select has_database_privilege(current_database(), 'create')"
        " or exists (select from pg_namespace where nspname = 'meta_experiment'"
        " and pg_has_role(nspowner, 'usage')),"
        " current_setting('transaction_read_only')::boolean"
    ).fetchone() or (False, False)
    if read_only or not allowed:
        raise RemoteError(
            "The database has no schema meta_experiment, and "
            + ("it can only be read." if read_only else "this user may not make it."),
            hint=NO_SCHEMA,
        )


def _require_owner(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    (allowed,) = connection.execute(
        "select pg_has_role(nspowner, 'usage') from pg_namespace"
        " where nspname = 'meta_experiment'"
    ).fetchone() or (False,)
    if not allowed:
        raise RemoteError(
            "The team's store was made by an earlier version of this program, and this user "
            "may not bring it up to date.",
            hint="Whoever owns the schema runs: meta-experiment store use URL",
        )
