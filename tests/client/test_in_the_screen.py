"""What somebody does before the client's own screen: Escape, answers to questions, /clear."""

import json
import re
import time
from dataclasses import replace

import pytest
from tests.client.endpoint import Answer, Endpoint, ToolCall
from tests.client.harness import PATIENCE
from tests.client.live import AGENT, COMMAND, begin, call_agent
from tests.client.screen import CLEAR_LINE, ESCAPE, RETURN, Screen

pytestmark = [pytest.mark.client, pytest.mark.long]

ASKED = 4.0  # seconds in which a question stands
QUESTION = {
    "questions": [
        {
            "question": "Which way?",
            "header": "Way",
            "multiSelect": False,
            "options": [
                {"label": "Left", "description": "to the left"},
                {"label": "Right", "description": "to the right"},
            ],
        }
    ]
}
CALLS = {
    "a permission": ToolCall("Bash", {"command": "touch x", "description": "touch"}),
    "a question": ToolCall("AskUserQuestion", QUESTION),
}


def item_of(body):
    """Return the item that was named last, 0 where the client asks something of its own."""
    return int(([0, *re.findall(r"item-(\d+)", json.dumps(body["messages"]))])[-1])


def model(call=None, delays=None):
    """Answer each item; for the second, one call of a tool before."""

    def respond(body):
        item, answered = item_of(body), "tool_result" in json.dumps(body["messages"][-1])
        if call is not None and item == 2 and not answered:
            return Answer("Let me see.", tools=[call])
        return Answer(f"Looked at item-{item}.", delay=(delays or {}).get(item, 0.1))

    return respond


def by_item(live, endpoint):
    """Return the trials by item, in the order of their use."""
    trials = sorted(live.trials(), key=lambda trial: trial["order"])
    items = dict.fromkeys(item for turn in endpoint.turns if (item := item_of(turn.body)))
    return dict(zip(items, trials, strict=True))


def until(endpoint, item):
    """Wait until an item has been asked about."""
    patience = time.monotonic() + PATIENCE
    while item not in {item_of(turn.body) for turn in endpoint.turns}:
        assert time.monotonic() < patience
        time.sleep(0.05)


def slow(client, seconds):
    """Have a hook of the user's take its time, so that Escape comes before its end."""
    hook = {"type": "command", "command": f"sleep {seconds}"}
    hooks = {"hooks": {"UserPromptExpansion": [{"hooks": [hook]}]}}
    client.write(".claude/settings.local.json", json.dumps(hooks))


def test_escape_before_a_prompt_is_expanded_leaves_all_others_as_they_were(client):
    """The prompt before is ok and no longer; the one after has its own arguments."""
    live = begin(client, COMMAND)
    live.hold_back()
    slow(live.client, 1.5)
    with Endpoint(respond=model()) as endpoint, Screen(live.client, endpoint) as screen:
        screen.enter(live.prompt(1))
        endpoint.wait_for(1)
        time.sleep(4)
        screen.enter(live.prompt(2))
        screen.press(ESCAPE)
        time.sleep(3)
        screen.press(CLEAR_LINE)
        screen.enter(live.prompt(3))
        endpoint.wait_for(2)
        time.sleep(4)
    assert [item_of(turn.body) for turn in endpoint.turns] == [1, 3]
    assert re.search(r"\[arm \w+: item-3\]", "\n".join(endpoint.turns[-1].texts()))
    for trial in live.trials():
        assert (trial["status"], trial["excluded"]) == ("ok", None)
        assert trial["metrics"]["followup_turns"] == 0
        assert trial["metrics"]["duration_seconds"] < 3  # not as far as what was broken off
    assert len(live.trials()) == 2


def test_escape_in_the_middle_of_an_answer_interrupts_that_trial_alone(client):
    """Though the client answers a command of its own after it."""
    live = begin(client, COMMAND)
    live.hold_back()
    running = ToolCall("Bash", {"command": "sleep 9", "description": "wait"})
    with Endpoint(respond=model(running)) as endpoint, Screen(live.client, endpoint) as screen:
        screen.enter(live.prompt(1))
        endpoint.wait_for(1)
        time.sleep(2)
        screen.enter(live.prompt(2))
        endpoint.wait_for(2)
        time.sleep(2)
        screen.press(ESCAPE)
        time.sleep(1)
        screen.enter("/context")
        time.sleep(2)
        screen.enter(live.prompt(3))
        until(endpoint, 3)
        time.sleep(2)
    found = by_item(live, endpoint)
    assert {item: trial["status"] for item, trial in found.items()} == {
        1: "ok", 2: "interrupted", 3: "ok",
    }  # fmt: skip
    assert found[2]["metrics"]["followup_turns"] == 0


@pytest.mark.parametrize("what", CALLS)
def test_the_time_in_which_somebody_is_asked_is_not_time_of_work(client, what):
    """The clock on the wall has it, the time of work has not."""
    live = begin(client, COMMAND)
    live.hold_back()
    with (
        Endpoint(respond=model(CALLS[what], {2: 1.0})) as endpoint,
        Screen(live.client, endpoint) as screen,
    ):
        screen.enter(live.prompt(1))
        endpoint.wait_for(1)
        time.sleep(2)
        screen.enter(live.prompt(2))
        endpoint.wait_for(2)
        time.sleep(ASKED)
        screen.press(RETURN)
        endpoint.wait_for(3)
        time.sleep(3)
    metrics = by_item(live, endpoint)[2]["metrics"]
    assert metrics["duration_seconds"] > ASKED + 1
    # a loaded machine takes a while to ask, and that is work
    assert 1 <= metrics["active_seconds"] < metrics["duration_seconds"] - ASKED / 2


def test_the_time_in_which_an_agent_asks_for_leave_is_not_time_of_work(client):
    """It works in the background, where the client counts nothing of it."""
    kind = replace(AGENT, text=AGENT.text.replace("tools: Read", "tools: Bash"))
    live = begin(client, kind)
    live.hold_back()

    def respond(body):
        text = json.dumps(body["messages"])
        answered = "tool_result" in text
        if "item-1" not in text:
            return Answer("Hello.")
        if "[arm" in json.dumps(body.get("system", "")):
            return Answer("Looked.", tools=[] if answered else [CALLS["a permission"]])
        return Answer("On it.", tools=[] if answered else call_agent("item-1", background=True))

    with Endpoint(respond=respond) as endpoint, Screen(live.client, endpoint) as screen:
        screen.enter("hello")  # after it the transcript tells which agents the session knows
        endpoint.wait_for(1)
        time.sleep(2)
        screen.enter(live.prompt(1))
        endpoint.wait_for(4)
        time.sleep(ASKED)
        screen.press(RETURN)
        endpoint.wait_for(6)
        time.sleep(2)
    (trial,) = live.trials()
    metrics = trial["metrics"]
    assert metrics["duration_seconds"] > ASKED
    assert metrics["active_seconds"] < metrics["duration_seconds"] - ASKED + 1.5


def test_after_a_clear_the_last_answer_before_it_is_rated(client):
    """The session is another one, the terminal the same."""
    live = begin(client, COMMAND)
    live.hold_back()
    rating = ToolCall("Bash", {"command": "meta-experiment rate 4", "description": "rate"})

    def respond(body):
        text = json.dumps(body["messages"])
        rated = "rate it" in text and "tool_result" not in text
        return Answer("Rating.", tools=[rating]) if rated else Answer("Looked at it.")

    allowed = "--allowedTools=Bash(meta-experiment:*)"
    with (
        Endpoint(respond=respond) as endpoint,
        Screen(live.client, endpoint, allowed) as screen,
    ):
        screen.enter(live.prompt(1))
        endpoint.wait_for(1)
        time.sleep(2)
        screen.enter("/clear")
        time.sleep(3)
        screen.enter("rate it")
        endpoint.wait_for(3)
        time.sleep(1)
    ((said, failed),) = endpoint.turns[-1].tool_results()
    assert not failed, said
    (trial,) = live.trials()
    assert trial["metrics"]["rating"] == 4
