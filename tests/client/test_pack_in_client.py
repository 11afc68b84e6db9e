import json
import re
import shutil
from dataclasses import replace

import pytest
from tests.client.endpoint import Answer, Endpoint, Refusal, ToolCall
from tests.client.harness import REPOSITORY, Client
from tests.client.live import COMMAND, begin
from tests.everyday import some
from tests.plugin.desk import UV, program
from tests.plugin.skill_checks import pack, parts, skills

from meta_experiment.types.vocabulary import Skill

pytestmark = pytest.mark.client

EMPTY_BOARD = "No experiments yet."
FALLBACK = "The experiments could not be read"


def status_call(command="meta-experiment status --json"):
    return ToolCall("Bash", {"command": command, "description": "Look at the experiments"})


def test_the_pack_loads_with_its_name_command_and_skills(client):
    """The client knows the plugin by its manifest and offers its command and its skills."""
    with Endpoint([Answer("hello")]) as endpoint:
        run = client.ask(endpoint, "hello")
    assert run.exit_code == 0
    plugins = {plugin["name"]: plugin["path"] for plugin in run.opening["plugins"]}
    assert plugins["meta-experiment"] == str(REPOSITORY)
    assert "meta-experiment:meta_experiment" in run.opening["slash_commands"]
    assert {f"meta-experiment:{skill}" for skill in Skill} <= set(run.opening["skills"])
    assert run.opening.get("plugin_errors", []) == []


def cut_short(client, texts):
    """Return the descriptions that a small model is not shown as they stand."""
    with Endpoint([Answer("hello")]) as endpoint:
        run = client.ask(endpoint, "hello", "--model", "claude-haiku-4-5-20251001")
    assert "meta-experiment:experiment-guide" in run.seen()
    lines = {name: parts(text)[0]["description"] for name, text in texts.items()}
    return [
        name
        for name, said in lines.items()
        if f"meta-experiment:{name}: {said}" not in run.seen()
    ]


@pytest.mark.long
def test_the_model_is_told_of_every_skill_in_full(client, tmp_path):
    """All lines of the pack stand in what the model sees, also where there is room for few."""
    command = (REPOSITORY / "commands" / "meta_experiment.md").read_text("utf-8")
    assert cut_short(client, {**skills(pack()), "meta_experiment": command}) == []
    longer = tmp_path / "longer"
    for folder in (".claude-plugin", "commands", "skills"):
        shutil.copytree(REPOSITORY / folder, longer / folder)
    for file in longer.glob("skills/*/SKILL.md"):
        text = file.read_text("utf-8").replace('description: "', 'description: "' + "Aa " * 60)
        file.write_text(text, "utf-8")
    texts = {file.parent.name: file.read_text("utf-8") for file in longer.rglob("SKILL.md")}
    assert cut_short(replace(client, plugins=(longer,)), texts) != []


@pytest.mark.long
@pytest.mark.parametrize(
    "name", some(["/meta_experiment", "/meta-experiment:meta_experiment"], 1)
)
def test_the_command_brings_the_board_by_both_names(client, name):
    """The full and the plain name reach the model with the state of the experiments."""
    with Endpoint([Answer("Nothing is running.")]) as endpoint:
        run = client.ask(endpoint, f"{name} status")
    assert run.exit_code == 0
    assert run.result["result"] == "Nothing is running."
    assert EMPTY_BOARD in run.seen()
    assert FALLBACK not in run.seen()


@pytest.mark.long
def test_arguments_reach_the_model_and_no_shell(client):
    """What the user typed stands in the prompt as text; nothing in it is run."""
    words = "promote x'; touch STOLEN; echo ' $(touch STOLEN) `touch STOLEN` !`touch STOLEN`"
    with Endpoint([Answer("No.")]) as endpoint:
        run = client.ask(endpoint, f"/meta_experiment {words}")
    assert "promote x'; touch STOLEN" in run.seen()
    assert EMPTY_BOARD in run.seen()
    assert list(client.folder.rglob("STOLEN")) == []


@pytest.mark.long
def test_the_model_may_run_the_program_and_gets_json(client):
    """After the command a call of the program needs no approval and returns a document."""
    with Endpoint([Answer("Looking.", tools=[status_call()]), Answer("Done.")]) as endpoint:
        run = client.ask(endpoint, "/meta_experiment status")
    (text, failed) = run.turns[-1].tool_results()[-1]
    assert not failed
    assert json.loads(text)["experiments"] == []
    assert run.result["permission_denials"] == []


@pytest.mark.long
def test_the_command_allows_the_program_and_nothing_else(client):
    """A call of anything that writes elsewhere still needs the user's approval."""
    call = status_call("touch elsewhere")
    with Endpoint([Answer("Trying.", tools=[call]), Answer("Done.")]) as endpoint:
        run = client.ask(endpoint, "/meta_experiment status")
    (_, failed) = run.turns[-1].tool_results()[-1]
    assert failed
    assert not (client.project / "elsewhere").exists()


UNASKED = [
    "meta-experiment status",
    "meta-experiment status --json 2>/dev/null | head -3",
    "meta-experiment analyze review --json",
    "meta-experiment doctor",
    "meta-experiment plan --primary-metric duration_seconds",
    "meta-experiment rate 4",
    "meta-experiment promote --dry-run review",
    "meta-experiment rollback --dry-run review --json",
    "meta-experiment create --help",
]
ASKED = [
    "meta-experiment promote review --yes",
    "meta-experiment promote review --dry-run",
    "meta-experiment rollback review --yes",
    "meta-experiment start review",
    "meta-experiment record review --variant control --metric duration_seconds=1",
    "meta-experiment import results.csv",
    "meta-experiment panic",
    "meta-experiment statusx",
    "meta-experiment status; meta-experiment promote review --yes",
    "meta-experiment status && touch elsewhere",
    "meta-experiment status > elsewhere",
    "meta-experiment status | tee elsewhere",
    "meta-experiment status & touch elsewhere",
    "meta-experiment status $(touch elsewhere)",
    "meta-experiment promote --dry-run review; meta-experiment promote review",
    "META_EXPERIMENT_PYTHON=/bin/true meta-experiment status",
    "env -u CLAUDECODE meta-experiment status",
    "bash -c 'meta-experiment promote review'",
    "(meta-experiment panic)",
]
_NO_LEAVE = re.compile(r"approval|needs approval|can't be checked")


@pytest.mark.long
def test_what_looks_runs_and_what_changes_asks(client):
    """Alone, in parts of a line, with an output that goes elsewhere."""
    calls = [status_call(command) for command in (*UNASKED, *ASKED)]
    with Endpoint([Answer("Trying.", tools=calls), Answer("Done.")]) as endpoint:
        run = client.ask(endpoint, "/meta_experiment status")
    refused = [bool(_NO_LEAVE.search(text)) for text, _ in run.turns[-1].tool_results()]
    said = dict(zip((*UNASKED, *ASKED), refused, strict=True))
    assert said == dict.fromkeys(UNASKED, False) | dict.fromkeys(ASKED, True)
    assert not (client.project / "elsewhere").exists()


@pytest.mark.long
@pytest.mark.parametrize("typed", [True, False])
def test_only_the_user_overrides_the_evidence(client, typed):
    """By typing it; what the model runs of its own accord is refused, whatever is allowed."""
    live = begin(client, COMMAND)
    words = f"promote {live.experiment} --override 'we need it'"
    call = status_call(f"meta-experiment {words} --yes --json")
    prompt = f"/meta_experiment {words if typed else 'promote it, we need it'}"
    with Endpoint([Answer("Promoting.", tools=[call]), Answer("Done.")]) as endpoint:
        run = client.ask(endpoint, prompt, "--allowedTools", "Bash(meta-experiment:*)")
    ((text, failed),) = run.turns[-1].tool_results()
    assert failed is not typed, text
    assert (live.file.read_text() == COMMAND.treatment) is typed
    if not typed:
        assert "only where the user has typed it" in text


@pytest.mark.long
@pytest.mark.parametrize("python", ["/nonexistent/python", "/bin/false"])
def test_a_broken_interpreter_still_lets_the_command_answer(client, python):
    """Without a Python that works the user's command runs, and the model is told what to do."""
    broken = Client(
        client.binary, client.folder, environment={"META_EXPERIMENT_PYTHON": python}
    )
    with Endpoint([Answer("It is broken.")]) as endpoint:
        run = broken.ask(endpoint, "/meta_experiment status")
    assert run.result["result"] == "It is broken."
    assert FALLBACK in run.seen()
    assert EMPTY_BOARD not in run.seen()


@pytest.mark.long
def test_the_first_call_in_a_fresh_home_builds_in_a_hook_and_brings_the_board(client, tmp_path):
    """While a hook builds the environment the client says so; the board finds it ready."""
    telling = '#!/bin/sh\necho "$1 in ${CLAUDE_PROJECT_DIR:-no} project" >>"$HOME/uv.told"\n'
    program(tmp_path / "tools" / "uv", telling + UV.partition("\n")[2])
    path = f"{tmp_path / 'tools'}:/usr/local/bin:/usr/bin:/bin"
    fresh = {"META_EXPERIMENT_PYTHON": "", "PATH": path}
    newcomer = Client(client.binary, client.folder, environment=fresh)
    for _ in range(2):
        with Endpoint([Answer("Nothing is running.")]) as endpoint:
            run = newcomer.ask(endpoint, "/meta_experiment status")
        assert EMPTY_BOARD in run.seen()
        assert "the Python environment" not in run.seen()
    told = (newcomer.home / "uv.told").read_text("utf-8").splitlines()
    # only hooks are told where the project is
    assert told == [f"{step} in {newcomer.project} project" for step in ("venv", "pip")]


@pytest.mark.long
def test_the_command_works_from_a_subdirectory(client):
    """Started below the top of the project, the command still shows the project's board."""
    below = client.project / "deep" / "inside"
    below.mkdir(parents=True)
    with Endpoint([Answer("fine")]) as endpoint:
        run = client.ask(endpoint, "/meta_experiment", directory=below)
    assert EMPTY_BOARD in run.seen()


@pytest.mark.long
@pytest.mark.parametrize("manifest", [".", "plugin.json", ".claude-plugin/plugin.json"])
def test_the_client_finds_nothing_to_object_to(client, manifest):
    """`claude plugin validate --strict` passes on marketplace and both manifests."""
    target = str((REPOSITORY / manifest).resolve())
    done = client.run_program("plugin", "validate", "--strict", target)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
def test_one_session_holds_several_prompts(client):
    """A conversation goes on after a command, with what came before in view."""
    answers = [Answer("first"), Answer("second")]
    with Endpoint(answers) as endpoint, client.session(endpoint) as session:
        assert session.say("/meta_experiment status")["result"] == "first"
        assert session.say("and now?")["result"] == "second"
        run = session.close()
    assert run.exit_code == 0
    assert EMPTY_BOARD in run.seen()
    assert "and now?" in run.seen()
    assert len(client.transcripts()) == 1


@pytest.mark.long
def test_an_interrupted_prompt_leaves_the_session_usable(client):
    """Breaking off a slow answer ends that prompt alone."""
    slow = Answer("too late", when="take your time", delay=30)
    with Endpoint([slow, Answer("here")]) as endpoint, client.session(endpoint) as session:
        session.send("take your time")
        endpoint.wait_for(1)
        session.interrupt()
        session.wait(0)
        assert session.say("still there?")["result"] == "here"


@pytest.mark.long
def test_a_killed_client_ends_without_a_result(client):
    """After SIGKILL the run reports the signal, and that no result came."""
    slow = Answer("never", delay=30, lasting=True)
    with Endpoint([slow]) as endpoint, client.session(endpoint) as session:
        session.send("/meta_experiment status")
        endpoint.wait_for(1)
        run = session.kill()
    assert run.exit_code == -9
    assert run.result == {}
    assert len(run.turns) == 1


@pytest.mark.long
def test_two_sessions_at_once_share_a_project(client):
    """Each of two open sessions gets the answers meant for it."""
    answers = [Answer("to one", when="I am one"), Answer("to two", when="I am two")]
    with (
        Endpoint(answers) as endpoint,
        client.session(endpoint) as one,
        client.session(endpoint) as two,
    ):
        one.send("I am one")
        two.send("I am two")
        assert one.wait(0)["result"] == "to one"
        assert two.wait(0)["result"] == "to two"
    assert len(client.transcripts()) == 2


@pytest.mark.long
def test_an_error_of_the_service_ends_the_prompt(client):
    """A refusal by the endpoint reaches the result as an error."""
    overloaded = Refusal(529, "overloaded_error", "too busy")
    with Endpoint([Answer(refusal=overloaded, lasting=True)]) as endpoint:
        run = client.ask(endpoint, "hello")
    assert run.result["is_error"] is True


@pytest.mark.long
def test_usage_numbers_reach_the_transcript(client):
    """The token numbers that the endpoint sends are the ones in the transcript."""
    with Endpoint([Answer("hello", usage={"output_tokens": 321})]) as endpoint:
        client.ask(endpoint, "hello")
    lines = [line for lines in client.transcripts().values() for line in lines]
    usages = [line["message"]["usage"] for line in lines if line["type"] == "assistant"]
    assert {usage["output_tokens"] for usage in usages} == {321}
