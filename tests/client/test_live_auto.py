"""What happens by itself at the start of a session."""

import json
import time

import pytest
from tests.client.endpoint import Answer, Endpoint
from tests.client.live import BLOCK, COMMAND, ONE_LOOK, Model, begin

pytestmark = [pytest.mark.client, pytest.mark.long]
PATIENCE = 120.0  # seconds


def evidence(live):
    """Use the command often enough for a decision."""
    with Endpoint(respond=Model(COMMAND)) as endpoint:
        live.work(endpoint, range(1, 2 * BLOCK + 1))


def hello(live):
    """Open a session and say hello; return what the user is shown and what the model saw."""
    with Endpoint([Answer("Hello.")]) as endpoint:
        run = live.client.ask(endpoint, "hello")
        seen = "\n".join(str(request.body) for request in endpoint.requests)
    outputs = [
        event["output"] for event in run.stream if event.get("subtype") == "hook_response"
    ]
    return [json.loads(output)["systemMessage"] for output in outputs if output], seen


def aged(live):
    """Let the last run in the background be long ago."""
    for stamp in (live.root / ".claude" / "meta" / "local").glob("auto.stamp"):
        stamp.unlink()


def test_a_session_start_promotes_without_anyones_help(client):
    """The decision is acted on beside the user's turn; the next session tells the user."""
    live = begin(client, COMMAND, *ONE_LOOK)
    evidence(live)
    aged(live)
    hello(live)
    until = time.monotonic() + PATIENCE
    while live.file.read_text() != live.kind.treatment:
        assert time.monotonic() < until, "nothing was promoted"
        time.sleep(0.1)
    while live.git("rev-list", "--count", "HEAD") != "2\n":
        assert time.monotonic() < until, "no commit"
        time.sleep(0.1)
    assert live.changes() == ""
    while not (live.root / ".claude" / "meta" / "local" / "news").exists():
        assert time.monotonic() < until, "nothing to tell the user"
        time.sleep(0.1)
    (shown,), seen = hello(live)
    assert "treatment is promoted" in shown
    assert live.experiment in shown
    assert "treatment is promoted" not in seen  # its commit is in the list that the client adds
    assert "systemMessage" not in seen


@pytest.mark.long
def test_a_due_decision_is_told_to_the_user_and_not_the_model(client):
    """Where the plan leaves acting to the user, the notice says so and nothing is changed."""
    live = begin(client, COMMAND, *ONE_LOOK, "--no-auto")
    evidence(live)
    live.meta("status")
    (shown,), seen = hello(live)
    assert live.experiment in shown
    assert live.experiment not in seen
    assert live.file.read_text() == live.kind.control
