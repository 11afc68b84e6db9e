"""A team's experiment from plan to promotion: real programs, PostgreSQL, git and machines."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from tests.live.stage import PYTHON, REPOSITORY
from tests.support.git import GIT_ENVIRONMENT, git

from meta_experiment.assign.permuted_blocks import block_arm
from meta_experiment.protocol import index, places, seal

PATH = ".claude/commands/review.md"
HEAD = "---\nname: review\ndescription: Review\n---\n"
TEXTS = {
    "control": f"{HEAD}Review it at length.\n",
    "treatment": f"{HEAD}Review it in short.\n",
}
SECONDS = {"control": 100.0, "treatment": 25.0}
_PATIENCE = 240


class Laptop:
    """A person's machine: a home, a clone, and the programs that run there."""

    def __init__(self, folder, name, url):
        self.name, self.home, self.root = name, folder / name, folder / name / "clone"
        self.home.mkdir()
        self.environment = {
            **GIT_ENVIRONMENT,
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "META_EXPERIMENT_STORE": url,
            "META_EXPERIMENT_PYTHON": PYTHON,
            "GIT_AUTHOR_NAME": name,
            "GIT_COMMITTER_NAME": name,
        }

    def run(self, *words, told="", code=0):
        """Run a verb in the clone; return its JSON, and hold what it ends with."""
        done = self._run([str(REPOSITORY / "bin/meta-experiment"), *words, "--json"], told)
        assert done.returncode == code, f"{words}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def serve(self, name, session):
        """Serve the prompt in a session as the client asks for it; return the variant."""
        entry = self.entry(name)
        token = self._token()
        program = str(REPOSITORY / "bin/serve-variant")
        done = self._run([program, f"{name}@{token}", session], "")
        assert done.returncode == 0, done.stderr
        arms = [
            arm for arm, text in TEXTS.items() if text.split("---\n")[-1].strip() in done.stdout
        ]
        assert len(arms) == 1, (done.stdout, done.stderr, entry.state)
        return arms[0]

    def entry(self, name):
        data = f"{self.home}/.local/share/meta-experiment"
        checkout = seal.checkout_in(self._local("id"), seal.machine_key(data))
        own = seal.Seal(seal.machine_key(data), checkout)
        for line in (self.root / ".claude/meta/active.idx").read_text().splitlines():
            found = index._unsealed(line, own)
            if found is not None and found.id == name:
                return found
        return None

    def work(self, name, sessions):
        """Serve so many sessions, and say how long each took."""
        drawn = [self.serve(name, f"{self.name}-{number}") for number in sessions]
        rows = self.run("trials", name)["trials"]
        told = [
            json.dumps(
                {
                    "experiment": name,
                    "variant": row["variant"],
                    "trial_id": row["trial_id"],
                    "metrics": {"duration_seconds": SECONDS[row["variant"]] + place},
                }
            )
            for place, row in enumerate(rows)
            if row["unit"].startswith(f"{self.name}-")
        ]
        self.run("record", "--stdin", told="\n".join(told))
        return drawn

    def status(self, name):
        rows = self.run("status", name)["experiments"]
        return next(row["status"] for row in rows if row["id"] == name)

    def _token(self):
        listed = places.roots(f"{self.home}/.local/share/meta-experiment")
        return next(item.token for item in listed if item.path == str(self.root))

    def _local(self, name):
        return (self.root / ".claude/meta/local" / name).read_bytes()

    def _run(self, words, told):
        return subprocess.run(
            words,
            cwd=self.root,
            env=self.environment,
            input=told,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )


@pytest.fixture
def laptops(tmp_path, postgres_server):
    """Three machines with a clone each of one bare repository, and one store."""
    bare = tmp_path / "prompts.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    url = postgres_server.url(postgres_server.database())
    made = [Laptop(tmp_path, name, url) for name in ("ann", "bob", "cy")]
    first, *others = made
    git(tmp_path, "clone", "-q", str(bare), str(first.root))
    git(first.root, "checkout", "-q", "-b", "main")
    (first.root / PATH).parent.mkdir(parents=True)
    (first.root / PATH).write_text(TEXTS["control"])
    git(first.root, "add", "-A")
    git(first.root, "commit", "-qm", "prompts")
    git(first.root, "push", "-q", "-u", "origin", "main")
    for other in others:
        git(tmp_path, "clone", "-q", str(bare), str(other.root))
    return bare, made


def joined(laptops):
    """Let all join the store's project, the first as its owner, who admits the others."""
    first, *others = laptops
    first.run("store", "use", "--project", "prompts", "--create", "--name", first.name)
    ids = {other.name: joined_alone(other) for other in others}
    first.run("store", "admit", *ids.values())
    return ids


def joined_alone(laptop):
    used = laptop.run("store", "use", "--project", "prompts", "--name", laptop.name)
    return used["machine"]


def measured(laptop, name, count, seconds):
    """Record trials of both arms in turn, as something else than this program served them."""
    told = []
    for number in range(count):
        arm = ("control", "treatment")[number % 2]
        spent = {"duration_seconds": seconds[arm] + number % 3}
        row = {"experiment": name, "variant": arm, "unit": f"{laptop.name}-{number}"}
        told.append(json.dumps(row | {"metrics": spent}))
    laptop.run("record", "--stdin", told="\n".join(told))


def created(laptop, tmp_path, *more):
    (tmp_path / "short.md").write_text(TEXTS["treatment"])
    made = laptop.run(
        "create", "--file", f"{PATH}={tmp_path / 'short.md'}", "--name", "review",
        "--primary-metric", "duration_seconds", "--team", "main", "--auto", "--start", *more,
    )  # fmt: skip
    return made["experiment_id"]


@pytest.mark.long
def test_a_team_goes_from_a_plan_to_a_promoted_text(laptops, tmp_path):
    bare, machines = laptops
    ann, bob, cy = machines
    joined(machines)
    name = created(ann, tmp_path, "--carry-out", "commit")
    git(ann.root, "add", "-f", ".claude/meta/experiments.json", ".claude/meta/variants")
    git(ann.root, "commit", "-qm", "an experiment")
    git(ann.root, "push", "-q")
    for other in (bob, cy):
        git(other.root, "pull", "-q")
        other.run("start", name)
    # each serves by positions of the one sequence that nobody else has
    held = {}
    for machine in machines:
        entry = machine.entry(name)
        drawn = machine.work(name, range(8))
        assert drawn == [entry.arms[index.sequence_arm(entry.sequence, at)] for at in range(8)]
        held[machine.name] = entry
    assert len({entry.seed for entry in held.values()}) == 1
    whole = [
        index.sequence_text([block_arm(2, ann.entry(name).seed, at)]) for at in range(3000)
    ]
    sequence = "".join(whole)
    begins = sorted(sequence.find(entry.sequence) for entry in held.values())
    assert begins == [0, 1000, 2000]
    # alone none has enough; together they have
    for machine in machines:
        machine.run("store", "ship")
    step = bob.run("auto")["experiments"][0]
    assert (step["decision"], step["action"]) == ("PROMOTE", "promote"), step
    assert "commit" in step["sentence"]
    assert git(bare, "show", f"main:{PATH}") == TEXTS["treatment"]
    assert git(bare, "log", "-1", "--format=%an", "main").strip() == "bob"
    commits = git(bare, "rev-list", "--count", "main").strip()
    ann.run("auto")
    cy.run("store", "ship")
    assert git(bare, "rev-list", "--count", "main").strip() == commits
    for machine in machines:
        assert machine.status(name) == "promoted"
        assert (machine.root / PATH).read_text() == TEXTS["control"]
        git(machine.root, "pull", "-q")
        assert (machine.root / PATH).read_text() == TEXTS["treatment"]


_STRANGERS = (
    # a batch of another, once more under a log of another name
    """insert into logs (project_id, experiment, machine, log)
       select project_id, experiment, machine, 'aaaaaaaa-other-1.jsonl' from logs
       where machine = '{bob}' and log like '%jsonl' limit 1""",
    """insert into batches (project_id, log_id, first, last, signature)
       select project_id, (select max(log_id) from logs), first, last, signature from batches
       where log_id = (select min(log_id) from logs where machine = '{bob}'
                       and log like '%jsonl')""",
    """insert into events (project_id, log_id, byte_offset, line)
       select project_id, (select max(log_id) from logs), byte_offset, line from events
       where log_id = (select min(log_id) from logs where machine = '{bob}'
                       and log like '%jsonl')""",
    # values of another, to the favour of the treatment
    """update events set line = replace(line, '"duration_seconds":9', '"duration_seconds":1')
       where log_id in (select log_id from logs where machine = '{bob}')""",
    # an admission that the owner never gave
    """insert into admissions (project_id, machine, number, public_key, counts, signature)
       select project_id, machine, 1, public_key, true, decode(repeat('00', 64), 'hex')
       from machines where machine = '{eve}'""",
    # a decision in the name of the owner
    """insert into decisions (project_id, experiment, generation, machine, fence, document,
       signature) select project_id, experiment, 0, '{ann}', 1,
       '{{"outcome": {{"action": "promote", "at": "2026-01-01T00:00:00.000Z", "reason": "so",
       "winner": "treatment", "change_id": "evil"}}, "counted": {{}}}}',
       decode(repeat('00', 64), 'hex') from experiments""",
)
_OTHER_PLAN = "update experiments set plan_sha256 = repeat('0', 64)"


@pytest.mark.long
def test_a_store_that_a_stranger_wrote_into_decides_nothing(laptops, postgres_server, tmp_path):
    bare, (ann, bob, eve) = laptops
    ids = joined(laptops[1][:2]) | {"eve": joined_alone(eve)}
    name = created(ann, tmp_path, "--carry-out", "commit")
    git(ann.root, "add", "-f", ".claude/meta/experiments.json", ".claude/meta/variants")
    git(ann.root, "commit", "-qm", "an experiment")
    git(ann.root, "push", "-q")
    for other in (bob, eve):
        git(other.root, "pull", "-q")
        other.run("start", name)
    measured(bob, name, 12, {"control": 90.0, "treatment": 90.0})
    measured(eve, name, 60, SECONDS)
    bob.run("store", "ship")
    eve.run("store", "ship")
    ids["ann"] = ann.run("store", "show")["machine"]
    database = ann.environment["META_EXPERIMENT_STORE"].rpartition("/")[2]
    said = ["set search_path to meta_experiment", *(it.format(**ids) for it in _STRANGERS)]
    postgres_server.run(*said, database=database)
    for machine in (ann, bob):
        step = machine.run("auto")["experiments"][0]
        assert (step["decision"], step["action"]) == ("EXTEND", None), step
        assert f"Not counted: {ids['eve']}" in step["sentence"]
    aside = ann.run("store", "ship")["experiments"][0]["aside"]
    assert any("aaaaaaaa-other-1.jsonl" in reason for reason in aside), aside
    assert len(aside) == 2, aside
    trials = ann.run("trials", name)["trials"]
    assert not trials
    postgres_server.run("set search_path to meta_experiment", _OTHER_PLAN, database=database)
    shared = bob.run("store", "ship")["experiments"][0]
    assert any("did not sign it as it stands" in reason for reason in shared["aside"])
    assert bob.run("auto")["experiments"][0]["action"] is None
    for machine in (ann, bob, eve):
        assert machine.status(name) == "running"
    assert git(bare, "show", f"main:{PATH}") == TEXTS["control"]
