"""Served texts in the real client: what the model gets is what the plain file would give."""

import json

import pytest
from tests import logs
from tests.client.endpoint import Answer, Endpoint, ToolCall
from tests.live.stage import Stage

from meta_experiment.live.arguments import POINTER
from meta_experiment.protocol import places, sessions
from meta_experiment.protocol.texts import SHIM

pytestmark = pytest.mark.client

LINE = (
    "!`serve-variant exp-1@0123456789ab ${CLAUDE_SESSION_ID} 2>/dev/null || echo NOT SERVED`\n"
)
BODY = (
    "A<<$ARGUMENTS|$0|$1|$ARGUMENTS[1]|$ARGUMENTS[9]|$7|$pr|$mode|$prs|\\$1|\\\\$1|\\$pr|$1a"
    "|\\$ARGUMENTS|$5.00|${CLAUDE_SESSION_ID}|${CLAUDE_PROJECT_DIR}|${CLAUDE_EFFORT}"
    "|${CLAUDE_SKILL_DIR}|${HOME}|$$0>>B"
)
HOSTILE = [
    "'a b' c", "é fix #12 now", 'x a=b --y="z d"e', "a\\ b\nb c", "'' '!`id` x!'", "",
    "a'; touch ran; echo 'b",
]  # fmt: skip
SHELL_LIKE = ["$(touch ran)`touch ran`", "!important it's ${CLAUDE_SESSION_ID} $1 $ARGUMENTS"]


def told(request):
    text = "\n".join(request.texts())
    start = text.rindex("A<<")
    return text[start : text.index(">>B", start)]


def shimmed(stage, entry, front):
    stage.seal({SHIM: front + LINE}, entry.id)
    stage.write(entry.path, front + LINE)


@pytest.fixture
def stage(client):
    """Return a stage in the client's own home and project."""
    return Stage(client.folder)


@pytest.mark.long
def test_a_served_command_gives_the_model_what_the_plain_one_gives(client, stage):
    front = "---\narguments: [pr, mode]\nallowed-tools: Bash(serve-variant:*)\n---\n"
    entry = stage.run(form="inplace", sequence="01" * 20, arguments=["pr", "mode"])
    stage.seal({places.body_name(arm): BODY for arm in entry.arms}, entry.id)
    shimmed(stage, entry, front)
    client.write(".claude/commands/plain.md", front + BODY)
    given = [*HOSTILE, *SHELL_LIKE]
    with (
        Endpoint([Answer("ok")] * 2 * len(given)) as endpoint,
        client.session(endpoint) as session,
    ):
        for arguments in given:
            session.say(f"/plain {arguments}")
            plain = told(endpoint.requests[-1])
            session.say(f"/review {arguments}")
            served = told(endpoint.requests[-1])
            if arguments in HOSTILE:
                assert served == plain
            else:
                assert served.split("|")[0] == plain.split("|")[0]
                assert POINTER in served
    assert not (client.project / "ran").exists()
    assert len(stage.assignments()) == len(given)
    assert stage.faults() == []


@pytest.mark.long
def test_a_skill_the_model_could_use_freely_stays_free_and_gets_its_arguments(client, stage):
    path = ".claude/skills/review/SKILL.md"
    entry = stage.run(kind="skill", form="inplace", path=path, allow=True, sequence="10")
    front = (
        "---\nname: review\ndescription: Review.\nallowed-tools: Bash(serve-variant:*)\n---\n"
    )
    stage.seal({"treatment.md": BODY}, entry.id)
    shimmed(stage, entry, front)
    call = ToolCall("Skill", {"skill": "review", "args": "x 'y z'"})
    with Endpoint([Answer("", tools=[call]), Answer("done")]) as endpoint:
        run = client.ask(endpoint, "please review")
    served = told(run.turns[-1]).split("|")
    assert served[:3] == ["A<<x 'y z'", "x", "y z"]
    assert f"|{client.project}/.claude/skills/review|" in told(run.turns[-1])
    (line,) = stage.assignments()
    assert line[2] == "treatment"
    assert stage.faults() == []


@pytest.mark.long
def test_a_command_the_model_could_call_stays_free(client, stage):
    front = "---\ndescription: Review.\nallowed-tools: Bash(serve-variant:*)\n---\n"
    entry = stage.run(allow=True, sequence="10")
    stage.seal({SHIM: front + LINE}, entry.id)
    stage.write(".claude/skills/review/SKILL.md", front + LINE)
    stage.seal({"treatment.md": BODY}, entry.id)
    call = ToolCall("Skill", {"skill": "review", "args": "x 'y z'"})
    with Endpoint([Answer("", tools=[call]), Answer("done")]) as endpoint:
        run = client.ask(endpoint, "please review")
    assert told(run.turns[-1]).split("|")[:3] == ["A<<x 'y z'", "x", "y z"]
    assert [line[2] for line in stage.assignments()] == ["treatment"]


CHECK = {
    "subagent_type": "checker", "prompt": "go", "description": "d", "run_in_background": False
}  # fmt: skip


def checker(stage):
    """Put an agent under way, the next of which is the treatment."""
    path = ".claude/agents/checker.md"
    front = "---\nname: {}\ndescription: Checks.\n---\n{}"
    entry = stage.run(
        kind="agent", form="agents", name="checker", path=path, sequence="10",
        front="", control=front.format("checker", "CONTROL AGENT"),
    )  # fmt: skip
    placed = path.replace(".md", "-treatment.md")
    text = front.format("checker-treatment", "TREATMENT AGENT")
    stage.seal({"treatment.md": text}, entry.id)
    stage.write(placed, text)
    return entry


@pytest.mark.long
def test_an_agent_that_a_rule_denies_is_denied_in_every_arm(client, stage):
    """The client looks at the rules only for the name that the hook gives it."""
    entry = checker(stage)
    client.write(".claude/settings.json", '{"permissions": {"deny": ["Agent(checker)"]}}')
    answers = [Answer("", tools=[ToolCall("Agent", CHECK)]), Answer("done")]
    with Endpoint(answers) as endpoint:
        run = client.ask(endpoint, "start the checker")
    ((said, failed),) = run.turns[-1].tool_results()
    assert failed
    assert "denied" in said
    assert stage.assignments(entry.id) == []


@pytest.mark.long
def test_an_agent_is_switched_without_being_allowed_by_us(client, stage):
    entry = checker(stage)
    answers = [Answer("", tools=[ToolCall("Agent", CHECK)]), Answer("sub"), Answer("done")]
    with Endpoint(answers) as endpoint:
        run = client.ask(endpoint, "start the checker")
    systems = json.dumps([request.body for request in run.requests])
    assert "TREATMENT AGENT" in systems
    assert "CONTROL AGENT" not in systems
    assert [line[2] for line in stage.assignments(entry.id)] == ["treatment"]


@pytest.mark.long
def test_a_session_leaves_records_and_no_state(client, stage):
    entry = stage.run(form="inplace", sequence="01")
    shimmed(stage, entry, "---\nallowed-tools: Bash(serve-variant:*)\n---\n")
    stage.write(".claude/meta/local/auto.stamp", b"1\n")
    with (
        Endpoint([Answer("ok")] * 3) as endpoint,
        client.session(endpoint) as session,
    ):
        for prompt in ("/review a", "/review b", "thanks"):
            session.say(prompt)
        session.close()
    assert sessions.list_sessions(str(stage.root)) == []
    log = logs.live_log(stage.root, entry.id)
    records = [json.loads(line) for line in logs.lines(log).splitlines()]
    assert [record["variant"] for record in records] == ["control", "treatment"]
    assert [record["status"] for record in records] == ["ok", "ok"]
    assert [record["metrics"]["followup_turns"] for record in records] == [0, 1]
    assert stage.faults() == []
