"""What the client does not load is refused for the true reason; what it loads is served.

The client's own reading of many more texts is held in `tests/prompts/client_reading.json`.
"""

import pytest

from meta_experiment.prompts.frontmatter import cut, read_frontmatter

AGENT = ".claude/agents/critic.md"
COMMAND = ".claude/commands/hint.md"
UNLOADED = {  # heads of agents, and what is the matter with them
    "name: critic\ndescription: Use it. Examples:\n  - user: hi": "not valid YAML",
    "name: critic\ndescription: Use it when: always\r\nmodel: opus": "not valid YAML",
    "name: critic": "has no `description`",
    "name: critic\ndescription:": "has no `description`",
    "name: critic\ndescription: [a, b]": "something else than text as `description`",
    "description: Use it": "has no `name`",
    "name: 12\ndescription: Use it": "something else than text as `name`",
    "name: x:y\ndescription: Use it": "colon",
    "name: -x\ndescription: Use it": "hyphen",
    f"name: {'x' * 257}\ndescription: Use it": "longer than 256",
    "name: critic\ndescription: Use it\nhooks: none": "a mapping as `hooks`",
    "name: critic\ndescription: >\n\tUse it": "a tab",
}


def agent(head, text="You judge."):
    return f"---\n{head}\n---\n\n{text}\n".encode()


def write(project, path, control, treatment):
    file = project.path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(control)
    project.path("new.md").write_bytes(treatment)


def create(project, path, *more, code=0):
    return project("create", "--file", f"{path}=new.md", *more, "--json", code=code)


@pytest.mark.parametrize("head", UNLOADED, ids=UNLOADED.values())
def test_an_agent_that_the_client_does_not_load_is_not_started(project, head):
    """It would run in no arm but the treatment's, whose copy has a head of ours."""
    write(project, AGENT, agent(head), agent(head, "You judge at once."))
    refused = create(project, AGENT, "--start", code=1).error
    assert UNLOADED[head] in refused["message"]
    assert project("status", "--json").json["experiments"] == []
    draft = create(project, AGENT).json
    assert UNLOADED[head] in "\n".join(draft["notes"])
    refused = project("start", draft["experiment_id"], "--json", code=1).error
    assert UNLOADED[head] in refused["message"]
    assert [file.name for file in project.path(".claude/agents").iterdir()] == ["critic.md"]


def test_a_treatment_that_the_client_would_not_load_is_refused_at_once(project):
    """Promoted, it would take the agent away."""
    write(project, AGENT, agent("name: critic\ndescription: d"), agent("name: critic"))
    refused = create(project, AGENT, code=1).error
    assert "has no `description`" in refused["message"]
    assert "promoted" in refused["hint"]
    assert project("status", "--json").json["experiments"] == []


@pytest.mark.parametrize(
    "name",
    [
        "Two Words",
        "a/b",
        "../up",
        "prüfer",
        "日本",
        "a.b",
        r"\1",
        r"\g<0>",
        "it's",
        "<x>",
        "12a",
    ],
)
def test_an_agent_of_any_name_that_the_client_loads_is_started(project, name):
    """And its copy is the same agent under a name beside it."""
    head = f'name: "{name}"\ndescription: Use it: always\nmodel: haiku\ntools: [Read]'
    head = head.replace("\\", "\\\\")
    write(project, AGENT, agent(head), agent(head, "You judge at once."))
    create(project, AGENT, "--start")
    copy = project.path(".claude/agents/critic-treatment.md").read_bytes()
    fields = read_frontmatter(copy).fields
    assert fields.pop("description").startswith(f"Stands in for the agent {name};")
    assert fields == {"name": f"{name}-treatment", "model": "haiku", "tools": ["Read"]}
    assert cut(copy)[1] == b"\nYou judge at once.\n"


def test_a_name_that_would_tear_a_line_is_refused_as_such(project):
    """The client loads it; what is served is told in lines."""
    head = 'name: "a\\tb"\ndescription: d'
    write(project, AGENT, agent(head), agent(head, "You judge at once."))
    assert "control character" in create(project, AGENT, "--start", code=1).error["message"]


def test_of_two_agents_of_one_name_the_one_the_client_takes_is_served(project):
    """It takes the last by its path."""
    head = "name: critic\ndescription: d"
    write(project, AGENT, agent(head), agent(head, "You judge at once."))
    other = project.path(".claude/agents/team/critic.md")
    other.parent.mkdir()
    other.write_bytes(agent("description: of no name"))
    project.path(".claude/agents/a.md").write_bytes(agent(head))
    create(project, AGENT, "--start")
    project("stop", "critic")
    other.write_bytes(agent(head))
    refused = create(project, AGENT, "--start", code=1).error
    assert ".claude/agents/team/critic.md is an agent of the same name" in refused["message"]


@pytest.mark.parametrize(
    ("head", "fields"),
    [
        (
            "argument-hint: [a] [b]\nmodel: haiku",
            {"argument-hint": "[a] [b]", "model": "haiku"},
        ),
        (
            'allowed-tools: [Read, "Bash(jq .items[] *)"]',
            {"allowed-tools": ["Read", "Bash(jq .items[] *)"]},
        ),
        ("description: Look: closely", {"description": "Look: closely"}),
    ],
)
def test_a_command_is_served_with_all_that_its_head_says(project, head, fields):
    """Also where the client reads the head at its second try, and nobody says otherwise."""
    new = agent(head, "Look twice.")
    write(project, COMMAND, agent(head, "Look."), new)
    made = create(project, COMMAND, "--start")
    assert "the client reads nothing" not in "\n".join(made.json["notes"])
    shim = read_frontmatter(project.path(".claude/skills/hint/SKILL.md").read_bytes()).fields
    for name, value in fields.items():
        assert shim[name][: len(value)] == value
    assert "serve-variant" in str(shim["allowed-tools"])


def test_a_head_that_the_client_ignores_is_ignored_in_the_stand_in_as_well(project):
    """The note says why; the stand-in does not make true what the client does not read."""
    head = "description: Look\n  model: opus\nmodel: opus"
    write(project, COMMAND, agent(head, "# Look"), agent(head, "# Look twice"))
    made = create(project, COMMAND, "--start").json
    assert "not valid YAML: mapping values are not allowed here (line 3); the client" in (
        "\n".join(made["notes"])
    )
    shim = read_frontmatter(project.path(".claude/skills/hint/SKILL.md").read_bytes()).fields
    assert shim.keys() == {"description", "allowed-tools"}
    assert shim["description"] == "Look"


@pytest.mark.parametrize("path", [AGENT, COMMAND])
def test_a_file_that_is_too_large_for_the_client_is_not_started(project, path):
    """It loads none of more than one mebibyte."""
    head = "name: critic\ndescription: d"
    large = agent(head, "word " * 220_000)
    write(project, path, large, agent(head))
    assert "larger than 1 MiB" in create(project, path, "--start", code=1).error["message"]
    write(project, path, agent(head), large)
    assert "larger than 1 MiB" in create(project, path, code=1).error["message"]
