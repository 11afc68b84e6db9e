"""Quality of a served answer: asked of the model by the plan, given by the user afterwards."""

import json
import re

import pytest
from tests.client.endpoint import Answer, Endpoint, ToolCall
from tests.client.test_experiment_in_client import COMMAND, CONTROL, TREATMENT, git, meta

pytestmark = pytest.mark.client


def obedient(body):
    """Run what the prompt asks for or what the user types; then say that it is done."""
    roles = [message["role"] for message in body["messages"]]
    since = len(roles) - roles[::-1].index("assistant") if "assistant" in roles else 0
    text = json.dumps(body["messages"][since:], ensure_ascii=False)
    if "tool_result" in text:
        return Answer("Done.")
    asked = re.findall(r"run once: (meta-experiment rate [^\"\\<]*)", text)
    if asked:
        return call(asked[-1].replace("NUMBER", "3"))
    wish = re.findall(r"means `status`\): (rate [^\"\\]*)", text)
    return call(f"meta-experiment {wish[-1]}") if wish else Answer("What?")


def call(command):
    tool = ToolCall("Bash", {"command": command, "description": "rate"})
    return Answer("So be it.", tools=[tool])


@pytest.mark.long
def test_the_model_and_the_user_rate_the_trial_that_was_served(client):
    """All of it lands in one trial; a rating costs the trial nothing, and runs no programs."""
    client.write(COMMAND, CONTROL)
    client.write("review-v2.md", TREATMENT)
    git(client, "add", ".")
    given = ["--file", f"{COMMAND}=review-v2.md", "--ask-model", "issues_caught", "--start"]
    name = meta(client, "create", *given)["experiment_id"]
    with Endpoint(respond=obedient) as endpoint, client.session(endpoint) as session:
        session.say("/review_pr 12")
        session.say("/meta_experiment rate 4")
        session.say("/meta_experiment rate --run tests_passed -- touch canary")
        run = session.close()
    results = [result for turn in run.turns for result in turn.tool_results()]
    noted = [(text, failed) for text, failed in results if "Noted for" in text]
    assert {text.partition(": ")[2].split("\n")[0] for text, _ in noted} == {
        "issues_caught 3.",
        "rating 4.",
    }
    assert any("not for use inside Claude Code" in text for text, failed in results if failed)
    assert not (client.project / "canary").exists()
    (trial,) = meta(client, "trials", name)["trials"]
    assert trial["status"] == "ok"
    assert trial["metrics"]["issues_caught"] == 3
    assert trial["metrics"]["rating"] == 4
    assert trial["metrics"]["followup_turns"] == 0
    assert trial["metrics"]["output_tokens"] == 100  # the task's two steps, not the rating's
