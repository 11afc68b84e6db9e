"""What the documents say to type can be typed: every flag is one, and first pages are run."""

import json
import shlex
from pathlib import Path

import click
import pytest
from tests.docs.pages import PAGES, ROOT, typed
from tests.support.git import git

from meta_experiment.cli.groups import commands
from meta_experiment.cli.main import group, main

CALLED = dict(commands(group))
ABOVE = click.Context(group, **group.context_settings)  # whose names of help are remembered
RUN = ["README.md", "docs/quick-start.md", "docs/guides.md", "docs/install.md"]
# a line that is no verb -> the file of the tests that runs it
ELSEWHERE = {
    'claude plugin marketplace add "$PWD"': "tests/plugin/test_wheel.py",
    "claude plugin install meta-experiment@meta-experiment": "tests/plugin/test_wheel.py",
    "uv tool install .": "tests/plugin/test_installers.py",
    "./bin/meta-experiment demo": "tests/plugin/test_wheel.py",
    "./tests/run": "tests/run",
}
SKILL = "---\nname: notes\ndescription: Writes notes.\n---\nNote the changes, {0}.\n"
FORM = "---\ndescription: {0}\n---\n{0} the branch, {1}.\n"


def named(words):
    """Return the verb that a command line begins with, and its arguments."""
    for size in (2, 1):
        verb = " ".join(words[:size])
        if verb in CALLED:
            return verb, words[size:]
    raise AssertionError(f"no verb in {words}")


def faults(text):
    """Return the commands of a page that the program would not understand."""
    found = []
    for words in typed(text):
        if words[0] == "meta-experiment":
            verb, arguments = named(words[1:])
            command = CALLED[verb]
            try:
                command.make_context(verb, list(arguments), parent=ABOVE)
            except click.ClickException as error:
                found.append(f"{shlex.join(words)}: {error.format_message()}")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_says_to_type_is_understood(page):
    assert faults(page.read_text("utf-8")) == []


def test_a_flag_that_is_none_is_found():
    assert faults("```console\n$ meta-experiment status --wide\n```\n") != []
    assert faults("```console\n$ meta-experiment start\n```\n") != []


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A project with two commands, a draft of each, cases, and results of another harness."""
    files = {
        ".claude/commands/review.md": FORM.format("Review", "one by one"),
        ".claude/commands/notes.md": FORM.format("Note", "at length"),
        ".claude/skills/notes/SKILL.md": SKILL.format("at length"),
        "skill-v2.md": SKILL.format("in a line"),
        "review-v2.md": FORM.format("Review", "all at once"),
        "notes-v2.md": FORM.format("Note", "in a line"),
        "cases.jsonl": "".join(
            json.dumps(
                {
                    "id": f"c{number}",
                    "prompt": "/notes",
                    "criteria": [{"type": "contains", "target": "ok"}],
                }
            )
            + "\n"
            for number in range(12)
        ),
        "results.csv": "variant,unit,duration_seconds\n"
        + "".join(
            f"{arm},{arm}{n},{n + 3.5}\n" for n in range(3) for arm in ("control", "treatment")
        ),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "new")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("page", RUN)
def test_what_the_first_pages_say_to_type_is_done(page, capsys):
    """Line by line in one project, as whoever copies it does."""
    ran = 0
    for words in typed((ROOT / page).read_text("utf-8")):
        line = shlex.join(words).replace("'$PWD'", '"$PWD"')
        if words[0] != "meta-experiment":
            assert (ROOT / ELSEWHERE[line]).exists(), line
            continue
        arguments = [str(Path(it).expanduser()) if it[0] == "~" else it for it in words[1:]]
        assert main(arguments) == 0, f"{line}\n{capsys.readouterr()}"
        ran += 1
    assert ran + (page == "docs/install.md") > 1


@pytest.mark.parametrize("line", ELSEWHERE)
def test_every_way_to_install_is_one_that_a_test_takes(line):
    """Word by word, but for the folder that it is called in."""
    text = Path(ROOT, ELSEWHERE[line]).read_text("utf-8")
    words = [word.removeprefix("./bin/") for word in shlex.split(line)]
    if ELSEWHERE[line].endswith(".py"):
        assert [it for it in words if it not in (".", "$PWD") and f'"{it}"' not in text] == []
