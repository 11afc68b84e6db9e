"""A database becomes a store by named steps, once; a store of a later version is left."""

from __future__ import annotations

import threading

import pytest

from meta_experiment.errors import CorruptStoreError, NewerVersionError, RemoteError
from meta_experiment.store.postgres import migrating
from meta_experiment.store.postgres.connections import Connections

# What was released is never another one: a step that a store has taken stays what it was.
RELEASED = {
    1: ("tables", "885052654d4f137b"),
    2: ("views", "79dfa006571121ce"),
    3: ("roles", "003a8b289503a433"),
    4: ("bound_machines", "0587dcd8f79e441e"),
    5: ("holders", "6f31957c4d3ad0bb"),
    6: ("plain_inserts", "876d47ebde1369b7"),
    7: ("clearing", "648a2f6af855ea7f"),
    8: ("machine_names", "bd497e780eb374eb"),
}


@pytest.fixture
def url(postgres_server):
    return postgres_server.url(postgres_server.database())


def visit(url):
    """Come as a program does, and return how many steps the store has taken."""
    connections = Connections(url)
    try:
        with connections.transaction() as connection:
            return connection.execute(
                "select count(*) from meta_experiment.migrations"
            ).fetchone()[0]
    finally:
        connections.close()


def later(url, *oldest_clients):
    """Let a later version of the program have been there, which took steps."""
    connections = Connections(url)
    with connections.transaction() as connection:
        for oldest in oldest_clients:
            connection.execute(
                "insert into meta_experiment.migrations (number, name, sha256, oldest_client)"
                " select max(number) + 1, 'later', '', %s from meta_experiment.migrations",
                [oldest],
            )
    connections.close()


def test_steps_are_named_and_in_order():
    known = {step.number: (step.name, step.sha256[:16]) for step in migrating.migrations()}
    assert known == RELEASED
    assert [step.number for step in migrating.migrations()] == sorted(RELEASED)
    assert all(step.oldest_client <= step.number for step in migrating.migrations())


@pytest.mark.long
def test_of_sixteen_that_come_at_once_one_makes_the_store(url):
    together, seen = threading.Barrier(16), []

    def come():
        together.wait()
        seen.append(visit(url))

    threads = [threading.Thread(target=come) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [len(RELEASED)] * 16


@pytest.mark.long
def test_a_store_is_brought_up_to_date_once(url, monkeypatch):
    known = migrating.migrations()
    monkeypatch.setattr(migrating, "migrations", lambda: known[:1])
    assert visit(url) == 1
    monkeypatch.setattr(migrating, "migrations", lambda: known)
    assert visit(url) == len(known)
    assert visit(url) == len(known)


@pytest.mark.long
def test_a_step_that_fails_leaves_all_as_it_was(url, monkeypatch):
    known = migrating.migrations()
    broken = known[1]._replace(sql="create table half (); select 1 / 0")
    monkeypatch.setattr(migrating, "migrations", lambda: [known[0], broken])
    with pytest.raises(RemoteError, match="division by zero"):
        visit(url)
    monkeypatch.setattr(migrating, "migrations", lambda: known)
    assert visit(url) == len(known)


def test_a_program_goes_on_with_a_later_store_where_that_says_so(url):
    visit(url)
    later(url, len(RELEASED))
    assert visit(url) == len(RELEASED) + 1
    later(url, len(RELEASED) + 1)
    with pytest.raises(NewerVersionError, match="later version") as caught:
        visit(url)
    assert "Update" in caught.value.hint


def test_of_all_later_steps_the_most_demanding_one_says_who_goes_on(url):
    visit(url)
    later(url, len(RELEASED) + 1, 1)
    with pytest.raises(NewerVersionError, match="later version"):
        visit(url)


@pytest.mark.long
def test_a_store_of_other_steps_is_left_alone(url, postgres_server):
    visit(url)
    postgres_server.run(
        "update meta_experiment.migrations set sha256 = 'other' where number = 2",
        database=url.rpartition("/")[2],
    )
    with pytest.raises(CorruptStoreError, match="views"):
        visit(url)


@pytest.mark.long
def test_who_may_not_make_a_store_is_told_who_may(postgres_server):
    name, role = postgres_server.database(), "visitor_without_rights"
    postgres_server.run(f"drop role if exists {role}", f"create role {role} login password 'x'")
    with pytest.raises(RemoteError, match="may not make it") as caught:
        visit(postgres_server.url(name, role, "x"))
    assert "store use" in caught.value.hint
    visit(postgres_server.url(name))
    with pytest.raises(RemoteError, match="permission denied") as caught:
        visit(postgres_server.url(name, role, "x"))
    assert "allow(" in caught.value.hint
