"""The verbs of a team's store over a server, as a person types them; no secret is told."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from tests.support.postgres import PASSWORD
from tests.teams.postgres_team import PostgresTeam
from tests.teams.teammates import PROJECT, Teammate, team_of

from meta_experiment.cli.main import main

_VARIABLE = "META_EXPERIMENT_STORE"


@pytest.fixture
def url(postgres_server, monkeypatch):
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.delenv(_VARIABLE, raising=False)
    return postgres_server.url(postgres_server.database())


@pytest.fixture
def pair(tmp_path, url):
    """Give an experiment and two checkouts that no store is in use in."""
    made, (source,) = team_of(tmp_path / "source", "source")
    mates = [Teammate(tmp_path, name, PostgresTeam(url)) for name in ("ann", "bob")]
    return made, *(mate.clone(source.root) for mate in mates)


@pytest.fixture
def said(monkeypatch, capfd):
    """Call a verb on somebody's machine; return its exit code and what it said as JSON."""

    def call(mate, *words, **variables):
        for name, value in {**mate.environment, **variables}.items():
            monkeypatch.setenv(name, value)
        code = main([*words, "--root", str(mate.root), "--json"])
        told = capfd.readouterr()
        for text in (told.out, told.err, *_kept(mate)):
            assert PASSWORD not in text
        return code, json.loads(told.out)

    return call


def _kept(mate):
    """Return all that lies on a machine, as text."""
    for folder in (mate.root / ".claude", mate.home):
        for path in folder.rglob("*"):
            if path.is_file():
                yield path.read_bytes().decode("utf-8", "replace")


@pytest.mark.long
def test_a_team_from_nothing_to_a_shared_board(pair, said, url):
    """As the guide tells it: the first makes the project, others join, the owner admits."""
    made, ann, bob = pair
    store = {_VARIABLE: url}
    code, refused = said(bob, "store", "use", "--project", PROJECT, **store)
    assert (code, refused["error"]["kind"]) == (1, "not_found")
    assert "--create" in refused["error"]["hint"]
    code, first = said(ann, "store", "use", url, "--project", PROJECT, "--create", **store)
    assert (code, first["is_owner"], first["counts"]) == (0, True, True)
    assert first["secret_dropped"]
    name = ["--name", "bob, laptop"]
    code, second = said(bob, "store", "use", "--project", PROJECT, *name, **store)
    assert (second["is_owner"], second["counts"], second["secret_dropped"]) == (False,) * 3
    assert second["owner"] == first["fingerprint"]
    ann.record(made, ["a-1"])
    bob.record(made, ["b-1", "b-2"])
    code, shipped = said(bob, "store", "ship")
    assert (code, shipped["experiments"][0]["shipped"]) == (0, 2)
    code, waiting = said(ann, "store", "ship")
    assert list(waiting["not_counted"]) == [second["machine"]]
    code, admitted = said(ann, "store", "admit", "bob, laptop")
    assert admitted["machines"][0]["fingerprint"] == second["fingerprint"]
    code, taken = said(ann, "store", "ship", "--experiment", made)
    assert (code, taken["experiments"][0]["pulled"]) == (0, 2)
    assert ann.counts(made) == dict.fromkeys(["a-1", "b-1", "b-2"], 1)
    code, shown = said(ann, "store", "show")
    assert [item["counts"] for item in shown["machines"]] == [True, True]
    code, again = said(bob, "store", "use", "--project", PROJECT, *name, **store)
    assert again["counts"]
    assert [item["name"] for item in shown["machines"]][1] == "bob, laptop"
    code, checked = said(ann, "store", "check")
    assert (code, checked["healthy"]) == (0, True)
    code, refused = said(bob, "store", "admit", "bob, laptop")
    assert refused["error"]["kind"] == "refused"


def role(server, url, kind):
    """Let a role of the database in as a kind; return its address."""
    database = url.rpartition("/")[2]
    name = f"{database}_{kind or 'nobody'}"
    server.run(f"create role {name} login password '{PASSWORD}'")
    if kind:
        allow = f"select meta_experiment.allow('{name}', '{PROJECT}', '{kind}')"
        server.run(allow, database=database)
    return name, server.url(database, name)


def test_a_writer_ships_without_positions_and_hears_it_once(pair, said, url, postgres_server):
    """Nothing that it may not do stops what it may."""
    made, ann, bob = pair
    said(ann, "store", "use", "--project", PROJECT, "--create", **{_VARIABLE: url})
    _, address = role(postgres_server, url, "writer")
    writer = {_VARIABLE: address}
    code, joined = said(bob, "store", "use", "--project", PROJECT, **writer)
    bob.record(made, ["b-1"])
    code, early = said(bob, "store", "ship", **writer)
    (refused,) = [item["refused"] for item in early["experiments"]]
    assert (code, "permission denied" in refused) == (1, True)  # nobody published it so far
    ann.record(made, ["a-1"])
    said(ann, "store", "ship", **{_VARIABLE: url})
    code, begun = said(bob, "start", made, **writer)
    assert (code, sum("by hash" in note for note in begun["notes"])) == (0, 1)
    code, shipped = said(bob, "store", "ship", **writer)
    assert (code, shipped["experiments"][0]["refused"]) == (0, None)
    assert said(bob, "store", "show")[1]["failed"] is None
    with contextlib.closing(ann.team.seen_by(joined["machine"])) as exchange:
        assert exchange.sizes()


def test_a_role_that_is_not_let_in_is_told_the_very_words(pair, said, url, postgres_server):
    """With its own name and the project's, for whoever owns the schema to run."""
    _, ann, bob = pair
    said(ann, "store", "use", "--project", PROJECT, "--create", **{_VARIABLE: url})
    name, address = role(postgres_server, url, "")
    code, refused = said(bob, "store", "use", "--project", PROJECT, **{_VARIABLE: address})
    hint = f"select meta_experiment.allow('{name}', '{PROJECT}', 'member')"
    assert (code, hint in refused["error"]["hint"]) == (1, True)


def test_the_address_comes_from_a_program(pair, said, url, tmp_path):
    """It is asked each time, no shell reads it, and what it prints is kept nowhere."""
    made, ann, _ = pair
    printer = tmp_path / "print me"
    printer.write_text(f"#!/bin/sh\nprintf '%s\\n' '{url}'\n")
    printer.chmod(0o700)
    use = ["store", "use", "--project", PROJECT, "--create"]
    code, done = said(ann, *use, "--url-command", f"'{printer}'")
    assert (code, done["is_owner"]) == (0, True)
    ann.record(made, ["a-1"])
    assert said(ann, "store", "ship")[0] == 0
    printer.write_text("#!/bin/sh\necho oops\nexit 3\n")
    code, refused = said(ann, "store", "ship")
    assert (code, refused["error"]["kind"]) == (1, "dependency")
    assert "ended with 3" in refused["error"]["message"]
    code, shown = said(ann, "store", "show")
    assert (code, shown["store"], shown["failed"]) == (0, None, refused["error"]["message"])


@pytest.mark.long
def test_a_store_that_does_not_answer_is_told_and_hinders_nothing(pair, said, url):
    """The board says it, doctor names it, and trials wait."""
    made, ann, _ = pair
    said(ann, "store", "use", url, "--project", PROJECT, "--create", **{_VARIABLE: url})
    dead = {_VARIABLE: url.replace(url.split("@")[1].split("/")[0], "127.0.0.1:9")}
    ann.record(made, ["a-1"])
    code, refused = said(ann, "store", "ship", **dead)
    assert (code, refused["error"]["kind"]) == (1, "network")
    (ann.root / ".claude/meta/local/store.stamp").write_text("1\n")  # just now
    code, board = said(ann, "status", **dead)
    assert code == 0
    assert any("none is lost" in note for note in board["notes"])
    code, health = said(ann, "doctor", **dead)
    (finding,) = [item for item in health["findings"] if item["name"] == "team store"]
    assert not finding["ok"]
    said(ann, "store", "ship", **{_VARIABLE: url})
    assert not any("lost" in note for note in said(ann, "status")[1]["notes"])


def test_recording_ships_by_itself_and_waits_for_nothing(pair, said, url):
    """Once in a few minutes, in a process of its own."""
    made, ann, _ = pair
    store = {_VARIABLE: url}
    said(ann, "store", "use", "--project", PROJECT, "--create", **store)
    words = [*("record", made, "--variant", "control"), "--metric", "duration_seconds=4"]
    assert said(ann, *words, **store)[0] == 0
    machine = said(ann, "store", "show")[1]["machine"]
    with contextlib.closing(ann.team.seen_by(machine)) as exchange:
        until = time.monotonic() + 60
        while not exchange.sizes():
            assert time.monotonic() < until, "nothing was shipped"
            time.sleep(0.05)
    stamp = ann.root / ".claude/meta/local/store.stamp"
    before = stamp.stat().st_mtime_ns
    assert said(ann, *words)[0] == 0
    assert stamp.stat().st_mtime_ns == before


def test_without_a_store_nothing_is_begun(pair, said):
    """Nor loaded, nor written."""
    made, ann, _ = pair
    words = [*("record", made, "--variant", "control"), "--metric", "duration_seconds=4"]
    assert said(ann, *words)[0] == 0
    assert said(ann, "status")[0] == 0
    assert not (ann.root / ".claude/meta/local/store.log").exists()
    assert not (ann.root / ".claude/meta/local/store.stamp").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["store", "use", "postgresql://ann:p@ss@host/db", "--project", "x"], "cannot be read"),
        (["store", "use", "--project", "a b", "postgresql://h/d"], "no name of a project"),
        (["store", "use", "postgresql://h/d", "--url-command", "x"], "two addresses"),
        (["store", "use", "--url-command", "'unclosed", "--project", "x"], "did not run"),
        (["store", "use", "--url-command", "", "--project", "x"], "No address"),
        (
            ["store", "use", "postgresql://h/d"],
            "git@host:OWNER/NAME; a path does",
        ),
        (["store", "use", "--url-command", "echo postgresql://b:pw@h/d"], "holds an address"),
        (["store", "use", "--url-command", "echo 'host=h password=pw'"], "holds an address"),
    ],
)
def test_what_makes_no_sense_is_refused(pair, said, words, told):
    """With what is expected instead."""
    code, refused = said(pair[1], *words)
    assert code in (1, 2)
    assert told in refused["error"]["message"]
    assert refused["error"]["hint"]
