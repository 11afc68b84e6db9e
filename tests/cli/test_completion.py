"""TAB in real shells: what is offered, and that nothing is written, said or begun by it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from meta_experiment.cli import completion
from meta_experiment.cli.main import main
from meta_experiment.model.metrics import KNOWN_METRICS
from meta_experiment.store.local.board import Board, BoardEntry

BIN = Path(__file__).resolve().parents[2] / "bin"
DRIVEN = {  # the words are in $@: the shell's own variables are set, its own function is called
    "bash": """
. "$SCRIPT"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
compopt() { printf '<%s>\\n' "$2"; }
_meta_experiment_completion meta-experiment
printf '%s\\n' "${COMPREPLY[@]}"
""",
    "zsh": """
compdef() { registered=$1 }
. "$SCRIPT"
compadd() { print -l -- ${(P)@[-1]} }
_describe() { print -l -- ${${(P)3}%%:*} }
_path_files() { print '<default>' }
words=("$@") CURRENT=$#
$registered
""",
    "fish": """
source "$SCRIPT"
complete -C "$argv"
""",
}
SHELLS = [
    "bash",
    *(
        pytest.param(
            shell,
            marks=(
                pytest.mark.long,
                pytest.mark.skipif(not shutil.which(shell), reason=f"there is no {shell}"),
            ),
        )
        for shell in ("zsh", "fish")
    ),
]


@pytest.fixture
def press(project):
    """Press TAB at the end of a line, whose last word may be empty, in a real shell."""

    def pressed(shell, *words):
        script = Path(os.environ["HOME"], f"script.{shell}")
        script.write_text(completion.script(shell))
        flags = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}
        typed = ("meta-experiment", *words)
        handed = [shell, *typed] if shell != "fish" else [" ".join(typed)]
        done = subprocess.run(
            [shell, *flags[shell], "-c", DRIVEN[shell], *handed],
            env={
                "PATH": f"{BIN}:{os.environ['PATH']}",
                "HOME": os.environ["HOME"],
                "META_EXPERIMENT_PYTHON": sys.executable,
                "SCRIPT": str(script),
            },
            cwd=project.root, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stderr == ""
        return [line.partition("\t")[0] for line in done.stdout.splitlines() if line]

    return pressed


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_verbs_options_experiments_arms_and_metrics(project, press, shell):
    """As the board last showed them; an id also by what the experiment is about."""
    first = project.create("--name", "review first")
    project("stop", first)
    second = project.create("--name", "other", start=False)
    project("status")
    assert press(shell, "an") == ["analyze"]
    assert press(shell, "runs", "sh") == ["show"]
    assert press(shell, "promote", "--dr") == ["--dry-run"]
    assert sorted(press(shell, "analyze", "exp-")) == sorted([first, second])
    assert press(shell, "stop", first, "--variant", "") == ["control", "treatment"]
    assert press(shell, "noise", "--metric", "active_s") == ["active_seconds"]
    assert press(shell, "create", "--assignment", "ra") == ["ramp"]
    if shell == "bash":  # in which the sign is a word of its own
        assert press(shell, "stop", first, "--variant", "=", "tr") == ["treatment"]
        assert press(shell, "stop", first, "--variant", "=") == ["control", "treatment"]
    if shell != "fish":  # which looks for what is typed anywhere in a word by itself
        assert press(shell, "analyze", "oth") == [second]
        assert press(shell, "create", "--plan", "") == ["<default>"]


def test_pressing_tab_writes_nothing(project, press):
    """Not in the project, not at home: not even where a first look would."""

    def there():
        both = (project.root, Path(os.environ["HOME"]))
        files = (path for folder in both for path in folder.rglob("*"))
        known = {path: path.lstat().st_mtime_ns for path in files}
        return {path: at for path, at in known.items() if not path.name.startswith("script.")}

    project.create()
    before = there()
    assert press("bash", "analyze", "exp-") == []
    assert there() == before
    project("status")
    before = there()
    assert len(press("bash", "analyze", "exp-")) == 1
    assert there() == before


@pytest.mark.long
def test_whatever_goes_wrong_nothing_is_said(project, press):
    """Neither of what was typed nor of what is damaged."""
    project.create()
    project("status")
    assert press("bash", "nonsense", "x") == []
    assert press("bash", "analyze", "'unclosed") == []
    assert press("bash", "analyze", "--root", "/nowhere/at/all", "e") == []
    board = project.root / ".claude/meta/local/board.json"
    board.write_bytes(board.read_bytes()[:-9])
    assert press("bash", "analyze", "e") == []
    board.unlink()
    board.mkdir()
    assert press("bash", "analyze", "e") == []


def test_a_fault_on_the_way_is_silent(project, capsys, monkeypatch):
    """Of whatever sort it is."""

    def fails(*_):
        raise RuntimeError("the disk is on fire")

    project.create()
    project("status")
    monkeypatch.setattr(Board, "load", fails)
    for name, value in {
        completion.REQUEST: "bash_complete",
        "COMP_WORDS": "meta-experiment analyze e",
        "COMP_CWORD": "2",
    }.items():
        monkeypatch.setenv(name, value)
    assert main([]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_tab_waits_for_no_environment_to_be_built(tmp_path):
    """Without one, and without a home, there is nothing to offer."""
    asked = {completion.REQUEST: "bash_complete", "COMP_WORDS": "meta-experiment a"}
    asked |= {"COMP_CWORD": "1", "PATH": os.environ["PATH"]}
    launcher = [str(BIN / "meta-experiment")]
    for more in ({}, {"HOME": str(tmp_path)}, {"META_EXPERIMENT_PYTHON": "/nowhere/python"}):
        done = subprocess.run(
            launcher, env=asked | more, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_a_word_on_which_a_shell_would_act_is_not_offered(monkeypatch, tmp_path):
    """Names come from files that a colleague may have written."""
    names = ["fine-1", "$(touch x)", "a;b", "a b", "`id`", "*", "-rf", "a\nb", "\x1b[31mred"]
    row = {"status": "running", "created": "2026", "variants": [{"name": it} for it in names]}
    entries = {name: BoardEntry(row, "", None) for name in names}
    monkeypatch.setattr(Board, "load", lambda *_: Board(entries=entries))
    monkeypatch.chdir(tmp_path)
    for placeholder in ("ID", "VARIANT"):
        argument = click.Argument(["word"], metavar=placeholder)
        offered = completion.offers(click.Context(click.Command("x")), argument, "")
        assert [item.value for item in offered] == ["fine-1"]


def test_a_place_takes_what_its_placeholder_says():
    """Among other signs, as help shows it."""
    context = click.Context(click.Command("x"))
    for placeholder in ("METRIC", "METRIC[:MARGIN%]", "METRIC=VALUE", "[METRIC]..."):
        argument = click.Argument(["word"], metavar=placeholder)
        offered = completion.offers(context, argument, "")
        assert [item.value for item in offered] == list(KNOWN_METRICS)
    for placeholder, kind in (
        ("[FILE]", "file"),
        ("DIR", "dir"),
        ("PATH=VARIANT_PATH", "file"),
    ):
        argument = click.Argument(["word"], metavar=placeholder)
        assert [item.type for item in completion.offers(context, argument, "x")] == [kind]
    assert completion.offers(context, click.Argument(["word"], metavar="N"), "1") == []


def test_help_offers_what_is_explained_word_by_word():
    """Verbs of a noun after it."""
    context = click.Context(click.Command("help"))
    argument = click.Argument(["words"], metavar="[TOPIC]...", nargs=-1)

    def offered(typed):
        return [item.value for item in completion.offers(context, argument, typed)]

    assert offered("promo") == ["promote", "promoted"]
    assert offered("holdo") == ["holdout"]  # a verb and a word
    assert offered("guardrail_f") == ["guardrail_failed"]
    context.params["words"] = ("runs",)
    assert offered("sh") == ["show"]


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_the_script_is_a_program_of_its_shell(shell, capsys):
    """The same on the screen, in JSON and as click writes it by itself."""
    assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    assert completion.REQUEST in text
    assert text == completion.script(shell)
    if shutil.which(shell):
        subprocess.run([shell, "-n", "-c", text], check=True)
