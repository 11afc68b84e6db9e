"""The table of the command line: equal to the verbs, and enough to look at them."""

import json
import os
import subprocess
import sys

import click
import pytest
from tests.manual.generate import surface_text

from meta_experiment.cli import surface
from meta_experiment.cli.groups import commands
from meta_experiment.cli.main import group, main

CALLED = dict(commands(group))


def test_the_table_says_what_the_verbs_say():
    """Else: `python -m tests.manual.generate`."""
    assert surface.TABLE.read_text("utf-8") == surface_text()


@pytest.mark.parametrize("words", CALLED)
def test_a_sketch_looks_like_its_verb(words):
    """The same help, and the same parameters for a shell that completes them."""
    verb, sketch = CALLED[words], surface.sketch(*words.split())
    assert shown(sketch) == shown(verb)
    assert list(map(taken, sketch.params)) == list(map(taken, verb.params))


def shown(command):
    """Return what a help page has of a command."""
    context = click.Context(command, info_name="x")
    records = [parameter.get_help_record(context) for parameter in command.params]
    return command.help, command.collect_usage_pieces(context), records


def taken(parameter):
    """Return what a shell needs to know of a parameter."""
    choices = getattr(parameter.type, "choices", None)
    flags = ("is_flag", "multiple", "hidden", "secondary_opts")
    return (
        parameter.name, parameter.opts, parameter.nargs, parameter.param_type_name, choices,
        parameter.metavar, *(getattr(parameter, flag, None) for flag in flags),
    )  # fmt: skip


LOOK = """
import json, sys
sys.argv[0] = "meta-experiment"
from meta_experiment.cli.main import main
try:
    main(json.loads(sys.argv[1]))
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
NOUNS = {"cases", "runs", "store", "telemetry", "workflows"}


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        (["--help"], None),
        (["import", "--help"], None),
        (["runs", "show", "-h"], None),
        ([], "meta-experiment an"),
        ([], "meta-experiment import --"),
        ([], "meta-experiment runs show --"),
        ([], "meta-experiment noise --metric a"),
    ],
)
def test_no_verb_is_imported_only_to_be_looked_at(typed, completed):
    """Neither for help nor for a TAB."""
    asked = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    if completed is not None:
        number = str(len(completed.split()) - 1)
        asked |= {"_META_EXPERIMENT_COMPLETE": "bash_complete"}
        asked |= {"COMP_WORDS": completed, "COMP_CWORD": number}
    done = subprocess.run(
        [sys.executable, "-c", LOOK, json.dumps(typed)],
        env=asked, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip()
    ours = "meta_experiment."
    known = [name for name in json.loads(done.stderr) if name.startswith(ours)]
    loaded = {name.removeprefix(ours) for name in known}
    verbs = {name for name in loaded if name.startswith("cli.verbs.")}
    assert verbs <= {f"cli.verbs.{noun}" for noun in NOUNS}
    metric = completed is not None and "metric" in completed
    heavy = ("services", "decide", "stats", "store", "runs", "workflows", "types")
    assert [name for name in loaded if name.startswith(heavy[: -1 if metric else None])] == []


def test_a_verb_that_the_table_does_not_know_yet_is_imported_instead(monkeypatch, capsys):
    """As one that was written a minute ago."""
    one = {"status": surface.table()["status"]}
    monkeypatch.setattr(surface, "table", lambda: one)
    assert surface.sketch("doctor") is None
    assert main(["doctor", "--help"]) == 0
    assert "Example:" in capsys.readouterr().out


# an option that means one thing in some verbs and another in others, and why it may
APART = {
    "--all": "every metric, or past uses of every kind: whatever a verb leaves out",
    "--auto": "of a plan, and of its holdout, which starts as the plan says",
    "--commit": "one of git's, or whether to make one",
    "--covariate": "its name, its value, or the column it is read from",
    "--experiment": "one of ours, one to make, or one of a workflow",
    "--file": "with its new text, or alone",
    "--holdout": "a share of cases, or the name of those held out",
    "--keep": "a folder, a target, or what comes next",
    "--markdown": "a short page is printed, a report has a file",
    "--metric": "its name, or its value",
    "--next": "the next run, or what comes next",
    "--run": "one of an experiment on cases, or a command",
    "--share": "per cent of uses, or the n-th part of runs",
    "--unit": "what is randomised, or one of it",
    "--units": "how many of an arm, or told by their keys",
    "--variant": "of one of our experiments, or of a workflow",
}


def test_an_option_takes_the_same_in_every_verb():
    """One name, one thing."""
    taken = {}
    for entry in surface.table().values():
        for option in entry["takes"]:
            for name in option.get("opts", ()):
                form = (option.get("metavar"), option.get("flag", False))
                taken.setdefault(name, set()).add(form)
    assert {name for name, forms in taken.items() if len(forms) > 1} <= APART.keys()


def test_what_a_placeholder_stands_for_is_said_wherever_a_value_is_typed():
    """No `INTEGER RANGE` that nobody would say."""
    for words, entry in surface.table().items():
        for taken in entry["takes"]:
            if not taken.get("flag") and "words" not in taken:
                assert taken.get("metavar"), (words, taken["name"])
