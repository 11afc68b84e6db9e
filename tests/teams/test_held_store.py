"""Who holds locks in a team's store stops nothing for long, and is named."""

from __future__ import annotations

import contextlib

import psycopg
import pytest
from tests.teams.postgres_team import PostgresTeam
from tests.teams.teammates import team_of

from meta_experiment.errors import HeldStoreError
from meta_experiment.services.teams import checking_store
from meta_experiment.services.teams.exchange_note import sentences
from meta_experiment.store.exchange import LockHolder
from meta_experiment.store.local.outgoing import own_logs
from meta_experiment.store.postgres import connections, held_locks, patience


@pytest.fixture
def team(postgres_server, monkeypatch):
    """Give a project in a database of its own, and short waits."""
    monkeypatch.setattr(connections, "LOCK_SECONDS", 1.5)
    monkeypatch.setattr(patience, "FIRST_LOOK", 0.1)
    monkeypatch.setattr(held_locks, "LASTS", 0.1)
    database = postgres_server.database()
    made = PostgresTeam(postgres_server.url(database))
    made.database = database
    return made


@pytest.fixture
def stranger(postgres_server, team):
    """Give a login of the database that nobody allowed anything, and what holds locks as it."""
    role = f"{team.database}_stranger"
    postgres_server.run(f"create role {role} login password 'x'", database=team.database)

    @contextlib.contextmanager
    def holding(statement, *values, user=(role, "x")):
        url = postgres_server.url(team.database, *user)
        with psycopg.connect(url) as connection:
            connection.execute(statement, values)
            yield connection.info.backend_pid

    holding.role = role
    yield holding
    postgres_server.run(f"drop owned by {role}; drop role {role}", database=team.database)


def _log_of(mate, made):
    with mate.at_work() as workspace:
        (log,) = own_logs(workspace.layout, workspace.checkout.counting(), made)
        return log.name


@pytest.mark.long
def test_who_holds_a_log_is_named_and_the_rest_goes_on(tmp_path, team, stranger):
    """By the error and by the check; what others wrote comes, and trials wait here."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob", team=team)
    for mate in (bob, ann):
        mate.record(made, [f"{mate.name}-1"])
    bob.exchange()
    with ann.member() as (_, member):
        place = f"1/{made}/{member.signer.machine}/{_log_of(ann, made)}"
    lock = "select pg_advisory_lock(hashtextextended(%s, 0))"
    with stranger(lock, place) as process:
        (found,) = ann.exchange().experiments
        assert (found.shipped, found.pulled) == (0, 1)
        assert f"{stranger.role} (pid {process}), since 2" in found.refused
        assert f"pg_terminate_backend({process})" in found.refused
        with ann.member() as (workspace, member):
            (said,) = sentences(workspace.layout)
            assert f"(pid {process})" in said
            findings = checking_store.check_store(workspace, member).findings
            (held,) = (item for item in findings if item.name == "locks")
            assert not held.ok
            assert f"{stranger.role} (pid {process})" in held.detail
        ann.record(made, ["ann-2"])
    assert ann.exchange().experiments[0].shipped == 2
    with ann.member() as (workspace, member):
        names = [item.name for item in checking_store.check_store(workspace, member).findings]
        assert "locks" not in names


@pytest.mark.long
def test_a_lock_is_waited_for_long_only_once(tmp_path, team, stranger, monkeypatch):
    """Who holds what all experiments need keeps nobody for ten seconds in each."""
    made, (ann,) = team_of(tmp_path, "ann", team=team)
    ann.record(made, ["ann-1"])
    ann.exchange()
    asked = []
    begun = connections.Connections._begin
    monkeypatch.setattr(
        connections.Connections,
        "_begin",
        lambda self, connection: asked.append(self._lock_seconds) or begun(self, connection),
    )
    lock = "select pg_advisory_lock(hashtextextended(%s, 2))"
    with ann.member() as (_, member), stranger(lock, f"1/{made}"):
        for _ in range(2):
            with pytest.raises(HeldStoreError, match=stranger.role):
                member.exchange.lease_positions(made, 4, 0)
    assert (asked[0], asked[-1]) == (1.5, 1)


@pytest.mark.long
def test_who_holds_a_row_is_named_behind_those_that_wait_too(tmp_path, team, stranger):
    """A member of the project may hold the row of a lease; since when may not be seen."""
    made, (ann,) = team_of(tmp_path, "ann", team=team)
    ann.record(made, ["ann-1"])
    ann.exchange()
    with ann.member() as (_, member):
        assert member.exchange.lease_decision(made, 60)
    with psycopg.connect(team.url, autocommit=True) as connection:
        connection.execute(
            "select meta_experiment.allow(%s, 'project', 'member')", [stranger.role]
        )
        other = f"{stranger.role}_2"
        connection.execute(f"create role {other} login password 'y'")
        connection.execute("select meta_experiment.allow(%s, 'project', 'member')", [other])
    row = "select from meta_experiment.leases for update"
    whole = team.url
    with stranger(row) as process:
        team.url = whole.replace("boss", other, 1).replace(
            whole.split(":")[2].split("@")[0], "y", 1
        )
        with ann.member() as (_, member):
            with pytest.raises(HeldStoreError) as told:
                member.exchange.lease_decision(made, 60)
            (seen,) = member.exchange.lock_holders({made: []})
    team.url = whole
    assert f"{stranger.role} (pid {process}), since when this user may not see" in str(
        told.value
    )
    assert seen == LockHolder(stranger.role, process)
    with psycopg.connect(team.url, autocommit=True) as connection:
        connection.execute(f"drop owned by {other}")
        connection.execute(f"drop role {other}")
