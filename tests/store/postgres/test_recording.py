"""Recording an outcome costs what is said of its trial, not what all others hold."""

from __future__ import annotations

import pytest
from tests.store import exchange_contract as making
from tests.store.contract import Seen
from tests.store.making import experiment, recorded

from meta_experiment.store.postgres import log_rows, migrating
from meta_experiment.store.postgres.connections import Connections
from meta_experiment.store.postgres.exchange import PostgresExchange
from meta_experiment.store.postgres.store import PostgresStore

IDS = ("plain", "ümlaut", 'quo"te', "back\\slash", "\x01", "a" * 4096)


@pytest.fixture
def connections(postgres_store):
    opened = Connections(postgres_store)
    yield opened
    opened.close()


@pytest.fixture
def store(connections, request, monkeypatch):
    """Give a store with trials; from then on none of its logs may be read as a whole."""
    store = PostgresStore(connections, request.node.nodeid[-200:], "host")
    store.add(lambda _: experiment())
    store.append("exp-1", [recorded(trial_id=f"t{number}") for number in range(500)])
    store.append("exp-1", [recorded(trial_id=name) for name in IDS])
    monkeypatch.setattr(log_rows, "lines_between", None)
    return store


@pytest.mark.parametrize("trial_id", IDS)
def test_what_was_said_of_a_trial_is_found_without_all_others(store, trial_id):
    again = Seen(trial_id=trial_id, metrics={"duration_seconds": 9.0})
    assert store.record([again, Seen(trial_id="new")], 1e9).known == {("exp-1", trial_id)}
    (said,) = store.conflicts(experiment(), [trial_id])
    assert (said.trial_id, said.what) == (trial_id, "duration_seconds")


def test_what_a_machine_of_a_team_shipped_is_found_as_well(store, connections):
    """It is there by accident, as the exchange of that name is another's."""
    exchange = PostgresExchange(connections, store.project, making.key("a").machine)
    exchange.publish(making.experiment(), {})
    lines = (
        b'{"event":"recorded","at":5.0,"trial_id":"far","variant":"control","status":"ok",'
        b'"metrics":{}}\n'
    )
    exchange.ship([making.batch(lines=lines)])
    assert store.record([Seen(trial_id="far")], 1e9).known == {("exp-1", "far")}


def test_what_was_said_before_it_was_noted_is_found(postgres_server, monkeypatch):
    """A store of an earlier version notes it when it is brought up to date."""
    url, known = postgres_server.url(postgres_server.database()), migrating.migrations()
    monkeypatch.setattr(migrating, "migrations", lambda: known[:3])
    before = PostgresStore(Connections(url), "p", "host")
    before.append("exp-1", [recorded(trial_id="old")])
    before.close()
    monkeypatch.setattr(migrating, "migrations", lambda: known)
    after = PostgresStore(Connections(url), "p", "host")
    assert after.record([Seen(trial_id="old")], 1e9).known == {("exp-1", "old")}
    after.close()
