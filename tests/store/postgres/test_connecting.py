"""Whatever keeps a team's store from being reached is said plainly, and no secret with it."""

from __future__ import annotations

import threading
import traceback

import pytest
from tests.support.postgres import PASSWORD

from meta_experiment.errors import (
    ConflictError,
    LockedError,
    MetaExperimentError,
    NetworkError,
    RemoteError,
    UsageError,
)
from meta_experiment.store.postgres import address, migrating
from meta_experiment.store.postgres.connections import Connections

SECRET = "hunter2-and-more"  # noqa: S105 - of nobody


@pytest.fixture
def connect(monkeypatch):
    """Give what opens connections that are closed in the end."""
    opened = []
    monkeypatch.delenv("PGPASSWORD", raising=False)

    def opening(url):
        opened.append(Connections(url))
        return opened[-1]

    yield opening
    for connections in opened:
        connections.close()


def refusal(connections):
    """Return what is raised by connecting, and hold that no secret is in anything of it."""
    with pytest.raises(MetaExperimentError) as caught, connections.transaction():
        raise AssertionError("a connection came about")
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(connections.address)
    for secret in (SECRET, PASSWORD):
        assert secret not in shown + str(error) + str(error.hint)
    assert error.hint
    return error


def test_a_database_becomes_a_store_when_it_is_first_used(postgres_server, connect):
    connections = connect(postgres_server.url(postgres_server.database()))
    with connections.transaction() as connection:
        steps = connection.execute(
            "select number, name from meta_experiment.migrations order by number"
        ).fetchall()
    assert steps == [(step.number, step.name) for step in migrating.migrations()]
    with connections.transaction() as connection:
        (waits,) = connection.execute("show statement_timeout").fetchone()
    assert waits == "1min"


@pytest.mark.parametrize(
    ("changed", "kind", "said"),
    [
        ({"password": SECRET}, RemoteError, "does not let this user in"),
        ({"user": "nobody-here", "password": SECRET}, RemoteError, "does not let this user in"),
        ({"database": "not_there"}, RemoteError, "no such database"),
        ({"port": 1}, NetworkError, "Nobody answers"),
        ({"database": "postgres?sslmode=require"}, NetworkError, "No encrypted connection"),
        ({"database": "postgres?target_session_attrs=standby"}, NetworkError, "came about"),
    ],
)
def test_who_is_refused_is_told_why(postgres_server, connect, changed, kind, said):
    error = refusal(connect(postgres_server.url(**changed)))
    assert type(error) is kind
    assert said in error.message
    assert f"127.0.0.1:{changed.get('port', postgres_server.port)}" in error.message
    assert f"user {changed.get('user', 'boss')}" in error.message


@pytest.mark.parametrize(
    ("url", "kind", "said"),
    [
        (f"postgresql://me:{SECRET}@nowhere.invalid/x", NetworkError, "is not known"),
        (f"service=missing password={SECRET}", RemoteError, "service"),
    ],
)
def test_a_url_that_leads_nowhere_is_not_repeated(connect, url, kind, said):
    error = refusal(connect(url))
    assert type(error) is kind
    assert said in error.message


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{SECRET}@[half/x",
        f"postgresql://me:at@{SECRET}@host/x",
        f"postgresql://me:slash/{SECRET}@host/x",
        f"postgresql://me:{SECRET}@host:{SECRET}/x",
        f"mysql://me:{SECRET}@host/x",
        SECRET,
    ],
)
def test_a_url_that_cannot_be_read_is_not_repeated_either(url):
    """One whose password has signs that end it is none: its rest would be told as a host."""
    with pytest.raises(UsageError, match="cannot be read") as caught:
        Connections(url)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert "%40" in caught.value.hint


def test_waits_have_an_end_that_the_user_may_set():
    bounded = address.parse("postgresql://host/x?keepalives_idle=77").conninfo
    assert "keepalives_idle=77" in bounded
    assert "connect_timeout=10" in bounded
    assert "tcp_user_timeout" in bounded


@pytest.mark.long
def test_a_replica_can_be_read_but_not_written(postgres_server, connect):
    name = postgres_server.database()
    read_only = f'alter database "{name}" set default_transaction_read_only'
    postgres_server.run(f"{read_only} = on")
    assert "it can only be read" in refusal(connect(postgres_server.url(name))).message
    postgres_server.run(f"{read_only} = off")
    with connect(postgres_server.url(name)).transaction():
        pass
    postgres_server.run(f"{read_only} = on")
    connections = connect(postgres_server.url(name))
    with connections.transaction() as connection:
        assert connection.execute("table meta_experiment.trials").fetchall() == []
    with pytest.raises(RemoteError, match="can only be read") as caught:
        write(connections)
    assert "primary" in caught.value.hint


def write(connections, name="p", setting="lock_timeout = '5s'"):
    with connections.transaction() as connection:
        connection.execute(f"set local {setting}")
        connection.execute("insert into meta_experiment.projects (name) values (%s)", [name])


@pytest.mark.long
def test_what_is_lacking_is_named(postgres_server, connect):
    name = postgres_server.database()
    connections = connect(postgres_server.url(name))
    write(connections)
    with pytest.raises(ConflictError, match="something else"):
        write(connections)
    postgres_server.run("drop table meta_experiment.projects cascade", database=name)
    with pytest.raises(RemoteError, match=r"lacks .*projects"):
        write(connections)


@pytest.mark.long
def test_what_others_hold_is_waited_for_so_long_and_no_longer(postgres_server, connect):
    connections = connect(postgres_server.url(postgres_server.database()))
    write(connections, "first")
    held, asked = threading.Event(), threading.Event()

    def hold():
        with connections.transaction() as connection:
            connection.execute("lock meta_experiment.projects")
            held.set()
            asked.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        held.wait(60)
        with pytest.raises(LockedError):
            write(connections, "second", "lock_timeout = '1ms'")
    finally:
        asked.set()
        holder.join()
    write(connections, "second")


@pytest.mark.long
def test_what_takes_too_long_ends(postgres_server, connect):
    connections = connect(postgres_server.url(postgres_server.database()))
    with pytest.raises(NetworkError, match="did not answer in time"):
        write(connections, "p" * (1 << 24), "statement_timeout = '1ms'")
