"""What works for an agent by its name, as the client was seen to do it (2.1.330)."""

import json

import pytest

from meta_experiment.protocol.by_name import hooks_by_name, telling_apart

NAMES = ["reviewer", "reviewer-treatment"]


def group(matcher=None, **hook):
    found = {"hooks": [{"type": "command", "command": "true", **hook}]}
    return found if matcher is None else {**found, "matcher": matcher}


def found(event, *groups, names=NAMES, project="/p", plugin=""):
    return list(hooks_by_name({"hooks": {event: list(groups)}}, names, project, plugin))


@pytest.mark.parametrize("event", ["SubagentStart", "SubagentStop"])
@pytest.mark.parametrize(
    "matcher",
    ["reviewer", "reviewer|other", "other,reviewer", "other, reviewer", "reviewer|",
     " reviewer ", "reviewer-treatment", "^reviewer$", "reviewer$", "reviewer.",
     "plug:reviewer"],
)  # fmt: skip
def test_a_hook_that_starts_for_some_of_the_names_only_is_found(event, matcher):
    names = [f"plug:{name}" for name in NAMES] if ":" in matcher else NAMES
    assert len(found(event, group(matcher), names=names)) == 1


@pytest.mark.parametrize(
    "matcher",
    ["", "*", None, "rev", "other", "Reviewer", "reviewer other", "review.*", "reviewer.*",
     "^reviewer", "reviewer|reviewer-treatment", "reviewer(-.*)?", "revi\\w+er", "(", "x/y"],
)  # fmt: skip
def test_one_that_starts_for_all_or_none_is_not(matcher):
    """A list means whole names, a pattern any part; one that is none starts never."""
    assert found("SubagentStart", group(matcher)) == []


def test_matchers_of_other_events_mean_no_agent():
    assert found("PreToolUse", group("reviewer")) == []


@pytest.mark.parametrize(
    ("hook", "seen"),
    [
        ({"command": "jq -e '.agent_type == \"reviewer\"' && exit 2"}, True),
        ({"command": "jq .agent_type >> log"}, False),
        ({"command": "npm run reviewer"}, False),
        ({"command": "jq -e '.agent_type == \"reviewer-two\"'"}, False),
        ({"command": "python3", "args": ["guard.py", "agent_type", "reviewer"]}, True),
        ({"if": "Agent(reviewer)"}, True),
        ({"if": "Agent(other)"}, False),
        ({"if": "Bash(reviewer *)"}, False),
        ({"type": "prompt", "prompt": "Is this the reviewer? $ARGUMENTS"}, True),
        ({"type": "prompt", "prompt": "Is this good? $ARGUMENTS"}, False),
    ],
)
def test_a_hook_that_looks_at_the_name_itself_is_found(hook, seen):
    assert bool(found("PreToolUse", group("Bash", **hook))) is seen


@pytest.mark.parametrize(
    "command",
    [
        "python3 {}/guard.py",
        '"{}"/guard.py --strict',
        "cd /x && {}/guard.py; true",
        "{}/guard.py 'it",
    ],
)
@pytest.mark.parametrize("place", ["$CLAUDE_PROJECT_DIR", "${CLAUDE_PLUGIN_ROOT}", "."])
def test_so_is_one_whose_script_does(tmp_path, command, place):
    (tmp_path / "guard.py").write_text("if event['agent_type'] == 'reviewer': deny()")
    where = {"project": str(tmp_path), "plugin": str(tmp_path)}
    hook = group(command=command.format(place))
    assert len(found("PreToolUse", hook, **where)) == 1
    (tmp_path / "guard.py").write_text("deny()  # a reviewer of agent types")
    assert found("PreToolUse", hook, **where) == []


@pytest.mark.parametrize(
    "values",
    [{"hooks": 3}, {"hooks": {"SubagentStart": 3}}, {"hooks": {"SubagentStart": [3, {}]}},
     {"hooks": {"SubagentStart": [{"matcher": 3, "hooks": 3}]}},
     {"hooks": {"Stop": [{"hooks": [3, {"command": 3, "args": 3, "if": 3, "prompt": 3}]}]}}],
)  # fmt: skip
def test_crooked_hooks_are_passed_over(values):
    assert list(hooks_by_name(values, NAMES, "/p")) == []


@pytest.mark.parametrize(
    ("where", "told"),
    [("project", True), ("local", True), ("user", True), ("plugin", True), ("off", False)],
)
def test_every_file_that_the_client_reads_is_looked_at(tmp_path, where, told):
    home, project = tmp_path / "home", tmp_path / "project"
    hooks = {"hooks": {"SubagentStart": [group("reviewer")]}}
    plugin = home / ".claude/plugins/cache/mk/guard"
    files = {
        "project": project / ".claude/settings.json",
        "local": project / ".claude/settings.local.json",
        "user": home / ".claude/settings.json",
    }
    path = files.get(where, plugin / "hooks/hooks.json")
    listed = {"plugins": {"guard@mk": [{"scope": "user", "installPath": str(plugin)}]}}
    written = {path: hooks, home / ".claude/plugins/installed_plugins.json": listed}
    if where == "off":
        written[files["project"]] = {"enabledPlugins": {"guard@mk": False}}
    for file, values in written.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    seen = list(telling_apart(str(project), NAMES, {"HOME": str(home)}))
    assert seen == ([str(path)] if told else [])


def test_a_file_that_cannot_be_read_leaves_nothing_sure(tmp_path):
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/settings.json").write_text("{")
    with pytest.raises(ValueError, match=r"JSON|name"):
        list(telling_apart(str(tmp_path), NAMES, {"HOME": str(tmp_path / "home")}))
