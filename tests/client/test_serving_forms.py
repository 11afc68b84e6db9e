"""What the frontmatter and the name of a prompt file do is the same while it is served."""

from dataclasses import dataclass

import pytest
from tests.client.endpoint import Answer, Endpoint
from tests.client.live import Kind, Model, begin, call_agent, ledger

pytestmark = [pytest.mark.client, pytest.mark.long]

_BODY = "\n[arm control: {what}]\n\nSay what you think.\n"
NESTED = Kind(
    name="nested command",
    path=".claude/commands/git/review.md",
    text="---\nmodel: haiku\nargument-hint: [a] [b]\n---\n" + _BODY.format(what="$ARGUMENTS"),
    prompt="/git:review {item}",
)
HIDDEN = Kind(
    name="hidden skill",
    path=".claude/skills/judge/SKILL.md",
    text="---\nname: judge\ndescription: Judges.\ndisable-model-invocation: true\n"
    "allowed-tools:\n  - Read\n---\n" + _BODY.format(what="$0"),
    prompt="/judge {item}",
)
FORK = Kind(
    name="forked skill",
    path=".claude/skills/apart/SKILL.md",
    text="---\nname: apart\ndescription: Works apart.\ncontext: fork\n---\n"
    + _BODY.format(what="$ARGUMENTS"),
    prompt="/apart {item}",
)
LIVELY = Kind(
    name="command with injections",
    path=".claude/commands/lively.md",
    text="---\nallowed-tools: Bash(echo:*), Read\n---\n# Live state\n\n- It is !`echo noon`\n\n"
    "```!\necho two words\n```\n" + _BODY.format(what="$ARGUMENTS"),
    prompt="/lively {item}",
)
WITHIN = {
    NESTED.name: [],
    HIDDEN.name: [],
    FORK.name: [],
    LIVELY.name: ["# Live state\n\n- It is noon\n\n", "two words\n"],
}


NAMES = ["Two Words", "a/b", "prüfer"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A request in which an arm is in sight: the whole prompt, and the model asked."""

    text: str
    model: str


def seen(endpoint, arm):
    """Return the newest request that shows an arm."""
    for request in reversed(endpoint.turns):
        for text in reversed(request.texts()):
            if f"[arm {arm}: item" in text:
                return Seen(text, request.body["model"])
    return None


@pytest.mark.parametrize("kind", [NESTED, HIDDEN, FORK, LIVELY], ids=lambda kind: kind.name)
def test_both_arms_arrive_as_they_would_without_an_experiment(client, kind):
    """Names, models, forks, hidden skills and injections of the prompt's own."""
    live = begin(client, kind)
    with Endpoint([Answer("ok", lasting=True)]) as endpoint:
        live.work(endpoint, range(1, 5))  # any four of a sequence of blocks hold both arms
        arms = {arm: seen(endpoint, arm) for arm in ("control", "treatment")}
        assert all(arms.values())
        for arm, found in arms.items():
            assert ("haiku" in found.model) is (kind is NESTED)
            for text in WITHIN[kind.name]:
                assert text in found.text
            assert ("Be brief." in found.text) is (arm == "treatment")
        listed = "\n".join(endpoint.turns[0].texts())
    assert "serve-variant" not in listed
    if kind is HIDDEN:
        assert "- judge" not in listed
    if kind is NESTED:
        assert "- git:review: [arm control: $ARGUMENTS]" in listed
    assert live.changes() == ""
    live.meta("stop", live.experiment)
    assert live.file.read_text() == kind.control
    assert live.changes() == ""


@pytest.mark.parametrize("name", NAMES)
def test_an_agent_is_served_by_whatever_name_the_client_takes(client, name):
    """Also where the client reads the head at its second try; every use is counted."""
    kind = Kind(
        name="agent",
        path=".claude/agents/judge.md",
        text=f"---\nname: {name}\ndescription: Judges: all of it\nmodel: haiku\n---\n\n"
        "[arm control]\n\nYou judge.\n",
        prompt="Give {item} away.",
        opening=lambda item: call_agent(item, agent=name),
    )
    live = begin(client, kind)
    with Endpoint(respond=Model(kind)) as endpoint:
        live.work(endpoint, range(1, 5))
        sent = ledger(endpoint.turns)
        models = {turn.body["model"] for turn in endpoint.turns if "[arm " in str(turn.body)}
    assert {row.variant for row in sent.values()} == {"control", "treatment"}
    assert all("haiku" in model for model in models)
    assert live.rows() == sorted(sent.values())
