"""Connections to a team's store: made when they are needed, few, and each wait has an end."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from threading import Lock, local
from typing import TYPE_CHECKING, Any

from meta_experiment.errors import MetaExperimentError
from meta_experiment.store.postgres import address as addresses
from meta_experiment.store.postgres.lock_holders import holders_before
from meta_experiment.store.postgres.migrating import migrate
from meta_experiment.store.postgres.refusals import told

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg_pool import ConnectionPool

    from meta_experiment.store.postgres.patience import PatientConnection

_MOST = 8  # connections of one process
_WAIT = 15.0  # seconds for one of them
_PARTING = 0.5  # seconds at most for those that are just being made
# What is never found prepared or set on another connection works behind a pooler as well.
_OPTIONS: dict[str, Any] = {"autocommit": True, "prepare_threshold": None}
# What is set holds for the transaction alone: behind a pooler the next is somebody else's.
_BEGIN = """
    begin;
    set local statement_timeout = '60s';
    set local lock_timeout = '{lock_seconds}s';
    set local idle_in_transaction_session_timeout = '60s';
    set local client_min_messages = 'error';
    set local timezone = 'UTC';
    select pg_backend_pid()
"""
LOCK_SECONDS = 10  # that a lock is waited for,
_LOCK_AGAIN = 1  # once somebody held one so long: who hinders one thing may hinder all


class Connections:
    """Few connections to one database, shared by the threads of a process.

    The first is made by hand, as the pool tries again until its time is up and then cannot
    tell why it failed.
    """

    def __init__(self, url: str, project: str = "") -> None:
        self.address, self.project = addresses.parse(url), project
        self._pool: ConnectionPool[PatientConnection] | None = None
        self._lock = Lock()
        self._own = local()  # of each thread: the connection of its transaction
        self._lock_seconds = LOCK_SECONDS

    @contextmanager
    def transaction(self, *, apart: bool = False) -> Iterator[Connection[tuple[Any, ...]]]:
        """Give a connection for what happens all or not at all, durable at the end.

        Within another of the same thread it is a part of that, unless it stands `apart`.

        It reads what is committed when each statement begins: where one statement rests on
        another, it holds a lock between them, or a constraint refuses what came too late.

        Raises:
            NetworkError, RemoteError, LockedError: see `refusals`.
        """
        import psycopg
        from psycopg_pool import PoolTimeout

        outer: Connection[tuple[Any, ...]] | None = getattr(self._own, "connection", None)
        if outer is not None and not apart:
            with self._told(), outer.transaction():
                yield outer
            return
        pool = self._opened()
        with self._told():
            try:
                connection = self._begun(pool)
            except PoolTimeout:
                self._say_why()
                raise
            self._own.connection = connection
            try:
                yield connection
                connection.commit()
            except BaseException as error:
                if isinstance(error, psycopg.errors.LockNotAvailable):
                    self._lock_seconds = _LOCK_AGAIN
                with suppress(psycopg.Error):  # it may be closed
                    connection.rollback()
                raise
            finally:
                self._own.connection = outer
                pool.putconn(connection)

    def close(self) -> None:
        """Let go of all connections."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            atexit.unregister(pool.close)
            pool.close(_PARTING)

    def _told(self) -> AbstractContextManager[None]:
        return told(self.address, self.project)

    def _opened(self) -> ConnectionPool[PatientConnection]:
        with self._lock:
            if self._pool is None:
                self._greet()
                self._pool = self._made()
            return self._pool

    def _say_why(self) -> None:
        """Raise why there is no connection, where it is not that others have them all.

        The pool waits longer with every try that fails; who comes next begins anew.
        """
        try:
            self._greet()
        except MetaExperimentError:
            self.close()
            raise

    def _greet(self) -> None:
        """Connect once, and see to it that the database is a store."""
        from meta_experiment.store.postgres.patience import PatientConnection

        with (
            self._told(),
            PatientConnection.connect(self.address.conninfo, **_OPTIONS) as connection,
        ):
            self._begin(connection)
            migrate(connection)

    def _made(self) -> ConnectionPool[PatientConnection]:
        from psycopg_pool import ConnectionPool

        from meta_experiment.store.postgres.patience import PatientConnection

        # it would tell on the screen, and in its own words, what is told as an error
        logging.getLogger("psycopg").addHandler(logging.NullHandler())
        pool: ConnectionPool[PatientConnection] = ConnectionPool(
            self.address.conninfo,
            connection_class=PatientConnection,
            kwargs=_OPTIONS,
            min_size=0,
            max_size=_MOST,
            num_workers=1,
            open=True,
        )
        atexit.register(pool.close, _PARTING)
        return pool

    def _begin(self, connection: PatientConnection) -> None:
        """Begin a transaction, in which every wait has an end and can be explained."""
        answers = connection.execute(_BEGIN.format(lock_seconds=self._lock_seconds).encode())
        while answers.nextset():
            pass
        (process,) = answers.fetchone() or (0,)
        connection.look = partial(holders_before, self.address.conninfo, process)

    def _begun(self, pool: ConnectionPool[PatientConnection]) -> PatientConnection:
        """Return a connection with a transaction begun; those that were cut are let go at once.

        The pool's own check waits a second after each, and longer with every further one.
        """
        import psycopg

        from meta_experiment.store.postgres.patience import OverdueError

        for left in reversed(range(_MOST + 1)):
            connection = pool.getconn(_WAIT)
            try:
                self._begin(connection)
            except psycopg.OperationalError as error:
                pool.putconn(connection)
                if isinstance(error, OverdueError) or not left:
                    raise
            else:
                return connection
        raise AssertionError("one of them began, or said why not")
