"""From a hunch to a promoted file, a holdout and a lesson, by what the program names alone.

A person types nothing that no earlier output has named: no verb, no flag. What they choose
themselves are texts, files and names. In between they use their command in the real client.
"""

import re
import subprocess

import pytest
from tests.client.endpoint import Endpoint
from tests.client.live import COMMAND, PROGRAM, Live, Model, surroundings
from tests.support.git import git
from tests.support.named_first import NamedFirst

from meta_experiment.cli.groups import commands
from meta_experiment.cli.main import group

pytestmark = [pytest.mark.client, pytest.mark.long]

HUNCH = "I think shorter is better"
CLAIM = (
    "Asking /review to be brief lowers output_tokens by about a half, because what is not "
    "written is not paid"
)
NEXT = "Asking /review for one finding lowers output_tokens by a tenth, because the rest waits"
# so many that any draw promotes, in whatever order they close: three in ten did not by 30 uses
USES, MORE_USES = range(1, 45), range(45, 57)


class Person:
    """Somebody at a shell, who calls what was named and reads what is printed."""

    def __init__(self, client):
        self.client = client
        self.told = NamedFirst(name for name, _ in commands(group))

    def __call__(self, *words, code=0):
        unnamed = self.told.unnamed(list(words))
        assert not unnamed, f"{words}: nothing has named {unnamed}"
        done = subprocess.run(
            [PROGRAM, *words],
            cwd=self.client.project,
            env=surroundings(self.client),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{words}: {done.stdout}{done.stderr}"
        self.told.hear(list(words), done.stdout + done.stderr)
        return done.stdout


def next_of(board):
    """Return what the board says to do about what is foremost."""
    return board.rpartition("FOREMOST")[2].rpartition("  Next ")[2].strip()


def test_from_a_hunch_to_a_lesson_by_what_was_named_alone(client):
    client.write(COMMAND.path, COMMAND.control)
    client.write("brief.md", COMMAND.treatment)
    for words in ("config user.name Ada", "config user.email ada@example.com", "add ."):
        git(client.project, *words.split())
    git(client.project, "commit", "--quiet", "--message", "The command as it was")
    person = Person(client)

    assert "meta-experiment plan --hypothesis TEXT" in next_of(person())
    assert "does not say what is changed" in person("plan", "--hypothesis", HUNCH)
    said = ["--hypothesis", CLAIM]
    assert "--primary-metric NAME" in person("plan", *said)
    said += ["--primary-metric", "output_tokens"]
    assert "--file PATH=VARIANT_PATH" in person("plan", *said)
    said += ["--file", f"{COMMAND.path}=brief.md"]
    assert "meta-experiment create with the same flags" in person("plan", *said)
    person("--help")
    person("create", "--help")
    person("create", *said, "--unit", "invocation")
    begin = next_of(person()).partition("meta-experiment ")[2]
    experiment = begin.split()[-1]
    assert begin == f"start {experiment}"
    person(*begin.split())

    live = Live(client, COMMAND, client.project, experiment)
    with Endpoint(respond=Model(COMMAND)) as endpoint:
        live.work(endpoint, USES)
    act = next_of(person()).partition("meta-experiment ")[2]
    assert act == f"promote {experiment}"
    assert "is promoted" in person(*act.split())
    assert live.file.read_text("utf-8") == COMMAND.treatment

    offered = next_of(person())
    assert f"meta-experiment holdout {experiment};" in offered
    person("holdout", experiment, code=1)  # sums, as tokens are, need as many uses of each text
    assert "50% of invocations keep the text" in person("holdout", experiment, "--share", "50")
    with Endpoint(respond=Model(COMMAND)) as endpoint:
        live.work(endpoint, MORE_USES)
    watched = person("holdout", experiment)
    counted = re.search(r"promoted (\d+), previous (\d+)", watched)
    assert sum(map(int, counted.groups())) == len(MORE_USES)

    assert f"meta-experiment learn {experiment} --why TEXT --next TEXT" in offered
    person("learn", experiment, "--why", "It had less to say", "--next", NEXT)
    assert "meta-experiment plan --hypothesis TEXT" in next_of(person())
    offered = person("plan", "--hypothesis", HUNCH, "--file", f"{COMMAND.path}=brief.md")
    assert f"{experiment} left open: '{NEXT}'" in offered
    assert "  confirmed\n" in person("learn", "--list")
