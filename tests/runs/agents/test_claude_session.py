"""Turns of one session: each goes on where the one before ended, with figures of its own."""

import json

import pytest

from meta_experiment.runs.agents.agent import AgentOptions, Task
from meta_experiment.runs.agents.claude_session import ClaudeSession
from meta_experiment.runs.supervising import ProgramEnding
from meta_experiment.types.cases import Case


@pytest.fixture
def session(tmp_path):
    program = tmp_path / "bin/claude"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    environment = {"PATH": str(program.parent), "HOME": str(tmp_path)}
    return ClaudeSession(AgentOptions(), environment, tmp_path / "session")


def task(tmp_path, number):
    attempt = tmp_path / f"attempt-{number}"
    attempt.mkdir()
    (tmp_path / "checkout").mkdir(exist_ok=True)
    own, other = {"review.md": b"Look well."}, {"review.md": b"Look once."}
    return Task(Case("a", "/review", ""), tmp_path / "checkout", attempt, own, (other,))


def written(tmp_path, *rows):
    place = tmp_path / "session/projects/x/5e551011.jsonl"
    place.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(row, separators=(",", ":")) for row in rows)
    with place.open("a") as stream:
        stream.write("".join(f"{line}\n" for line in lines))
    return place


def given(name, text):
    return {"type": "user", "uuid": name, "isMeta": True, "message": {"content": text}}


def test_the_first_turn_begins_a_session_and_the_next_goes_on_in_it(session, tmp_path):
    """What it cost so far is taken away, so that the client does not go on counting."""
    first = session.launch(task(tmp_path, 1))
    assert "--resume" not in first.command
    place = written(tmp_path, given("u1", "x"), {"type": "cost-state", "totalCostUSD": 9})
    again = session.launch(task(tmp_path, 2))
    assert again.command[-2:] == ("--resume", "5e551011")
    assert "--fork-session" not in again.command
    assert "cost-state" not in place.read_text()
    assert '"u1"' in place.read_text()
    folders = [launch.environment["CLAUDE_CONFIG_DIR"] for launch in (first, again)]
    assert folders == [str(tmp_path / "session")] * 2


@pytest.mark.parametrize(("text", "received"), [("Look well.", True), ("Look on.", False)])
def test_only_what_is_new_in_a_turn_is_its_own(session, tmp_path, text, received):
    """Not the text that a turn before it was given."""
    written(tmp_path, given("u1", "Look well."))
    turn = task(tmp_path, 2)
    session.launch(turn)
    written(tmp_path, given("u2", text))
    result = {"type": "result", "result": "x", "total_cost_usd": 0.1, "modelUsage": {}}
    (turn.attempt / "stdout").write_text(json.dumps(result))
    assert session.report(turn, ProgramEnding(0, 1.0)).received is received


def test_a_link_in_the_place_of_a_transcript_is_not_followed(session, tmp_path):
    """An agent may have put it there."""
    victim = tmp_path / "victim"
    victim.write_text('{"type":"cost-state"}\n')
    place = written(tmp_path)
    place.unlink()
    place.symlink_to(victim)
    session.launch(task(tmp_path, 2))
    assert victim.read_text() == '{"type":"cost-state"}\n'


@pytest.mark.parametrize("link", ["session", "session/projects", "session/projects/x"])
def test_a_transcript_behind_a_link_is_somebody_elses(session, tmp_path, link):
    """It is neither taken up nor written."""
    place = written(tmp_path, {"type": "cost-state", "totalCostUSD": 9})
    (tmp_path / "theirs").mkdir()
    (tmp_path / link).rename(tmp_path / "theirs/own")
    (tmp_path / link).symlink_to(tmp_path / "theirs/own")
    assert session.transcript is None
    session.launch(task(tmp_path, 2))
    assert "cost-state" in place.read_text()
