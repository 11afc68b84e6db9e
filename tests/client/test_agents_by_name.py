"""An agent for which something works by its name runs as it would without an experiment."""

import json
from dataclasses import replace
from functools import partial

import pytest
from tests.client.endpoint import Endpoint
from tests.client.live import AGENT, Model, begin, call_agent, ledger

pytestmark = [pytest.mark.client, pytest.mark.long]

COORDINATOR = (
    "---\nname: coordinator\ndescription: Gives away.\ntools: Agent(reviewer), Read\n---\n\n"
    "You give things away.\n"
)


def test_a_guard_that_came_later_guards_every_use(client):
    """A hook for the agent by its name: only the control runs, so that it always starts."""
    live = begin(client, AGENT)
    guard = client.folder / "guarded"
    hook = {"type": "command", "command": f"echo x >> {guard}"}
    hooks = {"hooks": {"SubagentStart": [{"matcher": "reviewer", "hooks": [hook]}]}}
    client.write(".claude/settings.json", json.dumps(hooks))
    with Endpoint(respond=Model(AGENT)) as endpoint:
        live.work(endpoint, range(1, 7))
        sent = ledger(endpoint.turns)
    assert {row.variant for row in sent.values()} == {"control"}
    assert len(guard.read_text().split()) == 6
    assert live.trials() == []
    assert any("ran without a trial" in note for note in live.meta("status")["notes"])


def test_a_conversation_that_may_start_the_agent_alone_is_not_disturbed(client):
    """The client would not find a version of it: the agent starts, and nothing is counted."""
    live = begin(client, AGENT, before={".claude/agents/coordinator.md": COORDINATOR})
    live.hold_back()
    with (
        Endpoint(respond=Model(AGENT)) as endpoint,
        live.client.session(endpoint, "--agent", "coordinator") as session,
    ):
        for item in range(1, 5):
            session.say(live.prompt(item))
        session.close()
    sent = ledger(endpoint.turns)
    assert {row.variant for row in sent.values()} == {"control"}
    assert {row.tool_errors for row in sent.values()} == {0, 1}  # of item 3, by the script
    assert live.trials() == []


def test_a_version_that_the_model_asks_for_by_its_own_name_is_drawn_all_the_same(client):
    """The list of agents shows it; both arms run, and each is counted as what it was."""
    kind = replace(AGENT, opening=partial(call_agent, agent="reviewer-treatment"))
    live = begin(client, kind)
    with Endpoint(respond=Model(kind)) as endpoint:
        live.work(endpoint, range(1, 11))
        sent = ledger(endpoint.turns)
    assert {row.variant for row in sent.values()} == {"control", "treatment"}
    assert live.rows() == sorted(sent.values())
