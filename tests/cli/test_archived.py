"""An archived experiment is off the board and still there for who asks for it."""

import json
import os

import pytest
from tests.cli.conftest import CONTROL

from meta_experiment.model.registry import decode_registry, encode_registry


@pytest.fixture
def archived(project):
    """A project whose one experiment, with sixteen trials, was archived."""
    made = project.create()
    project.observe(made, 8)
    project("stop", made)
    project("archive", made)
    return made


@pytest.mark.long
def test_every_look_still_finds_it(project, archived):
    """By its id and by a short name; nothing of its data is gone."""
    assert (
        json.loads((project.root / ".claude/meta/experiments.json").read_bytes())["experiments"]
        == []
    )
    for name in (archived, "review"):
        assert project("status", name, "--json").json["experiments"][0]["id"] == archived
        assert project("trials", name, "--json").json["total"] == 16
        assert project("analyze", name, "--json").json["experiment_id"] == archived
        assert "is archived" in project("explain", name).out
    board = project("status", "--json").json
    assert (board["experiments"], board["summary"]["archived"]) == ([], 1)
    assert board["summary"]["total"] == 1
    assert "1 experiment archived" in project("status").out
    (row,) = project("status", "--archived", "--json").json["experiments"]
    assert (row["id"], row["status"]) == (archived, "archived")
    assert project("noise", "review", "--json").json["values"] == 8
    assert project("noise", "--json").json["values"] == 8
    assert project("verify", "--json").json["healthy"]
    assert "Nothing to recover" in project("recover").out


@pytest.mark.parametrize(
    "call",
    [
        ("start",), ("pause",), ("resume",), ("archive",), ("stop",),
        ("promote", "--override", "x", "--yes"), ("rollback", "--yes"), ("assign",),
        ("record", "--variant", "control", "--metric", "duration_seconds=1"),
        ("amend", "--set", "sample_size=12", "--why", "x"),
    ],
    ids=lambda call: call[0],
)  # fmt: skip
def test_every_change_is_refused_and_says_that_it_is_archived(project, archived, call):
    """Not that there is no such experiment; and nothing changes."""
    verb, *flags = call
    before = {
        path: path.read_bytes()
        for path in (project.root / ".claude/meta").rglob("*")
        if path.is_file() and "locks" not in path.parts and path.name != "state"
    }
    error = project(verb, archived, *flags, "--json", code=1).error
    assert error["kind"] == "invalid_state"
    assert "archived" in error["message"]
    changed = [path for path, data in before.items() if path.read_bytes() != data]
    assert changed == []


def test_its_id_is_taken_and_its_file_is_free(project, archived):
    """A new experiment on the same prompt gets another id."""
    again = project.create()
    assert again == f"{archived}-2"
    assert project("status", archived, "--json").json["experiments"][0]["status"] == "archived"
    assert project.path().read_bytes() == CONTROL


def test_git_sees_it_and_a_clone_reads_it(project, archived):
    """It belongs to the team, as the registry does."""
    project.git("add", ".claude/meta")
    staged = project.git("diff", "--cached", "--name-only").splitlines()
    assert f".claude/meta/archive/{archived}.json" in staged


def multiplied(project, archived, count):
    """Put many more away, each of its own id."""
    folder = project.root / ".claude/meta/archive"
    text = (folder / f"{archived}.json").read_text()
    for number in range(count):
        name = f"exp-2020-01-01-old-{number}"
        (folder / f"{name}.json").write_text(text.replace(archived, name))


def opened_by(monkeypatch, call):
    """Return how many files a call opens."""
    opened, real = [], os.open
    with monkeypatch.context() as patch:
        patch.setattr(
            os, "open", lambda *given, **more: opened.append(1) or real(*given, **more)
        )
        call()
    return len(opened)


@pytest.mark.long
def test_the_board_opens_no_file_of_what_is_archived(project, archived, monkeypatch):
    """However many there are, `status` reads what it read without them."""
    made = project.create()
    project.observe(made, 2)
    project("status")
    before = opened_by(monkeypatch, lambda: project("status"))
    multiplied(project, archived, 400)
    project("archive", project("create", "--file", "v2.md=.claude/commands/review.md",
            "--primary-metric", "cost_usd", "--json").json["experiment_id"])  # fmt: skip
    project("status")
    assert opened_by(monkeypatch, lambda: project("status")) == before
    assert project("status", "--json").json["summary"]["archived"] == 402


@pytest.mark.long
def test_twenty_thousand_archived_experiments_neither_fill_nor_slow_anything(project, archived):
    """Neither the registry's limit nor the time of `status`, which lists one folder more."""
    import time

    made = project.create()
    project.observe(made, 2)

    def shortest():
        took = []
        for _ in range(7):
            begin = time.perf_counter()
            project("status")
            took.append(time.perf_counter() - begin)
        return min(took)

    project("status")
    before = shortest()
    multiplied(project, archived, 20_000)
    project("pause", made)
    project("resume", made)
    project("status")
    assert shortest() < before + 0.05
    registry = project.root / ".claude/meta/experiments.json"
    assert registry.stat().st_size < 20_000
    assert project("status", "--json").json["summary"]["archived"] == 20_001
    assert project("status", "exp-2020-01-01-old-77", "--json").json["experiments"]
    assert encode_registry(decode_registry(registry.read_bytes())) == registry.read_bytes()
