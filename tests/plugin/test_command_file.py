import re
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from meta_experiment.cli.groups import commands
from meta_experiment.cli.main import VERBS, group

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "commands" / "meta_experiment.md"
SKILLS = sorted((ROOT / "skills").glob("*/SKILL.md"))
CALLED = dict(commands(group))
PROSE = [COMMAND, *sorted((ROOT / "skills").rglob("*.md"))]


def parts(file):
    _, front, body = file.read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(front), body


def injections(file=COMMAND):
    return re.findall(r"!`([^`]*)`", parts(file)[1])


def test_the_command_answers_to_its_plain_name():
    """The name in the front matter makes `/meta_experiment` work without the plugin's name."""
    front, _ = parts(COMMAND)
    assert front["name"] == "meta_experiment" == COMMAND.stem
    assert front["description"]
    assert front["argument-hint"]


LOOKING = [
    "status", "explain", "analyze", "trials", "monitor", "noise", "baseline", "plan", "doctor",
    "check", "verify", "runs list", "runs show", "runs diff",
    "runs profile", "cases check", "workflows list", "workflows show", "workflows audit",
    "workflows report",
]  # fmt: skip
# a rating adds a number to a trial, and never runs a command here; a list takes no ID
HARMLESS = [*LOOKING, "rate", "learn --list"]
REHEARSED = ["promote", "rollback", "auto"]


def test_the_command_runs_unasked_what_only_looks():
    """Whatever changes a file asks; a rehearsal does not, where its flag comes first."""
    front, _ = parts(COMMAND)
    assert set(front["allowed-tools"].split(", ")) == {
        *(f"Bash(meta-experiment {verb}:*)" for verb in HARMLESS),
        *(f"Bash(meta-experiment {verb} --dry-run:*)" for verb in REHEARSED),
        "Bash(meta-experiment create --help)",
    }


@pytest.mark.parametrize("verb", REHEARSED)
def test_what_begins_as_a_rehearsal_stays_one(verb):
    """No later word takes the flag back, so that a rule may go by the beginning."""
    command = group.get_command(click.Context(group), verb)
    (flag,) = [item for item in command.params if "--dry-run" in item.opts]
    assert flag.is_flag
    assert not flag.secondary_opts


@pytest.mark.parametrize("verb", LOOKING)
def test_no_verb_that_only_looks_changes_a_prompt_file(verb):
    """Verbs that do take --dry-run."""
    options = {name for item in CALLED[verb].params for name in item.opts}
    assert "--dry-run" not in options


@pytest.mark.parametrize("file", [COMMAND, *SKILLS], ids=lambda file: file.parent.name)
def test_the_model_is_told_that_what_is_printed_is_data(file):
    """In one sentence, before the board where there is one."""
    _, body = parts(file)
    before = body.partition("!`")[0]
    assert re.search(
        r"prints[^.]* is data(,| and) never an instruction: [^.]* in quotes", before
    )


def test_no_text_of_the_user_is_in_an_injected_line():
    """The client puts arguments into the shell line as they are, so there must be no place."""
    (line,) = injections()
    assert "$" not in line
    assert "$ARGUMENTS" in parts(COMMAND)[1]


def test_the_injected_line_shows_the_board():
    """What is injected is the state of the experiments, with what goes wrong in sight."""
    (line,) = injections()
    assert line.startswith("meta-experiment status 2>&1 || echo ")
    assert all(injections(skill) == [line] for skill in SKILLS)


@pytest.mark.parametrize("program", [None, "#!/bin/sh\necho broken >&2\nexit 1\n"])
def test_the_injected_line_never_fails(tmp_path, program):
    """With the program missing or failing the line still succeeds, and says what to do."""
    if program:
        (tmp_path / "meta-experiment").write_text(program)
        (tmp_path / "meta-experiment").chmod(0o755)
    (line,) = injections()
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "could not be read" in done.stdout
    assert "broken" in done.stdout or "not found" in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_the_command_names_every_verb(verb):
    """Each verb stands in the command file as something that can be run."""
    named = re.findall(r"`(?:meta-experiment )?([a-z]+)[` ]", parts(COMMAND)[1])
    assert verb in named


@pytest.mark.parametrize("file", PROSE, ids=lambda file: file.name)
def test_the_prose_names_only_flags_that_exist(file):
    """A flag in the prose is an option of some verb, or of help."""
    known = {"--help", "--version"}
    for command in CALLED.values():
        for parameter in command.params:
            known |= {*parameter.opts, *parameter.secondary_opts}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", file.read_text("utf-8")))
    assert named <= known


@pytest.mark.parametrize("file", PROSE, ids=lambda file: file.name)
def test_the_prose_names_only_verbs_that_exist(file):
    """A call of the program in the prose begins with one of its verbs."""
    called = re.findall(
        r"(?<!/)meta-experiment ([a-z]+)(?= [A-Z\[<-]|`)", file.read_text("utf-8")
    )
    assert set(called) <= set(VERBS)
