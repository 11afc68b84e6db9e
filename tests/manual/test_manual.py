"""What is explained: everything there is, the same in help, reference and manual."""

import ast
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import click
import pytest
from tests.manual.generate import FOLDERS, derived

from meta_experiment.cli.groups import commands
from meta_experiment.cli.main import group, main
from meta_experiment.cli.manual import all_entries
from meta_experiment.errors import ErrorKind
from meta_experiment.live import closing
from meta_experiment.manual.word_entries import sentences
from meta_experiment.model.metrics import KNOWN_METRICS
from meta_experiment.render.blocks import Commands, Facts, Heading, Paragraph
from meta_experiment.render.style import Style
from meta_experiment.render.writers import MARKDOWN, ROFF, write
from meta_experiment.services.acting.analysing import IN_THE_PRIOR
from meta_experiment.transcripts.measure import NO_ANSWER
from meta_experiment.types import (
    Aim,
    Assignment,
    CarryOut,
    Claim,
    Comparator,
    Decision,
    MetricKind,
    ReasonCode,
    Scale,
    Status,
    Stopping,
    Unit,
)

ROOT = Path(__file__).resolve().parents[2]
FILES = derived()
VARIABLE = re.compile(
    r"(META_EXPERIMENT|CLAUDE_CODE|CLAUDE|OTEL|GH|GITHUB|XDG)_[A-Z_]*[A-Z]"
    r"|NO_COLOR|FORCE_COLOR|CLAUDECODE|TERM|COLUMNS"
)
OWN = {  # set by the program for what it starts, and of no use to anybody else
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "CLAUDE_CODE_OAUTH", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_RETRY_WATCHDOG",
    "CLAUDE_SECURESTORAGE_CONFIG_DIR", "GH_DEBUG", "GH_FORCE_TTY",
    "GH_NO_EXTENSION_UPDATE_NOTIFIER", "GH_NO_UPDATE_NOTIFIER", "GH_PROMPT_DISABLED",
    "GH_SPINNER_DISABLED", "META_EXPERIMENT_RELAUNCHED", "XDG_RUNTIME_DIR",
}  # fmt: skip


def test_every_derived_page_is_as_it_would_be_made_now():
    """Else: `python -m tests.manual.generate`. Nothing else lies there."""
    assert {path for path, text in FILES.items() if path.read_text("utf-8") != text} == set()
    there = {path for folder in FOLDERS for path in folder.rglob("*") if path.is_file()}
    assert there <= FILES.keys()


def test_everything_is_explained():
    """Verbs, options, decisions, reason codes, statuses, kinds of errors, metrics."""
    named = {(entry.sort, entry.name) for entry in all_entries()}
    wanted = {("verb", words) for words, _ in commands(group)}
    wanted |= {("reason code", code.value) for code in ReasonCode}
    wanted |= {("error kind", kind) for kind in get_args(ErrorKind)}
    wanted |= {("metric", name) for name in KNOWN_METRICS}
    wanted |= {("decision", name) for name in Decision}
    wanted |= {("status", name) for name in Status}
    wanted |= {("option", name) for name in options()}
    apart = {"noun", "word", "environment variable", "exit code"}
    assert {it for it in named if it[0] not in apart} == wanted


@pytest.mark.parametrize(
    "words", [Aim, Assignment, CarryOut, Claim, Comparator, MetricKind, Scale, Stopping, Unit]
)
def test_each_word_that_a_plan_chooses_from_is_explained(words):
    """Output prints them: `sequential`, `raw`, `block`."""
    named = {entry.name for entry in all_entries()}
    assert {item.value for item in words} <= named


def test_each_reason_for_which_a_trial_is_left_out_is_explained():
    """`trials` and reports print them."""
    left_out = {
        closing.TRANSCRIPT_MISSING, closing.PROMPT_MISSING, closing.AGENT_REFUSED,
        closing.AGENT_OF_ANOTHER_ARM, NO_ANSWER, IN_THE_PRIOR, "unit_in_two_variants",
    }  # fmt: skip
    assert left_out <= {entry.name for entry in all_entries()}


def options():
    """Return every option that a page of help shows."""
    context = click.Context(click.Command(""), help_option_names=["-h", "--help"])
    return {
        name
        for _, verb in commands(group)
        for item in verb.get_params(context)
        if isinstance(item, click.Option) and item.get_help_record(context)
        for name in (*item.opts, *item.secondary_opts)
    }


def variables_in(path):
    """Return the variables that a module or a script names, in words of its code."""
    if path.suffix != ".py":
        return set(re.findall(r"\$\{?([A-Z_]+)", path.read_text("utf-8")))
    texts = (
        node.value
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {text for text in texts if VARIABLE.fullmatch(text)}


def test_every_variable_that_is_read_or_set_is_explained():
    """And none that is not."""
    places = [*(ROOT / "scripts").rglob("*.py"), *(ROOT / "bin").iterdir(), ROOT / "action.yml"]
    named = set().union(*map(variables_in, places))
    named = {name for name in named if VARIABLE.fullmatch(name)}
    explained = {name for part in sentences("variables") for name in part["names"]}
    assert named - OWN - explained == set()
    texts = "".join(path.read_text("utf-8") for path in places)
    assert {name for name in explained if name not in texts} == set()


def test_each_explanation_says_what_it_means_and_codes_what_to_do():
    """In whole sentences."""
    for entry in all_entries():
        assert entry.summary.endswith("."), entry.name
        if entry.sort in ("reason code", "error kind"):
            assert any(part.startswith("Next: ") for part in entry.about), entry.name
        if entry.sort == "verb":
            assert entry.example[0].startswith(("meta-experiment ", 'eval "$(meta-exp')), (
                entry.name
            )


def test_help_explains_what_the_reference_and_the_manual_explain(capsys):
    """Each word by its name, in the same sentences."""
    reference = words_of("".join(t for path, t in FILES.items() if "reference" in path.parts))
    manual = words_of("".join(text for path, text in FILES.items() if "man" in path.parts))
    for entry in all_entries():
        assert main(["help", "--", *entry.name.split()]) == 0
        said = words_of(capsys.readouterr().out)
        for sentence in (entry.summary, *entry.about):
            assert words_of(sentence) in said, entry.name
            assert words_of(sentence) in reference, entry.name
            if not (entry.sort in ("environment variable", "exit code") and entry.about):
                assert words_of(sentence) in manual, entry.name


def words_of(text):
    """Return a text without marks of any form: letters and numbers alone."""
    unmarked = re.sub(r"\\\[u([0-9A-F]{4})\]", lambda it: chr(int(it[1], 16)), text)
    unmarked = re.sub(r"\\f[BR]|\\\(ga|\\&", "", unmarked).replace("\\e", "\\")
    return "".join(sign for sign in unmarked if sign.isalnum())


def test_a_word_with_two_meanings_has_both_explained(capsys):
    """A reason and an error."""
    assert main(["help", "degenerate_data", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)["entries"]
    assert [entry["sort"] for entry in entries] == ["reason code", "error kind"]


def test_help_alone_names_all_that_is_explained(capsys):
    """In one list for each sort."""
    assert main(["help"]) == 0
    listed = capsys.readouterr().out
    for entry in all_entries():
        shown = rf"[\n ]{re.escape(entry.name)}(,|\n|$)"
        if entry.sort != "option":
            shown = rf"\n  {re.escape(entry.name)} +\S"
        assert re.search(shown, listed), entry.name


@pytest.mark.parametrize(
    ("typed", "sorts"),
    [
        (["EXTEND"], ["decision"]),
        (["promote"], ["verb"]),
        (["Promote"], ["decision", "verb"]),
        (["rolled", "back"], ["status"]),
        (["E-Value"], ["word"]),
        (["holdout"], ["word", "verb"]),
        (["3"], ["exit code"]),
        (["--as-of"], ["option"]),
        (["as-of"], ["option"]),
        (["meta_experiment_root"], ["environment variable"]),
        (["active", "seconds"], ["metric"]),
    ],
)
def test_help_finds_a_word_as_somebody_would_type_it(typed, sorts, capsys):
    """In any case, with hyphens or without; what is short goes before a page."""
    assert main(["help", "--json", *typed]) == 0
    entries = json.loads(capsys.readouterr().out)["entries"]
    assert [entry["sort"] for entry in entries] == sorts


def test_a_mistyped_option_is_a_word_of_the_command_line_that_is_none(capsys):
    """As everywhere, with what was meant."""
    assert main(["help", "--asof"]) == 2
    assert "Did you mean '--as-of'?" in capsys.readouterr().err


@pytest.mark.parametrize("typed", [["--html"], ["--no-such-option"]])
def test_a_wrong_option_points_to_the_help_of_its_verb(typed, capsys):
    """Not to that of the whole program."""
    assert main(["report", "x", *typed]) == 2
    assert "Next:  meta-experiment report --help" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["evidence_insuficient"], "evidence_insufficient"),
        (["runs", "shwo"], "runs show"),
        (["guardrails"], "guardrail"),
    ],
)
def test_a_mistyped_word_is_named_as_it_was_meant(typed, meant, capsys):
    """Whatever its sort."""
    assert main(["help", *typed, "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "not_found"
    assert meant in error["hint"]


def test_a_person_at_a_terminal_gets_a_pager_and_a_program_the_text(tmp_path):
    """The pager is the user's own."""
    command = [sys.executable, str(ROOT / "scripts/meta-experiment.py"), "help", "refused"]
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "dumb"}
    surroundings["PAGER"] = "sed s/^/PAGED/"
    piped = subprocess.run(
        command, env=surroundings, capture_output=True, text=True, check=True
    )
    assert "PAGED" not in piped.stdout
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, env=surroundings, stdin=theirs, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        seen = b""
        try:
            while block := os.read(ours, 4096):
                seen += block
        except OSError:  # the terminal has nobody left who writes
            pass
    os.close(ours)
    assert b"PAGEDrefused" in seen


def complaints(program, pages):
    """Return what a program says of pages, without where it says it."""
    flags = {"mandoc": ["-T", "lint"], "groff": ["-k", "-wall", "-man", "-z"]}[program]
    done = subprocess.run(
        [shutil.which(program), *flags, *pages], capture_output=True, text=True, check=False
    )
    lines = (done.stdout + done.stderr).splitlines()
    return {re.sub(r"[^ ]*[:/][0-9.:a-z-]*", "", line) for line in lines}


@pytest.mark.parametrize("program", ["mandoc", "groff"])
def test_a_page_of_the_manual_is_one(program, tmp_path):
    """Nothing is said against it but what is against the shortest of pages without a date."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    pages = sorted(str(path) for path in FILES if path.suffix in (".1", ".7"))
    first = Path(pages[0]).read_text("utf-8").splitlines()
    (head,) = [line for line in first if line.startswith(".TH ")]
    shortest, broken = tmp_path / "shortest.1", tmp_path / "broken.1"
    shortest.write_text(f"{head}\n.SH NAME\na \\- b\n")
    broken.write_text(f"{head}\n.SH NAME\na \\- b\n.QQ\n\\fQc\n")
    fair = complaints(program, [shortest])
    assert complaints(program, [broken]) - fair  # it does look
    assert complaints(program, pages) - fair == set()


def test_no_word_becomes_a_mark():
    """What somebody wrote steers neither a page of the manual nor one of the reference."""
    hostile = ".so /etc/passwd"
    page = (
        (Heading('a "b" \\n', "'br"), Paragraph((hostile, "'br", "x\\fBy", "```", "…"))),
        (Facts(((hostile, "\\*[x]"),)), Commands((hostile, "```", "rm"))),
    )
    for line in write(ROFF, page, Style()).splitlines():
        assert not line.startswith("'")
        assert re.match(r"\.(SH|SS|PP|TP|br|nf|fi)\b", line) or not line.startswith(".")
        assert (
            re.sub(r"\\(e|&|-|\(dq|\(ga|f[BR]|\[u[0-9A-F]{4,6}\])", "", line).count("\\") == 0
        )
    assert "````console\n$ .so /etc/passwd\n$ ```\n$ rm\n````" in write(MARKDOWN, page, Style())
