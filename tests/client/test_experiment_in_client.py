"""An experiment served and recorded by hand, looked at and acted on in the real client."""

import json
import os
import subprocess
import sys

import pytest
from tests.client.endpoint import Answer, Endpoint, ToolCall
from tests.client.harness import REPOSITORY

pytestmark = pytest.mark.client

COMMAND = ".claude/commands/review_pr.md"
CONTROL = (
    "---\ndescription: Review a pull request\n---\nReview $ARGUMENTS, one file at a time.\n"
)
TREATMENT = CONTROL.replace("one file at a time", "all files at once, with three agents")


def meta(client, *arguments, lines=()):
    """Call the program in the client's project, as the user would in a shell."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(client.home),
        "META_EXPERIMENT_PYTHON": sys.executable,
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    done = subprocess.run(
        [str(REPOSITORY / "bin" / "meta-experiment"), *arguments, "--json"],
        cwd=client.project,
        env=environment,
        input="".join(json.dumps(line) + "\n" for line in lines),
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def git(client, *arguments):
    return subprocess.run(
        ["git", *arguments], cwd=client.project, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def running(client):
    """A committed command under a running experiment, with evidence for its treatment."""
    client.write(COMMAND, CONTROL)
    client.write("review-v2.md", TREATMENT)
    git(client, "config", "user.name", "Test")
    git(client, "config", "user.email", "test@example.com")
    git(client, "add", ".")
    git(client, "commit", "--quiet", "-m", "start")
    name = meta(
        client, "create", "--file", f"{COMMAND}=review-v2.md", "--unit", "invocation",
        "--primary-metric", "duration_seconds", "--start", "--manual",
    )["experiment_id"]  # fmt: skip
    lines = [
        {"experiment": name, "variant": variant,
         "metrics": {"duration_seconds": base * (1 + 0.1 * (number % 5))}}
        for number in range(15)
        for variant, base in (("control", 100.0), ("treatment", 50.0))
    ]  # fmt: skip
    meta(client, "record", "--stdin", lines=lines)
    return name


@pytest.mark.long
def test_the_client_shows_the_board_and_the_model_acts_on_it(client, running):
    """The command brings the board; the model promotes; the next prompt is the new text."""
    command = f"meta-experiment promote {running} --yes --json"
    act = ToolCall("Bash", {"command": command, "description": "a"})
    with Endpoint([Answer("Acting.", tools=[act]), Answer("Promoted.")]) as endpoint:
        leave = ("--allowedTools", "Bash(meta-experiment promote:*)")  # the user's, once asked
        run = client.ask(endpoint, "/meta_experiment promote it", *leave)
    assert running in run.seen()
    assert "15 per arm, at least 10 needed" in run.seen()
    (text, failed) = run.turns[-1].tool_results()[-1]
    assert not failed
    assert json.loads(text)["status"] == "promoted"
    assert (client.project / COMMAND).read_text() == TREATMENT
    assert git(client, "show", "--name-only", "--format=").split() == [COMMAND]

    with Endpoint([Answer("Reviewing.")]) as endpoint:
        run = client.ask(endpoint, "/review_pr 42")
    assert "Review 42, all files at once" in run.seen()

    meta(client, "rollback", running, "--yes")
    assert (client.project / COMMAND).read_text() == CONTROL
    with Endpoint([Answer("Reviewing.")]) as endpoint:
        run = client.ask(endpoint, "/review_pr 42")
    assert "Review 42, one file at a time" in run.seen()


def test_an_experiment_by_hand_is_invisible_to_the_client(client, running):
    """Stored variants are no commands of their own, and the command is the control."""
    assert running
    with Endpoint([Answer("Reviewing.")]) as endpoint:
        run = client.ask(endpoint, "/review_pr 42")
    offered = [name for name in run.opening["slash_commands"] if "review_pr" in name]
    assert offered == ["review_pr"]
    assert "one file at a time" in run.seen()
    assert git(client, "status", "--short", "--", COMMAND) == ""
