"""What `start` refuses to serve, with the reason, before anything is placed."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.support.serving import (
    AGENT,
    COMMAND,
    TEXTS,
    control,
    drafted,
    opened,
    refused,
    treatment,
)

from meta_experiment.protocol import index, places
from meta_experiment.services.acting import lifecycle


def test_differing_frontmatter_is_refused(root):
    """The client reads it before anything is served; the field is named."""
    other = treatment(COMMAND).replace(b"Look at it", b"Look elsewhere")
    assert "description" in refused(root, COMMAND, other)


def test_a_name_that_the_client_does_not_load_is_refused(root):
    """Nobody could call it."""
    path = ".claude/commands/a$(id>F).md"
    TEXTS[path] = TEXTS[COMMAND]
    assert "loads no command" in refused(root, path)
    del TEXTS[path]


def test_no_name_of_a_file_runs_as_a_command(root):
    """Whatever step of the injected line a shell comes to, a name is a name to it."""
    path = ".claude/commands/a$(touch F).md"
    TEXTS[path] = TEXTS[COMMAND]
    lifecycle.start(opened(root), drafted(root, path))
    del TEXTS[path]
    (text,) = (item.read_text() for item in root.glob(".claude/skills/a*/SKILL.md"))
    line = text.partition("!`")[2].partition("`")[0]
    (root / path).unlink()
    shutil.rmtree(root / ".claude/meta/local/live")
    shutil.rmtree(places.data_folder(os.environ))
    words = ["sh", "-c", line]
    done = subprocess.run(words, cwd=root, check=False, capture_output=True, text=True)
    assert done.stdout.startswith("Read ")
    assert not (root / "F").exists()


def test_a_skill_of_the_same_name_is_refused(root):
    """The client would use it in the command's place already."""
    (root / ".claude/skills/review").mkdir(parents=True)
    (root / ".claude/skills/review/SKILL.md").write_text("x")
    assert "same name" in refused(root, COMMAND)


def test_differing_injections_are_refused(root):
    """They run only while they stand in the file."""
    assert "!`" in refused(root, COMMAND, treatment(COMMAND) + b"!`git status`\n")


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ('{"disableSkillShellExecution": true}', "disableSkillShellExecution"),
        ('{"disableAllHooks": true}', "disableAllHooks"),
        ('{"permissions": {"deny": ["Bash(serve-variant:*)"]}}', "deny"),
        ('{"permissions": {"ask": ["Bash"]}}', "ask"),
        ('{"permissions": {"deny": ["Bash(cat *)"]}}', "deny"),
    ],
)
@pytest.mark.parametrize("where", ["project", "user"])
def test_settings_that_forbid_serving_are_refused(root, settings, word, where):
    """In the project's settings and the user's own."""
    folder = root if where == "project" else Path(os.environ["HOME"])
    (folder / ".claude").mkdir(exist_ok=True)
    (folder / ".claude/settings.json").write_text(settings)
    assert word in refused(root, COMMAND)


@pytest.mark.parametrize("rule", ["Agent(critic)", "Task(critic)", "Agent(critic-treatment)"])
@pytest.mark.parametrize("name", ["deny", "ask"])
def test_a_rule_about_the_agent_is_refused(root, name, rule):
    """The client would not apply it to the variants, which have names of their own."""
    (root / ".claude").mkdir()
    settings = json.dumps({"permissions": {name: [rule]}})
    (root / ".claude/settings.json").write_text(settings)
    assert rule in refused(root, AGENT)


@pytest.mark.parametrize("where", ["project", "user", "plugin"])
def test_a_hook_for_the_agent_by_its_name_is_refused(root, where):
    """It may guard the agent; under the name of a variant nothing would."""
    hook = {"type": "command", "command": "./guard"}
    hooks = {"hooks": {"SubagentStart": [{"matcher": "critic", "hooks": [hook]}]}}
    home = Path(os.environ["HOME"]) / ".claude"
    plugin = home / "plugins/cache/mk/guard"
    path = {
        "project": root / ".claude/settings.json",
        "user": home / "settings.json",
        "plugin": plugin / "hooks/hooks.json",
    }[where]
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(hooks))
    (home / "plugins").mkdir(parents=True, exist_ok=True)
    listed = {"plugins": {"guard@mk": [{"installPath": str(plugin)}]}}
    (home / "plugins/installed_plugins.json").write_text(json.dumps(listed))
    said = refused(root, AGENT)
    assert "a hook of SubagentStart for 'critic'" in said
    assert str(path) in said


@pytest.mark.parametrize("arm", ["control", "treatment"])
@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("memory: project", "keeps a memory"),
        ("hooks: {Stop: [{hooks: [{command: 'grep agent_type | grep critic'}]}]}", "of Stop"),
    ],
)
def test_an_agent_for_which_the_client_works_by_its_name_is_refused(root, arm, field, word):
    """A memory lies in a folder of the agent's name: the arms would begin with two."""
    texts = {"control": control(AGENT), "treatment": treatment(AGENT)}
    texts[arm] = texts[arm].replace(b"\n---\n", f"\n{field}\n---\n".encode(), 1)
    assert word in refused(root, AGENT, texts["treatment"], texts["control"])


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ("pr, mode", ["pr,", "mode"]), ("pr 5 mode", ["pr", "mode"]), ("5", []),
        ("[5, pr]", ["pr"]), ("[true, '0', pr]", ["pr"]), ("[pr, null, mode]", ["pr", "mode"]),
        ("['pr,', '', ' ', mode]", ["pr,", "mode"]), ("[{name: pr}, mode]", ["mode"]),
    ],
)  # fmt: skip
def test_the_names_of_arguments_are_those_the_client_takes(root, arguments, names):
    """It divides a text at blanks alone, and passes over what is no text in a list."""
    head = f"---\ndescription: d\narguments: {arguments}\n---\n"
    (root / COMMAND).parent.mkdir(parents=True)
    (root / COMMAND).write_text(head + "One $pr.\n")
    lifecycle.start(opened(root), drafted(root, COMMAND, (head + "Two $pr.\n").encode()))
    (entry,) = index.entries(str(root))
    assert entry.arguments == names


def test_harmless_settings_are_no_hindrance(root):
    """Rules about other things, and allow rules, change nothing."""
    (root / ".claude").mkdir()
    (root / ".claude/settings.json").write_text(
        '{"permissions": {"deny": ["Bash(rm:*)", "Read(./.env)"], "allow": ["Bash"]}}'
    )
    lifecycle.start(opened(root), drafted(root, COMMAND))


def test_an_installed_plugin_is_refused(tmp_path):
    """Its next update would replace the file."""
    folder = tmp_path / ".claude/plugins/cache/market/plug/1.0"
    (folder / ".claude-plugin").mkdir(parents=True)
    (folder / ".claude-plugin/plugin.json").write_text('{"name": "plug"}')
    TEXTS["commands/review.md"] = TEXTS[COMMAND]
    assert "installed plugin" in refused(folder, "commands/review.md")


@pytest.mark.parametrize(
    "path",
    [
        "cache/market/plug/1.0/commands/go.md",
        "cache/market/plug/1.0/skills/go/SKILL.md",
        "marketplaces/market/plugins/plug/commands/go.md",
        "marketplaces/market/agents/go.md",
    ],
)
def test_an_installed_plugin_is_refused_below_the_home_too(tmp_path, path):
    """Where the root is not the plugin but all personal files."""
    whole = f".claude/plugins/{path}"
    TEXTS[whole] = TEXTS[COMMAND]
    assert "installed plugin" in refused(tmp_path, whole)
