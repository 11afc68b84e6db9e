"""Nobody makes others read what is absurd: it stays in the server, and the rest goes on."""

from __future__ import annotations

import tracemalloc

import psycopg
import pytest
from tests.store.exchange_contract import TEXTS, batch, decision, experiment, key

from meta_experiment.errors import ConflictError, CorruptStoreError
from meta_experiment.services.teams.unread_rows import told_unread
from meta_experiment.store.exchange import MachineAdmission, TeamNote
from meta_experiment.store.postgres import measured
from meta_experiment.store.postgres.exchange import open_exchange

pytestmark = pytest.mark.long
LARGE = 24 << 20
MOST = 8 << 20  # what reading it may take


@pytest.fixture
def team(postgres_store, request):
    """Give a store with an experiment, and what runs statements there as a stranger would."""
    exchange = open_exchange(postgres_store, request.node.nodeid[-200:], key("a").machine)
    for name in ("a", "b", "c"):
        exchange.join(key(name))
    exchange.publish(experiment(), TEXTS)

    def write(statement, *values):
        with psycopg.connect(postgres_store, autocommit=True) as connection:
            connection.execute(
                f"with place as (select project_id from meta_experiment.projects"  # noqa: S608
                f" where name = %s) {statement}",
                [exchange.project, *values],
            )

    yield exchange, write
    exchange.close()


def read(act):
    """Return what comes of it, which may take so much memory and no more."""
    act()  # with all that is imported and connected once
    tracemalloc.start()
    try:
        found = act()
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()
    return found


def test_a_line_that_is_larger_than_its_place_is_left_where_it_is(team):
    """What was shipped before it, behind it and by others is read."""
    exchange, write = team
    shipped = [
        batch(),
        batch(machine="b", log="b.jsonl"),
        batch(first=len(batch().lines), machine="b", log="b.jsonl"),
        batch(machine="c", log="c.jsonl"),
    ]
    exchange.ship(shipped)
    write(
        "update meta_experiment.events set line = repeat('x', %s)"
        " where project_id in (table place) and byte_offset = 0 and log_id in"
        " (select log_id from meta_experiment.logs where log = 'b.jsonl')",
        LARGE,
    )
    machines = [key(name).machine for name in ("a", "b", "c")]
    found = read(lambda: list(exchange.batches_after("exp-1", machines, {})))
    assert {it for it in found if not it.left_out} == {shipped[0], shipped[3]}
    (left,) = [it for it in found if it.left_out]
    assert (left.machine, left.log, left.first) == (key("b").machine, "b.jsonl", 0)
    assert "as many bytes" in left.left_out
    later = {(key("b").machine, "b.jsonl"): shipped[1].end}
    assert list(exchange.batches_after("exp-1", [key("b").machine], later)) == [shipped[2]]


def test_a_batch_that_is_larger_than_any_is_left_where_it_is(team):
    """Also one that says how large it is."""
    exchange, write = team
    exchange.ship([batch()])
    write(
        "insert into meta_experiment.batches (project_id, log_id, first, last, signature)"
        " select project_id, log_id, %s, %s, '' from meta_experiment.logs"
        " where project_id in (table place)",
        batch().end, batch().end + LARGE + 1,
    )  # fmt: skip
    write(
        "insert into meta_experiment.events (project_id, log_id, byte_offset, line)"
        " select project_id, log_id, %s, repeat('x', %s) from meta_experiment.logs"
        " where project_id in (table place)",
        batch().end, LARGE,
    )  # fmt: skip
    first, left = read(lambda: list(exchange.batches_after("exp-1", [key("a").machine], {})))
    assert first == batch()
    assert (left.first, left.lines) == (batch().end, b"")
    assert "larger than" in left.left_out


def test_a_signature_and_the_name_of_a_log_are_bounded_as_well(team):
    exchange, write = team
    exchange.ship([batch(), batch(machine="b")])
    write(
        "update meta_experiment.batches set signature = convert_to(repeat('x', %s), 'utf8')"
        " where project_id in (table place) and log_id in"
        " (select log_id from meta_experiment.logs where machine = %s)",
        LARGE, key("b").machine,
    )  # fmt: skip
    write(
        "update meta_experiment.logs set log = repeat('x', 9999)"
        " where project_id in (table place) and machine = %s",
        key("a").machine,
    )
    machines = [key("a").machine, key("b").machine]
    found = read(lambda: list(exchange.batches_after("exp-1", machines, {})))
    assert {it.machine: it.left_out[:8] for it in found} == {
        key("a").machine: "its name",
        key("b").machine: "it is la",
    }


def test_documents_are_bounded_each(team):
    exchange, write = team
    lease = exchange.lease_decision("exp-1", 60)
    exchange.decide(lease, decision(lease))
    for number in (1, 2):
        document = b'{"number": %d}' % number
        exchange.note(TeamNote("exp-1", 0, key("a").machine, document, b"s" * 64))
    large = "document = convert_to(repeat('x', %s), 'utf8') where project_id in (table place)"
    write(f"update meta_experiment.notes set {large} and number = 1", LARGE)  # noqa: S608
    write(f"update meta_experiment.decisions set {large}", LARGE)  # noqa: S608
    first, small = read(lambda: exchange.notes("exp-1"))
    assert (first.document, small.document) == (b"", b'{"number": 2}')
    assert "larger than" in first.left_out
    assert small.left_out == ""
    (made,) = read(lambda: exchange.decisions("exp-1"))
    assert (made.document, made.signature) == (b"", b"")
    assert "larger than" in made.left_out
    write(f"update meta_experiment.experiments set {large}", LARGE)  # noqa: S608
    assert [it.document for it in read(exchange.published)] == [b""]


def test_notes_have_a_share_each_by_who_wrote_them(team, monkeypatch):
    """Of who wrote too many the largest are left out, and it is named; others' stay."""
    exchange, write = team
    exchange.publish(experiment("exp-2"), TEXTS)
    for name in ("exp-1", "exp-2"):
        exchange.note(TeamNote(name, 0, key("a").machine, b"{}", b"s" * 64))
    monkeypatch.setattr(measured, "WHOLE", 1 << 20)
    write(
        "insert into meta_experiment.notes (project_id, experiment, number, machine, document,"
        " signature) select project_id, 'exp-1', n, 'm', convert_to(repeat('x', 9000), 'utf8'),"
        " convert_to(n::text, 'utf8') from place, generate_series(1, 300) n"
    )
    write(
        "update meta_experiment.notes set written_by = 'mallory'"
        " where project_id in (table place) and machine = 'm'"
    )
    large = b'"' + b"y" * 9500 + b'"'  # than any of those
    last = TeamNote("exp-1", 0, key("b").machine, large, b"t" * 64)
    exchange.note(last)
    found = read(lambda: exchange.notes("exp-1"))
    assert [it.number for it in found] == sorted(it.number for it in found)
    assert [it.machine for it in found if it.machine != "m"] == [
        key("a").machine,
        key("b").machine,
    ]
    many = sum(it.machine == "m" for it in found)
    assert 0 < many < measured.WHOLE // 9000
    (unread,) = exchange.unread("exp-1")
    assert (unread.what, unread.by, unread.rows) == ("notes", "mallory", 300 - many)
    assert unread.size > 9000 * unread.rows
    assert len(exchange.notes("exp-2")) == 1
    assert exchange.unread("exp-2") == []
    (finding,) = (told_unread("exp-1", "p", it) for it in exchange.unread("exp-1"))
    assert "select meta_experiment.clear('p', 'mallory')" in finding.hint
    write("select meta_experiment.clear(%s, 'mallory') from place", exchange.project)
    assert len(exchange.notes("exp-1")) == 2
    assert exchange.unread("exp-1") == []


def test_no_role_hides_machines_of_another(team, monkeypatch):
    """Of one that joins too many the last are left out, and it is named; others' stay."""
    exchange, write = team
    monkeypatch.setattr(measured, "WHOLE", 2 << 20)
    flooding = (
        "insert into meta_experiment.machines"
        " (project_id, machine, public_key, name, joined_by)"
        " select project_id, left(encode(sha256(public_key), 'hex'), 16), public_key,"
        " repeat('x', 256), %s from place,"
        " (select sha256(convert_to(%s || n, 'utf8')) as public_key"
        " from generate_series(1, 2000) n) keys"
    )
    write(flooding, "mallory", "m")
    last = key("late")
    write(
        "insert into meta_experiment.machines"
        " (project_id, machine, public_key, name, joined_by)"
        " select project_id, %s, %s, 'late', 'late' from place",
        *last[:2],
    )
    found = read(exchange.machines)
    assert [it.key.name for it in found if it.key.name[0] != "x"] == ["a", "b", "c", "late"]
    (unread,) = exchange.unread_machines()
    assert (unread.what, unread.by) == ("machines", "mallory")
    assert unread.rows == 2000 + 4 - len(found) > 1000
    # nor does who comes under the same user hide one of which the owner said something
    write(
        "update meta_experiment.machines set joined_by = 'mallory'"
        " where project_id in (table place) and machine = %s",
        last.machine,
    )
    assert last not in [it.key for it in exchange.machines()]
    exchange.admit(MachineAdmission(*last[:2], 1, True, b"s" * 64))
    assert last in [it.key for it in exchange.machines()]
    write("select meta_experiment.clear(%s, 'mallory') from place", exchange.project)
    assert [it.key.name for it in exchange.machines()] == ["a", "b", "c", "late"]
    assert exchange.unread_machines() == []


def test_the_name_of_a_machine_is_short(team):
    exchange, _ = team
    with pytest.raises(ConflictError, match="name of a machine"):
        exchange.join(key("a")._replace(name="x" * 257))


def test_more_than_anybody_writes_is_refused_as_a_whole(team, monkeypatch):
    """By what it is and of which experiment; others go on."""
    exchange, write = team
    exchange.publish(experiment("exp-2"), TEXTS)
    monkeypatch.setattr(measured, "WHOLE", 1 << 20)
    write(
        "insert into meta_experiment.decisions (project_id, experiment, generation, machine,"
        " fence, document, signature) select project_id, 'exp-1', n, 'm', 1,"
        " convert_to(repeat('x', 9000), 'utf8'), 's' from place, generate_series(0, 300) n"
    )

    def refused():
        with pytest.raises(CorruptStoreError, match=r"more than 1 MB of decisions of 'exp-1'"):
            exchange.decisions("exp-1")

    read(refused)
    assert exchange.decisions("exp-2") == []


def test_a_text_that_is_larger_than_any_is_refused(team):
    exchange, write = team
    write(
        "insert into meta_experiment.texts (project_id, sha256, data) select project_id,"
        " sha256(data), data from place, convert_to(repeat('x', %s), 'utf8') data",
        LARGE,
    )
    write(
        "update meta_experiment.variants set sha256 = (select sha256 from"
        " meta_experiment.texts where project_id in (table place) order by length(data) desc"
        " limit 1) where project_id in (table place) and mode is not null"
    )

    def refused():
        with pytest.raises(CorruptStoreError, match="a text is larger"):
            exchange.contents("exp-1")

    read(refused)
