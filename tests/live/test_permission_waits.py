"""What agents waited for a person's leave is no time of work: as hooks see it."""

import json

import pytest
from tests.live.test_closing import Live
from tests.transcripts.script import START, Script

from meta_experiment.live.permission_waits import ASKED, note_asked, note_ran


@pytest.fixture
def live(tmp_path, monkeypatch):
    """A session in which an agent works from second 1 to 39, for 30 of them in one call."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    live = Live(tmp_path)
    live.expose("p1", 0)
    launched = {"status": "async_launched", "agentId": "a1"}
    live.script.command("p1", 0).answer(1, tools=[("call", "Agent", {})])
    live.script.result("p1", 1, "call", detail=launched).answer(2)
    live.script.notification("p2", 40, "call").answer(41)
    return live


def agent(live, *, error=None, name="a1"):
    """Write what the agent did: one call of a tool, made at 2 and back at 32."""
    script = Script(number=90).prompt("p1", 1, isSidechain=True)
    script.answer(2, tools=[("bash", "Bash", {})], isSidechain=True)
    script.result("p1", 32, "bash", error=error).answer(39, isSidechain=True)
    file = live.transcript.with_suffix("") / "subagents" / f"agent-{name}.jsonl"
    script.write(file)
    file.with_suffix(".meta.json").write_text(json.dumps({"toolUseId": "call"}))


def times(live):
    live.close(final=True)
    (trial,) = live.trials().values()
    return [trial.metrics[f"{name}_seconds"] for name in ("duration", "active")]


def test_the_time_in_which_an_agent_waits_for_leave_is_not_time_of_work(live):
    """Asked at 3, it had leave at 28 and ran for 4 seconds; nobody else worked meanwhile."""
    agent(live)
    note_asked(live.session, "a1", "Bash", START + 3)
    note_ran(live.session, "bash", 4000)
    assert times(live) == [41, 15]


def test_what_is_done_while_an_agent_waits_is_work(live):
    """The person sees to something else in the same task."""
    agent(live)
    live.script.prompt("p3", 10).answer(20)
    note_asked(live.session, "a1", "Bash", START + 3)
    note_ran(live.session, "bash", 4000)
    assert times(live) == [41, 25]


def test_a_call_that_was_refused_was_waited_for_to_its_end(live):
    """It never ran."""
    agent(live, error=True)
    note_asked(live.session, "a1", "Bash", START + 3)
    assert times(live) == [41, 11]


@pytest.mark.parametrize(
    ("who", "tool", "at"), [("a2", "Bash", 3), ("a1", "Edit", 3), ("a1", "Bash", 1)]
)
def test_the_question_of_another_is_no_wait(live, who, tool, at):
    """Of another agent, for another tool, before the call."""
    agent(live)
    note_asked(live.session, who, tool, START + at)
    note_ran(live.session, "bash", 4000)
    assert times(live) == [41, 40]


@pytest.mark.parametrize("known", ["asked", "ran"])
def test_half_of_what_hooks_see_tells_nothing(live, known):
    """A call that ended well without a time of its own, or that nobody was asked about."""
    agent(live)
    if known == "asked":
        note_asked(live.session, "a1", "Bash", START + 3)
    else:
        note_ran(live.session, "bash", 4000)
    assert times(live) == [41, 40]


def asked(stage, **more):
    stage.hook("PermissionRequest", "asked", {"tool_name": "Bash", **more})


def ran(stage, **more):
    document = {"tool_name": "Bash", "tool_use_id": "bash", "duration_ms": 40}
    stage.hook("PostToolUse", "ran", {**document, "agent_id": "a1"}, **more)


def test_hooks_keep_what_agents_ask_and_how_long_their_tools_run(stage, monkeypatch):
    """Of the main conversation nothing: the client counts that itself."""
    monkeypatch.setenv("HOME", str(stage.home))
    stage.run()
    stage.call("one")
    asked(stage)
    ran(stage)
    assert stage.session().lines(ASKED) == []
    asked(stage, agent_id="a1")
    ran(stage)
    (question, answer) = stage.session().lines(ASKED)
    assert question[:3] == ["asks", "a1", "Bash"]
    assert answer == ["ran", "bash", "40"]
    assert stage.faults() == []


def test_a_call_that_nobody_was_asked_about_starts_no_python(stage, tmp_path):
    """It is most of all calls."""
    stage.run()
    stage.call("one")
    started = tmp_path / "started"
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n: >{started}\n")
    python.chmod(0o755)
    ran(stage, META_EXPERIMENT_PYTHON=str(python))
    assert not started.exists()
    asked(stage, agent_id="a1")
    ran(stage, META_EXPERIMENT_PYTHON=str(python))
    assert started.exists()
