"""What every verb promises: help with an example, JSON on request, a place in the documents."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from meta_experiment.cli.groups import commands
from meta_experiment.cli.main import VERBS, group, main

REPOSITORY = Path(__file__).resolve().parents[2]
CALLED = [words for words, _ in commands(group)]


@pytest.mark.parametrize("verb", CALLED)
def test_every_verb_has_help_with_an_example_and_the_common_options(verb, capsys):
    """--help exits 0 and shows an example, --root and --json."""
    assert main([*verb.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert f"meta-experiment {verb}" in text
    assert "Example:" in text
    assert "--root" in text
    assert "--json" in text


@pytest.mark.parametrize("verb", ["doctor", "check", "verify", "recover", "repair"])
def test_each_verb_of_health_is_told_from_the_others(verb, capsys):
    """Five verbs, one line each, on the help page of all of them."""
    main([verb, "--help"])
    lines = capsys.readouterr().out.splitlines()
    begun = {line.split()[0] for line in lines if re.match(r"  \w+ {2,}[a-z]", line)}
    assert begun == {"doctor", "check", "verify", "recover", "repair"}


def test_the_help_page_lists_every_verb_with_a_sentence(capsys):
    """One line each, none empty."""
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for verb in VERBS:
        assert re.search(rf"^  {verb} +\S", text, re.MULTILINE)


@pytest.mark.parametrize("verb", CALLED)
def test_a_wrong_option_is_a_usage_error_in_the_form_that_was_asked_for(verb, capsys):
    """Exit 2; under --json the envelope stands on stdout and nothing else."""
    assert main([*verb.split(), "--no-such-option", "--json"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["kind"] == "usage"
    assert said.err == ""


def test_a_noun_alone_says_that_it_needs_a_verb(capsys):
    assert main(["runs", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["hint"] == "meta-experiment runs --help"
    assert main(["runs"]) == 2
    assert main(["runs", "shwo"]) == 2
    said = capsys.readouterr().err
    assert "Missing command" in said
    assert "There is no verb 'runs shwo'. Did you mean 'show'?" in said


def test_no_verb_is_status_and_the_old_flag_is_auto(tmp_path, capsys, monkeypatch):
    """No verb at all and a bare --auto mean what users of the older form expect."""
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    assert "No experiments yet" in capsys.readouterr().out
    assert main(["--auto"]) == 0
    assert "No experiment is running" in capsys.readouterr().out
    assert main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["total"] == 0


def test_colour_appears_only_where_it_is_asked_for(tmp_path):
    """NO_COLOR beats FORCE_COLOR; without a terminal there is none."""
    script = [
        sys.executable,
        str(REPOSITORY / "scripts" / "status.py"),
        "x",
        "--root",
        str(tmp_path),
    ]

    def shown(**environment):
        given = subprocess.run(
            script, env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        return given.stderr

    assert "\x1b" not in shown()
    assert "\x1b[31m" in shown(FORCE_COLOR="1")
    assert "\x1b" not in shown(FORCE_COLOR="1", NO_COLOR="1")


def test_an_interruption_ends_with_130(capsys, monkeypatch):
    """Ctrl-C is exit 130 and says that nothing is half done."""
    from meta_experiment.cli import main as module

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.group, "main", interrupted)
    assert main(["status"]) == 130
    assert "Interrupted" in capsys.readouterr().err


@pytest.mark.long
def test_the_demo_goes_from_nothing_to_a_promotion_and_back(capsys):
    """The README's first command: every step with its real output."""
    assert main(["demo"]) == 0
    text = capsys.readouterr().out
    assert "PROMOTE (treatment_better)" in text
    assert text.count("checked: ") == 2
