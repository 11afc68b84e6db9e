"""Who may insert rows stops nobody else by one: tried as such a role, past the program."""

from __future__ import annotations

import contextlib
import secrets

import psycopg
import pytest
from tests.store import exchange_contract as making

from meta_experiment.errors import ConflictError
from meta_experiment.store.exchange import TeamNote
from meta_experiment.store.postgres import measured, migrating
from meta_experiment.store.postgres.exchange import open_exchange

pytestmark = pytest.mark.long
PROJECT = "(select project_id from meta_experiment.projects where name = 'mine')"
LAST = (1 << 63) - 1


class OpenStore:
    """A database, its roles, and its exchanges; all are gone at the end."""

    def __init__(self, server, opened, steps):
        self.server, self.name = server, server.database()
        self._opened, self._steps, self._roles = opened, steps, {}

    def see(self, machine, kind="boss"):
        """Give the exchange of a machine that comes as a role."""
        exchange = open_exchange(self.url(kind), "mine", making.key(machine).machine)
        self._opened.callback(exchange.close)
        return exchange

    def url(self, kind):
        if kind == "boss":
            return self.server.url(self.name)
        if kind not in self._roles:
            role = self._roles[kind] = f"{kind.replace(' ', '_')}_{secrets.token_hex(4)}"
            self.server.run(f"create role {role} login password 'x'")
            self._opened.callback(
                self.server.run,
                f"drop owned by {role}",
                f"drop role {role}",
                database=self.name,
            )
            self.allow(kind)
        return self.server.url(self.name, self._roles[kind], "x")

    def role(self, kind):
        self.url(kind)
        return self._roles[kind]

    def allow(self, kind):
        called = f"('{self._roles[kind]}', 'mine', '{kind.rpartition(' ')[2]}')"
        self.run(f"select meta_experiment.allow{called}")

    def run(self, statement, kind="boss"):
        """Run a statement past the program, THERE and MINE filled in; return its rows."""
        statement = statement.replace("THERE", "meta_experiment").replace("MINE", PROJECT)
        with psycopg.connect(self.url(kind), autocommit=True) as connection:
            done = connection.execute(statement)
            return done.fetchall() if done.description else []

    def takes(self, steps):
        """Let programs from now on know so many steps; one visits."""
        self._steps(steps)
        exchange = self.see("a")
        exchange.owner()
        exchange.close()


@pytest.fixture
def store(postgres_server, monkeypatch):
    known = migrating.migrations()

    def steps(count):
        monkeypatch.setattr(migrating, "migrations", lambda: known[:count])

    with contextlib.ExitStack() as opened:
        yield OpenStore(postgres_server, opened, steps)


@pytest.fixture
def team(store):
    """Give a store with an experiment of the machine a."""
    boss = store.see("a")
    boss.join(making.key("a"))
    boss.publish(making.experiment(), making.TEXTS)
    return store


MACHINE = "insert into THERE.machines (project_id, machine, public_key, name, "
LOG = "insert into THERE.logs (log_id, project_id, experiment, machine, log) "
BATCH = "insert into THERE.batches (project_id, log_id, first, last, signature, shipped) "
GIVEN_BY_THE_SERVER = (
    LOG + "overriding system value values (1, MINE, 'x', 'x', 'x')",
    MACHINE + "joined) values (MINE, 'x', '', 'x', 'infinity')",
    MACHINE + "number) overriding system value values (MINE, 'x', '', 'x', 9)",
    BATCH + "values (MINE, 1, 0, 9, '', 'infinity')",
)


NOTE = (
    "insert into THERE.notes (project_id, experiment, number, machine, document, signature)"
    " select MINE, 'exp-1', NUMBER, n::text, '', '' from generate_series(1, MANY) n"
)


def note(number, many=1):
    """Return what inserts notes under a number."""
    return NOTE.replace("NUMBER", str(number)).replace("MANY", str(many))


def refuses(store, kind):
    for statement in GIVEN_BY_THE_SERVER:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
            store.run(statement, kind)


def test_who_may_insert_gives_no_number_and_no_time(team):
    refuses(team, "writer")
    refuses(team, "owner")
    boss = team.see("a")
    assert boss.ship([making.batch()])


def test_who_was_let_in_before_gives_none_either(store):
    """Nor who was put out before, and let in again since."""
    store.takes(5)
    store.see("a").join(making.key("a"))
    for kind in ("early writer", "returned writer", "early member"):
        store.see(kind, kind).join(making.key(kind))
    role = store.role("returned writer")
    store.run(f"select meta_experiment.disallow('{role}', 'mine')")
    store.takes(6)
    store.allow("returned writer")
    for kind in ("early writer", "returned writer", "early member"):
        refuses(store, kind)
    store.see("a").publish(making.experiment(), {})
    assert store.see("early writer", "early writer").ship(
        [making.batch(machine="early writer")]
    )


def test_a_time_that_no_program_can_read_stops_nobody(team):
    boss = team.see("a")
    boss.ship([making.batch()])
    boss.join(making.key("b"))
    for time in ("infinity", "-infinity", "200000-01-01"):
        team.run("update THERE.machines set joined = 'TIME'".replace("TIME", time))
        team.run("update THERE.batches set shipped = 'TIME'".replace("TIME", time))
        first, second = boss.machines()
        assert isinstance(first.shipped, float)
        assert second.shipped is None


def test_a_number_that_is_taken_is_told_and_passed(team):
    team.run(LOG + "overriding system value values (1, MINE, 'x', 'x', 'x')")
    boss = team.see("a")
    with pytest.raises(ConflictError, match="something else in this place"):
        boss.ship([making.batch()])
    assert boss.ship([making.batch()])


def test_the_server_numbers_notes(team):
    boss = team.see("a")
    team.run(note(LAST), "member")
    assert boss.note(TeamNote("exp-1", 0, boss.machine, b"{}", b"s")) == 2
    assert boss.note(TeamNote("exp-1", 0, boss.machine, b"{}", b"t")) == 3
    assert boss.note(TeamNote("exp-1", 0, boss.machine, b"{}", b"s")) == 2


def test_an_absurd_number_of_before_is_taken_back(store):
    store.takes(5)
    boss = store.see("a")
    boss.publish(making.experiment(), {})
    for number in (LAST - 1, LAST, 1):
        store.run(note(number))
        store.run("update THERE.notes set machine = number::text")
    store.takes(6)
    found = [(it.number, it.machine) for it in boss.notes("exp-1")]
    assert found == [(1, "1"), (2, str(LAST - 1)), (3, str(LAST))]
    assert boss.note(TeamNote("exp-1", 0, boss.machine, b"{}", b"s")) == 4


def test_what_is_told_again_is_found_without_reading_all(team):
    team.run(note(1, many=999))
    team.run("analyze THERE.notes")
    plan = team.run(
        "explain select number from THERE.notes where (project_id, experiment,"
        " content_sha256, machine) = (MINE, 'exp-1', sha256('x'), 'm')",
        "member",
    )
    assert any("Index Cond" in line and "content_sha256" in line for (line,) in plan), plan


def test_the_server_says_who_publishes_and_tells(team):
    member = team.see("m", "member")
    member.publish(making.experiment("exp-m"), making.TEXTS)
    member.note(TeamNote("exp-m", 0, member.machine, b"{}", b"s"))
    team.run(note(9), "member")
    published = "experiment = 'exp-m'"
    for table, few in {
        "experiments": published,
        "variants": published,
        "notes": "true",
    }.items():
        query = "select distinct written_by from THERE.TABLE where FEW"
        found = team.run(query.replace("TABLE", table).replace("FEW", few))
        assert found == [(team.role("member"),)]
        named = "insert into THERE.TABLE (written_by) values ('x')".replace("TABLE", table)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            team.run(named, "member")


def test_who_brings_a_store_up_to_date_is_not_named_for_what_was_there(store):
    store.takes(4)
    store.see("a").publish(making.experiment(), {})
    before = store.see("m", "early member")
    before.lease_positions("exp-1", 4, 0)
    store.takes(6)
    store.see("m", "early member").lease_positions("exp-1", 4, 1)
    first, second = store.see("a").written("exp-1")
    assert (first.by, second.by) == ("", store.role("early member"))


def test_a_machine_is_named_by_the_role_alone_that_joined_it(team):
    names = ["a", "of mine"]
    team.see("b", "member").join(making.key("b")._replace(name="of mine"))
    update = "update meta_experiment.machines set name = 'swapped'"
    for other in ("second member", "owner"):
        team.run(update, other)
        team.see("b", other).join(making.key("b"))  # goes on, and changes nothing
        assert [it.key.name for it in team.see("a").machines()] == names
    team.run(update, "member")
    assert [it.key.name for it in team.see("a").machines()] == ["a", "swapped"]


PLANS = (
    "insert into THERE.experiments (project_id, experiment, plan_sha256, document,"
    " machine, signature, beginning) select MINE, 'x' || n, 'y',"
    " convert_to(repeat('x', SIZE), 'utf8'), 'm', 's', 0 from generate_series(1, MANY) n"
)


@pytest.mark.parametrize(("many", "size"), [(18, 200000), (1500, 500)])
def test_too_many_plans_hide_none_of_another_role(team, monkeypatch, many, size):
    """They come by name, without what is in them; one that is asked for alone is whole."""
    monkeypatch.setattr(measured, "WHOLE", 1 << 20)
    plans = PLANS.replace("SIZE", str(size)).replace("MANY", str(many))
    team.run(plans, "member")
    boss = team.see("a")
    larger = making.experiment("exp-2")._replace(document=b"d" * 9000)
    boss.publish(larger, making.TEXTS)
    found = {it.experiment_id: it for it in boss.published()}
    assert len(found) == many + 2
    assert (found["exp-1"], found["exp-2"]) == (making.experiment(), larger)
    assert sum(len(it.document) for it in found.values()) < measured.WHOLE
    last = found[f"x{many}"]
    assert (last.document, last.machine) == (b"", "m")
    (alone,) = boss.published(last.experiment_id)
    assert len(alone.document) == size
