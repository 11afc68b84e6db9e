"""No batch is lost and none counts twice, whatever breaks: the link, the server, the answer."""

from __future__ import annotations

import hashlib
import threading
import time

import pytest
from tests.store.exchange_contract import decision, experiment, key
from tests.support import postgres
from tests.support.proxy import Proxy

from meta_experiment.errors import ConflictError, LockedError, NetworkError
from meta_experiment.store.exchange import Batch
from meta_experiment.store.postgres import address, connections, patience
from meta_experiment.store.postgres.exchange import open_exchange

PLACE = "exp-1", "a.jsonl"


@pytest.fixture
def team(postgres_server):
    """Give the URL of a store in which an experiment is published."""
    url = postgres_server.url(postgres_server.database())
    published(url)
    return url


@pytest.fixture
def see():
    opened = []

    def view(url, name="a"):
        opened.append(open_exchange(url, "p", key(name).machine))
        return opened[-1]

    yield view
    for exchange in opened:
        exchange.close()


def published(url):
    exchange = open_exchange(url, "p", key("a").machine)
    exchange.join(key("a"))
    exchange.publish(experiment(), {})
    exchange.close()


def cut_into(log, machine, sizes):
    """Return a log as signed batches of so many lines each."""
    batches, first, number = [], 0, 0
    for size in sizes:
        lines = b"".join(b'{"number": %d}\n' % n for n in range(number, number + size))
        signature = hashlib.sha512(lines + machine.encode()).digest()
        batches.append(Batch("exp-1", machine, log, first, lines, signature))
        first, number = first + len(lines), number + size
    return batches


def through(team, proxy):
    return f"{team.partition('@')[0]}@127.0.0.1:{proxy.port}/{team.rpartition('/')[2]}"


def stored(exchange, machines=("a",)):
    """Return what the store has of these machines' logs."""
    return list(exchange.batches_after("exp-1", [key(it).machine for it in machines], {}))


def ship_all(exchange, batches):
    """Ship as a client does that knows only what the store says it has; tries without end."""
    while True:
        try:
            size = exchange.size(*PLACE)
            left = [batch for batch in batches if batch.first >= size]
            if not left:
                return
            exchange.ship(left[:3])
        except NetworkError:
            time.sleep(0.01)


def sent_by(act, proxy, way):
    before = proxy.passed[way]
    act()
    return proxy.passed[way] - before


@pytest.mark.long
@pytest.mark.parametrize("way", ["asked", "answered"])
def test_the_link_is_cut_anywhere_in_a_transaction(postgres_server, team, see, way):
    """At each of some places, from the first byte asked to the last one answered."""
    with Proxy(postgres_server.port) as proxy:
        near, far = see(through(team, proxy)), see(team)
        batches = cut_into("a.jsonl", near.machine, [40] * 60)
        near.ship(batches[:1])
        whole = sent_by(lambda: near.ship(batches[1:2]), proxy, way)
        assert whole > 100
        done = 2
        for part in range(13):
            proxy.cut_after(**{way: 1 + whole * part // 12})
            batch = batches[done]
            try:
                near.ship([batch])
                acknowledged = True
            except NetworkError:
                acknowledged = False
            there = stored(far)
            assert there in (batches[:done], batches[: done + 1])
            assert not acknowledged or there[-1] == batch
            proxy.cut_after()
            ship_all(near, [batch])
            done += 1
            assert stored(far) == batches[:done]


@pytest.mark.long
def test_an_answer_that_is_lost_is_found_by_asking(postgres_server, team, see):
    """The server has done all that it was asked; not a byte of that comes back."""
    with Proxy(postgres_server.port) as proxy:
        near = see(through(team, proxy))
        batches = cut_into("a.jsonl", near.machine, [10] * 3)
        near.ship(batches[:1])
        whole = sent_by(lambda: near.ship(batches[1:2]), proxy, "answered")
        proxy.cut_after(answered=whole - 1)
        with pytest.raises(NetworkError):
            near.ship(batches[2:])
        assert near.size(*PLACE) == batches[2].end
        assert near.ship(batches[2:]) == 0
        assert stored(see(team)) == batches
        for known in range(2):
            near.lease_positions("exp-1", 4, known)
        whole = sent_by(lambda: near.lease_positions("exp-1", 4, 2), proxy, "answered")
        proxy.cut_after(answered=whole - 1)
        with pytest.raises(NetworkError):
            near.lease_positions("exp-1", 4, 3)
        assert len(near.leased("exp-1")) == 4
        assert near.lease_positions("exp-1", 4, 3) == range(12, 16)


def at_once(*acts):
    """Run all at the same time; return what each returned or raised."""
    together, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number, act):
        together.wait()
        try:
            results[number] = act()
        except Exception as error:  # noqa: BLE001 - told to the test
            results[number] = error

    threads = [
        threading.Thread(target=run, args=(number, act)) for number, act in enumerate(acts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("clients", [2, pytest.param(16, marks=pytest.mark.long)])
def test_of_those_that_ship_the_same_at_once_one_counts(team, see, clients):
    views = [see(team) for _ in range(clients)]
    batches = cut_into("a.jsonl", views[0].machine, [20, 30])
    results = at_once(*(lambda view=view: view.ship(batches) for view in views))
    assert sorted(results) == [0] * (clients - 1) + [batches[-1].end]
    assert stored(views[0]) == batches


@pytest.mark.parametrize("clients", [2, pytest.param(16, marks=pytest.mark.long)])
def test_of_those_that_ship_something_else_at_once_one_counts(team, see, clients):
    views = [see(team) for _ in range(clients)]
    machine = views[0].machine
    logs = [cut_into("a.jsonl", machine, [20 + number]) for number in range(clients)]
    results = at_once(
        *(
            lambda view=view, log=log: view.ship(log)
            for view, log in zip(views, logs, strict=True)
        )
    )
    (won,) = [number for number, result in enumerate(results) if isinstance(result, int)]
    assert all(
        isinstance(it, ConflictError) for number, it in enumerate(results) if number != won
    )
    assert stored(views[0]) == logs[won]


@pytest.mark.parametrize("clients", [2, pytest.param(16, marks=pytest.mark.long)])
def test_positions_leased_at_once_are_each_of_one_machine(team, see, clients):
    views = [see(team, f"m{number}") for number in range(clients)]

    def lease(view, number):
        return [
            view.lease_positions("exp-1", 2 + 2 * (number % 3), known) for known in range(5)
        ]

    results = at_once(
        *(lambda view=view, n=number: lease(view, n) for number, view in enumerate(views))
    )
    given = sorted((it for some in results for it in some), key=lambda it: it.start)
    assert [it.start for it in given] == [0, *(it.stop for it in given)][:-1]
    assert [it.positions for it in views[0].leased("exp-1")] == given


@pytest.mark.parametrize("clients", [2, pytest.param(16, marks=pytest.mark.long)])
def test_of_those_that_decide_at_once_one_does(team, see, clients):
    """Also when each believes that the one before it is dead, and that one is not."""
    views = [see(team, f"m{number}") for number in range(clients)]

    def decide(view, number):
        lease = view.lease_decision("exp-1", 0.001 if number % 2 else 5)
        if lease is None:
            return None
        view.decide(lease, decision(lease, document=b'{"by": %d}' % number))
        return number

    results = at_once(
        *(lambda view=view, n=number: decide(view, n) for number, view in enumerate(views))
    )
    refused = (type(None), int, LockedError, ConflictError)
    assert all(isinstance(it, refused) for it in results), results
    (made,) = views[0].decisions("exp-1")
    deciders = [it for it in results if isinstance(it, int)]
    assert [key(f"m{it}").machine for it in deciders] == [made.machine]


@pytest.mark.long
@pytest.mark.parametrize("clients", [2, 16])
def test_a_server_that_is_killed_again_and_again_loses_nothing(see, clients):
    """Clients ship, lease and wait; each batch is there once, in its place, in the end."""
    server = postgres.Server(durable=True)
    try:
        url = server.url(server.database())
        published(url)
        views = [see(url, f"m{number}") for number in range(clients)]
        logs = [
            cut_into("a.jsonl", view.machine, [1 + (number + size) % 40 for size in range(30)])
            for number, view in enumerate(views)
        ]
        shipping = [
            threading.Thread(target=ship_all, args=(view, log))
            for view, log in zip(views, logs, strict=True)
        ]
        for thread in shipping:
            thread.start()
        for _ in range(3):
            time.sleep(0.2)
            server.kill()
            server.restart()
        for thread in shipping:
            thread.join()
        there = stored(views[0], [f"m{number}" for number in range(clients)])
        assert sorted(there) == sorted(batch for log in logs for batch in log)
        assert server.rows(
            "select count(*), count(distinct (log_id, byte_offset))"
            " from meta_experiment.events",
            url.rpartition("/")[2],
        ) == [(sum(it.lines.count(b"\n") for log in logs for it in log),) * 2]
    finally:
        server.remove()


@pytest.mark.long
def test_connections_that_were_cut_while_nobody_used_them_are_let_go(
    postgres_server, team, see
):
    """All that a process may have, as after a night in which the server was restarted."""
    with Proxy(postgres_server.port) as proxy:
        near = see(through(team, proxy))
        held = threading.Barrier(8)

        def hold():
            with near._connections.transaction():
                held.wait(30)

        assert at_once(*[hold] * 8) == [None] * 8
        proxy.cut()
        assert near.sizes() == {}


@pytest.fixture
def impatient(monkeypatch):
    """Wait for a byte of an answer for half a second, and for a connection for one."""
    monkeypatch.setattr(patience, "SILENCE", 0.5)
    monkeypatch.setitem(address._BOUNDS, "connect_timeout", "1")
    monkeypatch.setattr(connections, "_WAIT", 0.5)


def test_one_that_takes_all_and_answers_nothing_is_left(postgres_server, team, see, impatient):
    """Nobody hangs whom TCP tells that all is well."""
    del impatient
    with Proxy(postgres_server.port) as proxy:
        proxy.silence_after(0)
        near = see(through(team, proxy))
        with pytest.raises(NetworkError, match="did not answer in time"):
            near.sizes()


@pytest.mark.long
def test_one_that_answers_half_is_left_and_found_again(postgres_server, team, see, impatient):
    """Wherever in an exchange it falls silent; what it did is found by asking."""
    del impatient
    batches = cut_into("a.jsonl", key("a").machine, [40] * 20)
    for part in range(4):
        with Proxy(postgres_server.port) as proxy:
            near = see(through(team, proxy))
            near.sizes()
            whole = sent_by(near.sizes, proxy, "answered")
            proxy.silence_after(whole * part // 4)
            with pytest.raises(NetworkError, match="did not answer in time"):
                near.ship(batches[part : part + 1])
            with pytest.raises(NetworkError, match="did not answer in time"):
                near.sizes()  # all other connections are as silent
        ship_all(see(team), batches[: part + 1])
    assert stored(see(team)) == batches[:4]


@pytest.mark.long
def test_an_answer_that_drips_has_an_end(team, see, monkeypatch):
    """As long as something comes it is waited for, but not for ever."""
    monkeypatch.setattr(patience, "WHOLE", 0.5)
    near = see(team)
    with pytest.raises(NetworkError, match="in time"), near._connections.transaction() as on:
        on.execute("select repeat('x', 10000), pg_sleep(0.1) from generate_series(1, 20)")
    assert near.sizes() == {}
