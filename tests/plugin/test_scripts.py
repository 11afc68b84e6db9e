import ast
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from tests.everyday import some

from meta_experiment.cli.main import VERBS, group

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
ENTRY = SCRIPTS / "meta-experiment.py"


def run(*arguments, **settings):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={"PATH": "/usr/bin:/bin", **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_verb_has_a_script_and_no_script_lacks_a_verb():
    """The folder and the command line offer the same verbs."""
    named = {file.stem for file in SCRIPTS.glob("*.py")} - {
        "meta-experiment",
        "_environment",
        "_pick",
    }
    assert named == set(VERBS)


@pytest.mark.parametrize("verb", some(VERBS, 5))
def test_a_script_passes_on_its_verb_and_arguments(tmp_path, verb):
    """`VERB.py ARGUMENTS` is `meta-experiment VERB ARGUMENTS`, exit code included."""
    shutil.copy(SCRIPTS / f"{verb}.py", tmp_path)
    told = "import sys\nprint(sys.argv[1:])\nsys.exit(7)\n"
    (tmp_path / "meta-experiment.py").write_text(told, "utf-8")
    done = run(tmp_path / f"{verb}.py", "x y", "--json")
    assert (done.stdout, done.returncode) == (f"{[verb, 'x y', '--json']}\n", 7), done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_a_script_says_what_it_does(verb):
    """Each script is tiny and tells purpose, usage and exit codes."""
    source = (SCRIPTS / f"{verb}.py").read_text("utf-8")
    assert len(source.splitlines()) <= 15
    text = ast.get_docstring(ast.parse(source))
    assert re.search(rf"\n\nUsage: {verb}\.py\b", text)
    assert "\nExit codes: 0 " in text


@pytest.mark.parametrize("verb", VERBS)
def test_a_scripts_usage_names_only_flags_of_its_verb(verb):
    """The usage line does not promise what the verb does not take."""
    text = ast.get_docstring(ast.parse((SCRIPTS / f"{verb}.py").read_text("utf-8")))
    usage = next(line for line in text.splitlines() if line.startswith("Usage:"))
    options = {
        option
        for item in group.get_command(click.Context(group), verb).params
        for option in item.opts
    }
    assert set(re.findall(r"--[a-z-]+", usage)) <= options


@pytest.mark.parametrize("flags", [(), ("-P",), ("-I",)])
def test_scripts_run_under_every_form_of_isolation(flags):
    """A script needs neither its folder on the path nor any variable."""
    done = run(*flags, SCRIPTS / "status.py", "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage: meta-experiment status" in done.stdout


@pytest.mark.parametrize("arguments", [("status.py",), ("meta-experiment.py", "status")])
def test_a_script_may_be_called_through_a_symlink(tmp_path, arguments):
    """A link elsewhere leads to the library."""
    link = tmp_path / "look.py"
    link.symlink_to(SCRIPTS / arguments[0])
    done = run(link, *arguments[1:], "--help")
    assert "Usage: meta-experiment status" in done.stdout, done.stderr


def test_scripts_differ_in_words_only():
    """What is true of one script is true of all: their code is the same but for the verb."""
    codes = set()
    for verb in VERBS:
        tree = ast.parse((SCRIPTS / f"{verb}.py").read_text("utf-8"))
        codes.add(ast.unparse(tree.body[1:]).replace(repr(verb), "VERB"))
    assert len(codes) == 1


def test_scripts_do_not_shadow_other_modules():
    """Of the scripts' folder only the library can be imported, and no variable is left over."""
    code = (
        "import importlib.util, os, runpy, sys\n"
        "sys.argv = [sys.argv[1], '--version']\n"
        "try:\n"
        "    runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit:\n"
        "    pass\n"
        "found = importlib.util.find_spec\n"
        "print([n for n in ('record', 'status', 'check', 'trials') if found(n)])\n"
        "print('META_EXPERIMENT_RELAUNCHED' in os.environ)\n"
        "print(sys.modules['meta_experiment.cli.main'].__file__)\n"
    )
    settings = {"PYTHONPATH": str(SCRIPTS), "META_EXPERIMENT_RELAUNCHED": "1"}
    done = run("-c", code, ENTRY, **settings)
    assert done.stdout.splitlines()[-3:] == [
        "[]",
        "False",
        str(SCRIPTS / "meta_experiment" / "cli" / "main.py"),
    ], done.stderr


def test_a_script_hands_over_when_its_python_lacks_packages(tmp_path):
    """Run by a Python without the packages, a script starts again through the launcher."""
    launcher = tmp_path / "bin" / "meta-experiment"
    launcher.parent.mkdir()
    launcher.write_text('echo "$META_EXPERIMENT_RELAUNCHED" "$@"\nexit 5\n', "utf-8")
    (tmp_path / "scripts").mkdir()
    for name in ("meta-experiment.py", "status.py"):
        shutil.copy(SCRIPTS / name, tmp_path / "scripts")
    done = run("-S", tmp_path / "scripts" / "status.py", "--json")
    assert (done.returncode, done.stdout) == (5, "1 status --json\n"), done.stderr


def test_an_old_python_is_named_as_such(monkeypatch):
    """A version below the oldest supported one is the shortcoming that is told."""
    entry = runpy.run_path(str(ENTRY))
    monkeypatch.setattr(sys, "version_info", (3, 10, 9, "final", 0))
    assert entry["shortcoming"]() == "it is Python 3.10"


def test_the_entry_needs_no_new_syntax():
    """An old Python can read the entry, or it could not say that it is too old."""
    ast.parse(ENTRY.read_text("utf-8"), feature_version=(3, 7))
