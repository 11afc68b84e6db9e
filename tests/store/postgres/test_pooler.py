"""Behind a pooler that gives each transaction another connection all is as without it."""

from __future__ import annotations

import threading

import psycopg
import pytest
from tests.store import test_exchange
from tests.store.exchange_contract import ExchangeContract, batch, experiment, key
from tests.support import pooler

from meta_experiment.store.postgres.exchange import open_exchange

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(pooler.program() is None, reason=pooler.MISSING),
]


@pytest.fixture(scope="module")
def pooled(postgres_server):
    """Give the URL of a database behind a pooler with two connections to it."""
    with pooler.Pooler(postgres_server, connections=2) as running:
        yield postgres_server.url(postgres_server.database(), port=running.port)


class TestBehindAPooler(ExchangeContract):
    """Each test has a project of its own, in one database."""

    see, later = test_exchange.TestInPostgres.see, test_exchange.TestInPostgres.later

    @pytest.fixture
    def postgres_store(self, pooled):
        return pooled


def test_many_more_than_it_has_connections_ship_at_once(pooled):
    """Sixteen clients by two connections: what each shipped is there once."""
    names = [f"m{number}" for number in range(16)]
    views = [open_exchange(pooled, "many", key(name).machine) for name in names]
    views[0].join(key("m0"))
    views[0].publish(experiment(), {})
    together = threading.Barrier(len(views))

    def ship(name, view):
        together.wait()
        first = 0
        for _ in range(5):
            view.ship([batch(first=first, machine=name)])
            first += batch().end
            view.lease_positions("exp-1", 4, view.size("exp-1", "a.jsonl") // batch().end - 1)

    threads = [
        threading.Thread(target=ship, args=pair) for pair in zip(names, views, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    machines = [key(name).machine for name in names]
    there = list(views[0].batches_after("exp-1", machines, {}))
    assert len(there) == len(set(there)) == 5 * len(names)
    ranges = [it.positions for it in views[0].leased("exp-1")]
    assert [it.start for it in ranges] == list(range(0, 4 * 5 * len(names), 4))
    for view in views:
        view.close()


def test_nothing_that_is_set_is_left_to_the_next(pooled):
    exchange = open_exchange(pooled, "tidy", key("a").machine)
    exchange.join(key("a"))
    with psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as next_one:
        for name in ("statement_timeout", "lock_timeout"):
            assert next_one.execute(f"show {name}").fetchone() == ("0",)
    exchange.close()
