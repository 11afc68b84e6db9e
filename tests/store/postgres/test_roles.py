"""What roles of the database may do, tried as these roles: project by project, and no more."""

from __future__ import annotations

import contextlib

import psycopg
import pytest
from tests.store import exchange_contract as making

from meta_experiment.errors import ConflictError, RemoteError
from meta_experiment.store.exchange import MachineAdmission, TeamNote
from meta_experiment.store.postgres import migrating
from meta_experiment.store.postgres.exchange import open_exchange

pytestmark = pytest.mark.long
KINDS = ("writer", "member", "owner")


@pytest.fixture(scope="module")
def store(postgres_server):
    """Give the URLs of a store by role: each may do its kind in "mine", nothing in "other"."""
    name = postgres_server.database()
    boss = open_exchange(postgres_server.url(name), "mine", making.key("a").machine)
    urls = {"boss": postgres_server.url(name)}
    for project in ("mine", "other"):
        boss.project, boss._number = project, None
        boss.join(making.key("a"))
        boss.publish(making.experiment(), making.TEXTS)
        boss.ship([making.batch()])
        boss.note(TeamNote("exp-1", 0, boss.machine, b"{}", b"s"))
        boss.lease_positions("exp-1", 4, 0)
    boss.close()
    for kind in KINDS:
        role = f"{name}_{kind}"
        postgres_server.run(
            f"create role {role} login password 'x'",
            f"select meta_experiment.allow('{role}', 'mine', '{kind}')",
            database=name,
        )
        urls[kind] = postgres_server.url(name, role, "x")
    yield urls
    postgres_server.run(
        *(f"drop owned by {name}_{kind}; drop role {name}_{kind}" for kind in KINDS),
        database=name,
    )


@pytest.fixture
def see(store):
    with contextlib.ExitStack() as opened:

        def view(kind, project="mine", machine="a"):
            exchange = open_exchange(store[kind], project, making.key(machine).machine)
            opened.callback(exchange.close)
            return exchange

        yield view


def run(url, statement):
    with psycopg.connect(url) as connection:
        return connection.execute(statement)


def test_a_writer_ships_trials(see):
    writer = see("writer", machine="writer")
    writer.join(making.key("writer"))
    batch = making.batch(machine="writer")
    assert writer.ship([batch]) == len(batch.lines)
    assert writer.ship([batch]) == 0
    assert list(writer.batches_after("exp-1", [writer.machine], {})) == [batch]
    assert [it.experiment_id for it in writer.published()] == ["exp-1"]
    assert writer.contents("exp-1") == making.TEXTS


def test_a_writer_does_nothing_else(see):
    writer = see("writer")
    for act in (
        lambda: writer.publish(making.experiment("exp-2"), {}),
        lambda: writer.publish(making.experiment(plan="2" * 64), {}),
        lambda: writer.note(TeamNote("exp-1", 0, writer.machine, b"x", b"s")),
        lambda: writer.lease_positions("exp-1", 4, 9),
        lambda: writer.lease_decision("exp-1", 60),
        lambda: writer.join(making.key("a")._replace(name="other")),
        lambda: writer.admit(
            MachineAdmission(*making.key("a")[:2], 1, counts=True, signature=b"s")
        ),
    ):
        with pytest.raises((RemoteError, ConflictError), match=r"permission denied|another"):
            act()
    assert list(writer.published()) == [making.experiment()]


def test_a_member_also_publishes_leases_and_decides(see):
    member = see("member", machine="member")
    member.join(making.key("member"))
    member.publish(making.experiment("exp-m"), making.TEXTS)
    assert member.note(TeamNote("exp-m", 0, member.machine, b"{}", b"s")) == 1
    assert member.lease_positions("exp-m", 4, 0) == range(4)
    lease = member.lease_decision("exp-m", 60)
    member.decide(lease, making.decision(lease))
    member.release(member.renew(lease, 5))
    with pytest.raises(RemoteError, match="permission denied"):
        member.admit(MachineAdmission(*making.key("member")[:2], 1, counts=True, signature=b""))


def test_an_owner_also_admits(see):
    owner = see("owner")
    owner.admit(MachineAdmission(*making.key("a")[:2], 1, counts=True, signature=b"s"))


def tables(store):
    """Return every table that has rows of projects."""
    found = run(
        store["boss"],
        "select table_name from information_schema.columns join information_schema.tables"
        " using (table_schema, table_name) where table_schema = 'meta_experiment'"
        " and column_name = 'project_id' and table_type = 'BASE TABLE'"
        " and table_name <> 'allowed'",
    ).fetchall()
    assert len(found) == 18
    return [name for (name,) in found]


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_sees_what_is_of_another_project(store, kind):
    """Not in any table, whatever tables there will be."""
    (mine,) = run(
        store["boss"], "select project_id from meta_experiment.projects where name = 'mine'"
    ).fetchone()
    with psycopg.connect(store[kind]) as connection:
        for table in tables(store):
            rows = connection.execute(f"select project_id from meta_experiment.{table}")  # noqa: S608
            assert {project for (project,) in rows} <= {mine}, table
        for view in ("trials", "outcomes", "assignments"):
            rows = connection.execute(f"select project from meta_experiment.{view}")  # noqa: S608
            assert {project for (project,) in rows} <= {"mine"}


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_writes_into_another_project(store, kind, see):
    stranger = see(kind, "other")
    assert stranger.owner() is None
    assert list(stranger.published()) == []
    with pytest.raises(RemoteError):
        stranger.join(making.key("a"))
    (other,) = run(
        store["boss"], "select project_id from meta_experiment.projects where name = 'other'"
    ).fetchone()
    for statement in (
        "logs (project_id, experiment, machine, log) values ({}, 'exp-1', 'm', 'l')",
        "events (project_id, log_id, byte_offset, line) values ({}, 1, 999, 'x')",
        "batches (project_id, log_id, first, last, signature) values ({}, 1, 0, 9, '')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(store[kind], "insert into meta_experiment." + statement.format(other))


def test_a_writer_changes_and_removes_nothing(store):
    with psycopg.connect(store["writer"], autocommit=True) as connection:
        for table in tables(store):
            for statement in (
                f"delete from meta_experiment.{table}",  # noqa: S608
                f"update meta_experiment.{table} set project_id = default",  # noqa: S608
                f"truncate meta_experiment.{table} cascade",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_lets_in_himself(store, kind):
    for statement in (
        "select meta_experiment.allow(current_user, 'other', 'owner')",
        "select meta_experiment.disallow(current_user, 'mine')",
        "insert into meta_experiment.allowed select 1, current_user, 'owner'",
        "update meta_experiment.migrations set oldest_client = 99",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(store[kind], statement)


def test_who_is_disallowed_sees_nothing_more(store, postgres_server):
    name = store["boss"].rpartition("/")[2]
    role = f"{name}_late"
    seen = "select count(*) from meta_experiment.trials"
    postgres_server.run(
        f"create role {role} login password 'x'",
        f"select meta_experiment.allow('{role}', 'mine', 'writer')",
        database=name,
    )
    url = postgres_server.url(name, role, "x")
    there = run(store["writer"], seen).fetchone()
    assert run(url, seen).fetchone() == there
    postgres_server.run(f"select meta_experiment.disallow('{role}', 'mine')", database=name)
    assert run(url, seen).fetchone() == (0,)
    postgres_server.run(f"drop owned by {role}", f"drop role {role}", database=name)


def test_a_batch_can_leave_no_gap_whoever_inserts_it(store):
    """What the program promises holds against who writes past it as well."""
    insert = (
        "insert into meta_experiment.batches (project_id, log_id, first, last, signature)"
        " select project_id, log_id, {}, {}, '' from meta_experiment.logs where machine = '{}'"
    )
    size = len(making.LINES)
    for first, last in ((size + 1, size + 9), (1, size + 9), (0, 5), (0, size), (size, size)):
        with pytest.raises(psycopg.IntegrityError):
            run(store["boss"], insert.format(first, last, making.key("a").machine))


@pytest.fixture
def other_role(store, postgres_server):
    """Give the URL of a further member of the project."""
    name = store["boss"].rpartition("/")[2]
    role = f"{name}_second"
    postgres_server.run(
        f"create role {role} login password 'x'",
        f"select meta_experiment.allow('{role}', 'mine', 'member')",
        database=name,
    )
    yield postgres_server.url(name, role, "x")
    postgres_server.run(f"drop owned by {role}", f"drop role {role}", database=name)


def test_no_other_role_writes_in_the_logs_of_a_machine(store, see, other_role):
    """Neither a batch, nor a line in its way, nor a log before it has one; it goes on."""
    ann = see("member", machine="ann")
    ann.join(making.key("ann"))
    first = making.batch(machine="ann")
    later = making.batch(machine="ann", first=first.end)
    ann.ship([first])
    store["second"] = other_role
    bob = see("second", machine="ann")
    for batch in (later, making.batch(machine="ann", log="b.jsonl")):
        with pytest.raises(RemoteError, match="another one") as caught:
            bob.ship([batch])
        assert "bind(" in caught.value.hint
    x, end = making.key("x"), first.end
    logs, machines = "from meta_experiment.logs", "from meta_experiment.machines"
    for place, values in (
        ("events (project_id, log_id, byte_offset, line)", f"log_id, {end}, 'x' {logs}"),
        (
            "batches (project_id, log_id, first, last, signature)",
            f"log_id, {end}, {end + 9}, '' {logs}",
        ),
        ("logs (project_id, experiment, machine, log)", f"'exp-1', machine, 'c' {machines}"),
        ("logs (project_id, experiment, log, machine)", f"'exp-1', 'c', 'host' {machines}"),
        (
            "machines (project_id, joined_by, machine, public_key, name)",
            f"joined_by, '{x.machine}', '\\x{x.public_key.hex()}', 'x' {machines}",
        ),
    ):
        statement = f"{place} select project_id, {values} where machine = '{ann.machine}'"
        with pytest.raises(
            psycopg.errors.InsufficientPrivilege, match=r"of another role|permission denied"
        ):
            run(other_role, "insert into meta_experiment." + statement)
    assert ann.ship([later]) == len(later.lines)
    assert list(ann.batches_after("exp-1", [ann.machine], {})) == [first, later]


def test_one_role_may_ship_for_many_machines(see):
    """A team of one trust, whose machines all come as one user."""
    for machine in ("m1", "m2"):
        shared = see("writer", machine=machine)
        shared.join(making.key(machine))
        assert shared.ship([making.batch(machine=machine)])


def test_a_machine_is_bound_to_another_role_by_who_owns_the_schema(
    store, see, other_role, postgres_server
):
    name = store["boss"].rpartition("/")[2]
    ann = see("member", machine="moves")
    ann.join(making.key("moves"))
    role = other_role.partition("//")[2].partition(":")[0]
    bind = f"select meta_experiment.bind('mine', '{ann.machine}', '{role}')"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(other_role, bind)
    postgres_server.run(bind, database=name)
    store["second"] = other_role
    assert see("second", machine="moves").ship([making.batch(machine="moves")])
    with pytest.raises(RemoteError, match="another one"):
        ann.ship([making.batch(machine="moves", log="b.jsonl")])
    for wrong in (bind.replace("'mine'", "'none'"), bind.replace(role, "nobody_here")):
        with pytest.raises(psycopg.errors.RaiseException):
            postgres_server.run(wrong, database=name)


def test_programs_that_do_not_know_of_it_go_on_beside_those_that_do(
    postgres_server, monkeypatch
):
    """A machine that joined before is nobody's; one that an old program joins is its role's."""
    name, role = postgres_server.database(), "of_old_programs"
    postgres_server.run(f"drop role if exists {role}", f"create role {role} login password 'x'")
    known, opened = migrating.migrations()[:4], contextlib.ExitStack()
    with opened:

        def come(url, machine, steps):
            monkeypatch.setattr(migrating, "migrations", lambda: steps)
            exchange = open_exchange(url, "mine", making.key(machine).machine)
            opened.callback(exchange.close)
            exchange.join(making.key(machine))
            return exchange

        boss = come(postgres_server.url(name), "a", known[:3])
        boss.publish(making.experiment(), {})
        postgres_server.run(
            f"select meta_experiment.allow('{role}', 'mine', 'member')", database=name
        )
        url = postgres_server.url(name, role, "x")
        before = come(url, "before", known[:3])
        assert before.ship([making.batch(machine="before")])
        come(postgres_server.url(name), "a", known)  # brings the store up to date
        later = making.batch(machine="before", log="b.jsonl")
        assert before.ship([later]) == come(url, "before", known).ship([later]) + later.end
        assert come(url, "since", known[:3]).ship([making.batch(machine="since")])
    bound = "select name from meta_experiment.machines where joined_by = 'of_old_programs'"
    assert postgres_server.rows(bound, name) == [("since",)]
    postgres_server.run(f"drop owned by {role}", f"drop role {role}", database=name)
