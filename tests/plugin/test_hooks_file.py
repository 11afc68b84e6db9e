"""What the client is told to run, and that it says why somebody waits."""

import json
import subprocess
import sys
from pathlib import Path

from tests.plugin.desk import ECHO, ROOT, STAMP, UV, program, wrapper

HOOKS = json.loads((ROOT / "hooks" / "hooks.json").read_bytes())["hooks"]
OBSERVE = ROOT / "hooks" / "observe"
COMMAND = "meta-experiment:meta_experiment"


def handlers(event):
    return [(it.get("matcher"), hook) for it in HOOKS[event] for hook in it["hooks"]]


def ready(desk, **settings):
    done = subprocess.run(
        [OBSERVE, "ready"],
        cwd=desk.away,
        env={"HOME": str(desk.home), "PATH": str(desk.tools), **settings},
        input=json.dumps({"command_name": COMMAND}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_hook_runs_the_one_program_and_ends_in_time():
    for event in HOOKS:
        for _, hook in handlers(event):
            assert hook["command"] == "${CLAUDE_PLUGIN_ROOT}/hooks/observe"
            assert hook.get("timeout", 0) < 120  # then the client ends an injected line


def test_the_client_says_what_the_first_call_waits_for():
    """The board of the command is silent until it is there; the status of a hook is not."""
    manifest = json.loads((ROOT / "plugin.json").read_bytes())
    command = Path(ROOT / "commands" / "meta_experiment.md")
    assert f"{manifest['name']}:{command.stem}" == COMMAND
    ((_, hook),) = [it for it in handlers("UserPromptExpansion") if it[0] == COMMAND]
    assert hook["args"] == ["ready"]
    assert "building its Python environment" in hook["statusMessage"]
    others = [hook for event in HOOKS for name, hook in handlers(event) if name != COMMAND]
    assert not any("statusMessage" in hook for hook in others)


def test_the_hook_builds_the_environment_and_says_nothing_itself(desk, bare):
    """What a hook prints would reach the model; a failure would block the command."""
    desk.tool("python3", wrapper(bare))
    desk.tool("uv", UV)
    desk.system("mkdir", "chmod", "sleep")
    ready(desk)
    assert desk.kept() == ["lock", f"venv-{STAMP}"]


def test_nothing_is_built_where_there_is_an_interpreter(desk):
    """A call of the command then costs a look at one file."""
    ready(desk, META_EXPERIMENT_PYTHON=sys.executable)
    program(desk.data / f"venv-{STAMP}" / "bin" / "python", ECHO)
    ready(desk)
    assert desk.kept() == [f"venv-{STAMP}"]


def test_a_build_that_fails_blocks_nothing(desk):
    ready(desk)
    ready(desk, HOME="")
