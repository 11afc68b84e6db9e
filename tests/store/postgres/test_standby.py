"""A standby that follows its primary: it is read, and takes over; the clients go on."""

from __future__ import annotations

import time

import pytest
from tests.store.exchange_contract import batch, experiment, key
from tests.support import postgres

from meta_experiment.errors import NetworkError, RemoteError
from meta_experiment.store.postgres import connections
from meta_experiment.store.postgres.exchange import open_exchange

pytestmark = pytest.mark.long
SIZES = "select count(*) from meta_experiment.batches"


@pytest.fixture
def pair(postgres_server):
    """Give a primary with an experiment, its standby, and the name of the database."""
    del postgres_server  # skips where there is none
    primary = postgres.Server(durable=True)
    try:
        name = primary.database()
        exchange = open_exchange(primary.url(name), "p", key("a").machine)
        exchange.join(key("a"))
        exchange.publish(experiment(), {})
        exchange.ship([batch()])
        exchange.close()
        standby = primary.standby()
        try:
            yield primary, standby, name
        finally:
            standby.remove()
    finally:
        primary.remove()


def caught_up(standby, name, count):
    until = time.monotonic() + 60
    while standby.rows(SIZES, name) != [(count,)]:
        assert time.monotonic() < until, "the standby does not follow"
        time.sleep(0.02)


def test_a_standby_is_read_and_refuses_politely_until_it_takes_over(pair):
    primary, standby, name = pair
    far = open_exchange(standby.url(name), "p", key("a").machine)
    assert list(far.batches_after("exp-1", [key("a").machine], {})) == [batch()]
    later = batch(first=batch().end)
    for act in (
        lambda: far.ship([later]),
        lambda: far.join(key("b")),
        lambda: far.lease_positions("exp-1", 4, 0),
        lambda: far.lease_decision("exp-1", 60),
    ):
        with pytest.raises(RemoteError, match="can only be read") as caught:
            act()
        assert "primary" in caught.value.hint
    primary.kill()
    standby.promote()
    assert far.ship([later]) == len(later.lines)
    far.close()


def test_who_names_both_goes_on_with_the_one_that_took_over(pair, monkeypatch):
    """Nothing that reached the standby is shipped twice, and nothing is lost."""
    monkeypatch.setattr(connections, "_WAIT", 1.0)
    primary, standby, name = pair
    url = primary.url(name).replace(
        f"@127.0.0.1:{primary.port}",
        f"@127.0.0.1:{standby.port},127.0.0.1:{primary.port}",
    )
    both = open_exchange(f"{url}?target_session_attrs=read-write", "p", key("a").machine)
    second = batch(first=batch().end)
    both.ship([second])
    caught_up(standby, name, 2)
    primary.kill()
    with pytest.raises((NetworkError, RemoteError)):  # none, or one that can only be read
        both.ship([second])
    standby.promote()
    third = batch(first=second.end)
    assert both.size("exp-1", "a.jsonl") == second.end
    assert both.ship([second, third]) == len(third.lines)
    found = list(both.batches_after("exp-1", [key("a").machine], {}))
    assert found == [batch(), second, third]
    both.close()
