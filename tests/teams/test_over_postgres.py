"""Machines that exchange over a real server: links that are cut, a server that dies."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time
from collections import Counter

import pytest
from tests.support.postgres import Server
from tests.teams.link import Link
from tests.teams.postgres_team import PostgresTeam, logs_in
from tests.teams.teammates import team_of

from meta_experiment.errors import MetaExperimentError, NetworkError, RemoteError
from meta_experiment.services.teams import checking_store

_UNREACHED = (NetworkError, RemoteError)
_ROUNDS = 17  # in each of which a client is killed
_DEATHS = 6  # rounds from one death of the server to the next
_PATIENCE = 60.0


@pytest.fixture
def team(postgres_server):
    """Give a project in a database of its own."""
    database = postgres_server.database()
    made = PostgresTeam(postgres_server.url(database))
    made.database = database
    return made


def _healthy(mate):
    with mate.member() as (workspace, member):
        return checking_store.check_store(workspace, member)


def test_trials_of_each_count_on_the_other(tmp_path, team):
    """As over the store in memory, and everything agrees in the end."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob", team=team)
    ann.record(made, ["a-1", "a-2"])
    ann.assign(made, "unit")
    bob.record(made, ["b-1"])
    for mate in (ann, bob, ann):
        mate.exchange()
    assert ann.trials(made) == bob.trials(made)
    assert set(ann.counts(made)) >= {"a-1", "a-2", "b-1"}
    for mate in (ann, bob):
        report = _healthy(mate)
        assert report.healthy, report.findings


@pytest.mark.long
def test_a_link_cut_at_any_point_loses_and_doubles_nothing(tmp_path, team, postgres_server):
    """Wherever it is cut, the next exchange brings the rest: asking, shipping, committing."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob", team=team)
    whole = team.url
    trials, cut = [], 0
    for number in range(12):
        trials.append(f"a-{number}")
        ann.record(made, trials[-1:])
        least = 300 + 340 * number
        with Link(postgres_server.port, most=least, least=least) as link:
            team.url = postgres_server.url(team.database, port=link.port)
            try:
                ann.exchange()
            except _UNREACHED:
                cut += 1
    team.url = whole
    assert cut > 6
    ann.exchange()
    bob.exchange()
    assert bob.counts(made) == dict.fromkeys(trials, 1)
    (lines,) = logs_in(postgres_server, team.database).values()
    assert lines.count(b"\n") == len(trials)


@pytest.mark.long
def test_a_database_that_was_put_back_gets_all_again(tmp_path, team, postgres_server):
    """Also by machines whose user of the database may not bring the owner's words."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob", team=team)
    bob.record(made, ["b-1"])
    bob.exchange()
    own = bob.join()
    backup = postgres_server.database(template=team.database)
    eve = type(ann)(tmp_path, "eve", team).clone(bob.root)
    machine = eve.join()
    ann.admit(machine)
    for mate in (ann, bob, eve):
        mate.record(made, [f"{mate.name}-2"])
    for mate in (ann, bob, eve, ann, bob):
        mate.exchange()
    whole, role = ann.trials(made), f"{backup}_member"
    assert len(whole) == 4
    postgres_server.run(
        f"create role {role} login password 'x'",
        f"select meta_experiment.allow('{role}', 'project', 'member')",
        f"select meta_experiment.bind('project', '{own}', '{role}')",
        database=backup,
    )
    bob.team = PostgresTeam(postgres_server.url(backup, role, "x"))
    ann.team = PostgresTeam(postgres_server.url(backup))
    eve.team = PostgresTeam(postgres_server.url(backup, role, "x"))
    told = bob.exchange()
    assert (told.experiments[0].removed, told.not_counted) == (0, {})
    eve.exchange()
    assert bob.exchange().lost == ("the owner's last word on machines (1)",)
    assert bob.exchange().lost == ("the owner's last word on machines (1)",)
    for mate in (ann, bob, eve):
        mate.exchange()
    for mate in (ann, bob, eve):
        assert mate.trials(made) == whole
        assert mate.exchange().lost == ()
        assert _healthy(mate).healthy
    postgres_server.run(f"drop owned by {role}; drop role {role}", database=backup)


def _work(mate, made, folder, seed):
    """Record and exchange until told to stop; note what was acknowledged, in order."""
    chance = random.Random(seed)  # noqa: S311
    number = 0
    with (folder / f"{mate.name}.acknowledged").open("a") as acknowledged:
        while not (folder / "stop").exists():
            names = [f"{mate.name}-{seed}-{number}-{item}" for item in range(3)]
            number += 1
            mate.record(made, names)
            acknowledged.write("".join(f"{name}\n" for name in names))
            acknowledged.flush()
            mate.assign(made, f"{mate.name}-{seed}-{number}")
            with contextlib.suppress(MetaExperimentError):
                mate.exchange()
            time.sleep(chance.random() / 50)


class _Clients:
    """A process for each machine, ended and begun anew."""

    def __init__(self, mates, made, folder):
        self._mates, self._made, self._folder = mates, made, folder
        self._seed = 0
        self.running = {}

    def begin(self, mate):
        self._seed += 1
        process = os.fork()
        if not process:
            try:
                _work(mate, self._made, self._folder, self._seed)
            finally:
                os._exit(0)
        self.running[mate.name] = process, mate

    def kill(self, mate):
        process, _ = self.running[mate.name]
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        self.begin(mate)

    def end(self):
        (self._folder / "stop").touch()
        until = time.monotonic() + _PATIENCE
        for process, _ in self.running.values():
            while os.waitpid(process, os.WNOHANG) == (0, 0):
                assert time.monotonic() < until, "a client does not end"
                time.sleep(0.02)


@pytest.mark.long
@pytest.mark.parametrize("clients", [2, 16])
def test_a_storm_over_a_server_that_dies(tmp_path, clients, postgres_server):
    """Clients are killed at their work, links cut, the server killed and begun again.

    Every trial that was acknowledged on a machine is in the store once, and on every machine
    once; each knows of all arms the same.
    """
    del postgres_server  # skips where there is none; this one is its own, and durable
    server, chance = Server(durable=True), random.Random(clients)  # noqa: S311
    try:
        team = PostgresTeam(server.url(server.database()))
        database = team.url.rpartition("/")[2]
        names = [f"mate{number}" for number in range(clients)]
        skews = [(number % 3 - 1) * 3600.0 for number in range(clients)]
        made, mates = team_of(tmp_path, *names, team=team, skews=skews)
        with Link(server.port, most=60_000, least=4_000, seed=clients) as link:
            for mate in mates:
                mate.team = PostgresTeam(server.url(database, port=link.port))
            storm = _Clients(mates, made, tmp_path)
            for mate in mates:
                storm.begin(mate)
            for number in range(1, _ROUNDS + clients // 2):
                time.sleep(0.15)
                storm.kill(chance.choice(mates))
                if chance.random() < 0.3:
                    link.cut()
                if number % _DEATHS == 0:
                    server.kill()
                    time.sleep(0.1)
                    server.restart()
            storm.end()
        for mate in mates:
            mate.team = team
        for _ in range(2):
            for mate in mates:
                mate.exchange()
        _require_whole(tmp_path, made, mates, logs_in(server, database))
    finally:
        server.remove()


def _require_whole(folder, made, mates, stored):
    acknowledged = Counter(
        name
        for mate in mates
        for name in (folder / f"{mate.name}.acknowledged").read_text().split()
    )
    assert acknowledged
    assert set(acknowledged.values()) == {1}
    lines = Counter(
        json.loads(line)["trial_id"]
        for (_, log), data in stored.items()
        if log.endswith(".jsonl")
        for line in bytes(data).splitlines()
        if line.endswith(b"}")
    )
    assert acknowledged.keys() <= lines.keys()
    assert set(lines.values()) == {1}
    seen = [mate.trials(made) for mate in mates]
    assert all(found == seen[0] for found in seen)
    assert acknowledged.keys() <= {trial.trial_id for trial in seen[0]}
    for mate in (mates[0], mates[-1]):
        assert _healthy(mate).healthy
