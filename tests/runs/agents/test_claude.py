"""How the client is started, and what of what it leaves is read as its own."""

import json
from pathlib import Path

import pytest

from meta_experiment.runs.agents.agent import AgentOptions, Task
from meta_experiment.runs.agents.claude import Claude
from meta_experiment.runs.supervising import ProgramEnding
from meta_experiment.types.cases import Case

CONTROL, TREATMENT = "Look at one file.", "Look at all files."


@pytest.fixture
def begun(tmp_path):
    """Return a task that goes on in a conversation, and the client that is to do it."""
    program = tmp_path / "bin/claude"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for name in ("checkout", "attempt"):
        (tmp_path / name).mkdir()
    history = tmp_path / "history.jsonl"
    rows = [line("user", "h1", "go"), line("user", "h2", CONTROL, isMeta=True)]
    rows += [line("assistant", "h3", "x", requestedModel="old"), {"type": "cost-state"}]
    for row, before in zip(rows[1:], ("h1", "h2"), strict=False):
        row["parentUuid"] = before
    history.write_text("".join(json.dumps(row) + "\n" for row in rows))
    case = Case("a", "/review", "", history=str(history))
    texts = [{"review.md": text.encode()} for text in (TREATMENT, CONTROL)]
    task = Task(case, tmp_path / "checkout", tmp_path / "attempt", texts[0], (texts[1],))
    environment = {"PATH": str(program.parent), "HOME": str(tmp_path)}
    return task, Claude(AgentOptions(), environment)


def line(kind, name, text, **more):
    message = {"role": kind, "content": text}
    return {"type": kind, "uuid": name, "parentUuid": None, "message": message, **more}


def told(task, *rows):
    """Write what the client leaves: its result, and a transcript of all that was said."""
    result = {"type": "result", "result": "done", "total_cost_usd": 0.1, "modelUsage": {}}
    (task.attempt / "stdout").write_text(json.dumps(result))
    place = task.attempt / "config/projects/x/new.jsonl"
    place.parent.mkdir(parents=True)
    place.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_conversation_is_taken_up_from_a_copy(begun):
    """Its ids are noted, so that it is known which lines are none of the run."""
    task, claude = begun
    *_, flag, place, fork = claude.launch(task).command
    assert (flag, fork) == ("--resume", "--fork-session")
    copy = [json.loads(row) for row in Path(place).read_text().splitlines()]
    assert [row["uuid"] for row in copy] == ["h1", "h2", "h3"]
    assert place.startswith(str(task.attempt / "config"))
    assert (task.attempt / "earlier").read_text().split() == ["h1", "h2", "h3"]


@pytest.mark.parametrize(
    ("shown", "received"), [(TREATMENT, True), (CONTROL, False), ("nothing", False)]
)
def test_what_was_said_before_is_no_proof_of_a_text(begun, shown, received):
    """A fork copies it into the run's own transcript."""
    task, claude = begun
    claude.launch(task)
    told(
        task,
        line("user", "h1", "go"),
        line("user", "h2", CONTROL, isMeta=True),
        line("user", "n1", shown, isMeta=True),
    )
    report = claude.report(task, ProgramEnding(0, 1.0))
    assert report.received is received


def test_a_case_without_one_begins_anew(begun):
    task, claude = begun
    fresh = Task(Case("a", "/review", ""), task.checkout, task.attempt, task.texts)
    assert "--resume" not in claude.launch(fresh).command
    assert not (task.attempt / "earlier").exists()
