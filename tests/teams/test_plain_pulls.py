"""A team that uses git as ever: a plain `git pull` works at every stage, in every clone."""

import subprocess

import pytest
from tests.support.git import git
from tests.teams.test_whole_life import (
    HEAD,
    PATH,
    SECONDS,
    TEXTS,
    created,
    joined,
    laptops,
    measured,
)

__all__ = ["laptops"]
_STYLES = {"merge": "--no-rebase", "rebase": "--rebase"}
_WAYS_ON = {"merge": ("commit", "-q", "--no-edit"), "rebase": ("rebase", "--continue")}


def is_clean(laptop):
    return not git(laptop.root, "status", "--porcelain")


def committed(laptop, message):
    git(laptop.root, "add", "-A")
    git(laptop.root, "commit", "-qm", message)


def other_experiment(laptop, name):
    """Make one on a prompt of its own, which no team has, and commit all there is."""
    path = f".claude/commands/{name}.md"
    (laptop.root / path).write_text(f"{HEAD}At length.\n")
    (laptop.home / "new.md").write_text(f"{HEAD}In short.\n")
    made = laptop.run(
        "create", "--file", f"{path}={laptop.home / 'new.md'}", "--name", name,
        "--primary-metric", "duration_seconds",
    )  # fmt: skip
    committed(laptop, f"try {name}")
    return made["experiment_id"]


@pytest.mark.long(45)
@pytest.mark.parametrize("style", _STYLES)
def test_a_plain_pull_works_through_the_whole_life(laptops, tmp_path, style):
    _, machines = laptops
    ann, bob, cy = machines

    def all_pull(*who):
        for machine in who or machines:
            git(machine.root, "pull", "-q", _STYLES[style])

    joined(machines)
    assert all(map(is_clean, machines))
    name = created(ann, tmp_path, "--carry-out", "commit")
    committed(ann, "an experiment")
    git(ann.root, "push", "-q")
    all_pull()
    for other in (bob, cy):
        other.run("start", name)
        other.serve(name, "s1")
    assert all(map(is_clean, machines))
    all_pull()
    # two make experiments at the same time
    ids = {other.name: other_experiment(other, f"of-{other.name}") for other in (bob, cy)}
    git(bob.root, "push", "-q")
    if not pulls(cy, _STYLES[style]):
        cy.run("recover")
        git(cy.root, "add", ".claude/meta")
        git(cy.root, "-c", "core.editor=true", *_WAYS_ON[style])
    git(cy.root, "push", "-q")
    all_pull()
    for machine in machines:
        assert {machine.status(made) for made in ids.values()} == {"draft"}
        assert machine.status(name) == "running"
        assert machine.run("verify")["healthy"]
    # what is decided, carried out and taken up is no change of anybody's files
    measured(bob, name, 24, SECONDS)
    assert bob.run("auto")["experiments"][0]["action"] == "promote"
    assert all(map(is_clean, machines))
    all_pull(ann)  # before it has heard of the decision
    for machine in machines:
        machine.run("store", "ship")
        assert machine.status(name) == "promoted"
        assert is_clean(machine)
    all_pull()
    for machine in machines:
        assert (machine.root / PATH).read_text() == TEXTS["treatment"]
        assert machine.run("verify")["healthy"]
    # who has no store learns from git that it is decided
    stranger = tmp_path / "stranger"
    git(tmp_path, "clone", "-q", git(ann.root, "remote", "get-url", "origin").strip(), stranger)
    commit = git(stranger, "log", "-1", "--format=%H", "--grep=Experiment-Change:").strip()
    told = ann.run("status", name, "--root", str(stranger))
    assert f"commit {commit[:12]} promotes" in " ".join(told["notes"])
    assert told["experiments"][0]["next_action"].startswith("none: it is decided")
    # one of them puts it away for all
    ann.run("archive", name)
    committed(ann, "over")
    git(ann.root, "push", "-q")
    all_pull()
    for machine in machines:
        shown = machine.run("status", "--archived")["experiments"]
        assert {row["status"] for row in shown if row["id"] == name} == {"archived"}
        assert is_clean(machine)


def pulls(laptop, style):
    """Pull, and tell whether git could merge all that came."""
    done = subprocess.run(
        ["git", "pull", "-q", style], cwd=laptop.root, capture_output=True, check=False
    )
    assert done.returncode == 0 or b"CONFLICT" in done.stdout + done.stderr, done
    return done.returncode == 0
