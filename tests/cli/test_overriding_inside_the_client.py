"""Inside the client evidence is overridden by a person's word, which no model can give."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from tests.cli.conftest import CONTROL, TREATMENT
from tests.client.harness import REPOSITORY

from meta_experiment.live import hooks
from meta_experiment.protocol import typed
from meta_experiment.protocol.places import data_folder

SESSION = "3f0a-session"
REASON = "it's the wording our lawyers want"
TYPED = f'promote review --override "{REASON}"'
OF_ANOTHER = f"promote other --override 'the review says: {REASON}'"


@pytest.fixture
def inside(project, monkeypatch):
    """A running experiment, seen from a command that the client's model runs."""
    made = project.create()
    monkeypatch.setenv("CLAUDECODE", "1")
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", SESSION)
    return project, made


def say(words, command="meta-experiment:meta_experiment", session=SESSION, now=None):
    """The client tells the hook what the user typed."""
    document = {
        "hook_event_name": "UserPromptExpansion",
        "session_id": session,
        "command_name": command,
        "command_args": words,
    }
    hooks._expansion(hooks.HookEvent(document, time.time() if now is None else now))


def kept():
    """Where the hook keeps what was typed."""
    return Path(typed._file(data_folder(os.environ), SESSION))


def promote(project, made, code, reason=REASON):
    return project("promote", made, "--override", reason, "--yes", "--json", code=code)


@pytest.mark.parametrize("sign", ["CLAUDECODE", "CLAUDE_CODE_SESSION_ID"])
def test_a_model_cannot_override_the_evidence(project, monkeypatch, sign):
    """Whoever talked it into it: nothing changes, and the refusal says what a person may do."""
    made = project.create()
    monkeypatch.setenv(sign, "1")
    refused = promote(project, made, 1).error
    assert refused["kind"] == "refused"
    assert f"/meta_experiment promote {made} --override 'it’s the wording" in refused["hint"]
    assert "in a terminal of their own" in refused["hint"]
    assert project.path().read_bytes() == CONTROL
    assert project("status", made, "--json").json["experiments"][0]["status"] == "running"


@pytest.mark.usefixtures("inside")
def test_of_two_commands_at_once_one_takes_the_word(monkeypatch):
    """The other has none, and no fault."""
    say(TYPED)
    unlink, words = os.unlink, []

    def beside(path):
        monkeypatch.setattr(os, "unlink", unlink)
        words.append(typed.take_typed(SESSION, time.time()))
        unlink(path)

    monkeypatch.setattr(os, "unlink", beside)
    words.append(typed.take_typed(SESSION, time.time()))
    assert words == [TYPED, ""]


def test_what_the_user_typed_is_their_word_once(inside):
    """With the reason that they gave, however the model quotes it."""
    project, made = inside
    say(TYPED)
    assert promote(project, made, 0).json["override"] == REASON
    assert project.path().read_bytes() == TREATMENT
    project("rollback", made, "--yes")
    again = project.create("--seed", "2")
    promote(project, again, 1)


@pytest.mark.parametrize(
    ("words", "command", "session", "age"),
    [
        ("promote review", "meta_experiment", SESSION, 0),
        (OF_ANOTHER, "meta_experiment", SESSION, 0),
        ("promote review --override 'another reason'", "meta_experiment", SESSION, 0),
        (f"promote review --override 'not that {REASON}'", "meta_experiment", SESSION, 0),
        (f"promote review --override '{REASON} of old'", "meta_experiment", SESSION, 0),
        (TYPED, "lookalike_meta_experiment", SESSION, 0),
        (TYPED, "meta_experiment", "another-session", 0),
        (TYPED, "meta_experiment", "../" + SESSION, 0),
        (TYPED, "meta_experiment", SESSION, 3_700),
    ],
)  # fmt: skip
def test_other_words_are_no_leave(inside, words, command, session, age):
    """Of another experiment, reason, command, session or hour."""
    project, made = inside
    say(words, command, session, time.time() - age)
    promote(project, made, 1)
    assert project.path().read_bytes() == CONTROL


@pytest.mark.parametrize(
    "words",
    [
        f"promote review --override {REASON}",
        f"review --override='{REASON}'",
        f"promote --variant treatment /review --override '{REASON}' --yes",
        f'please promote review --override "{REASON}" and then tell me',
    ],
)
def test_a_person_may_type_it_in_their_own_way(inside, words):
    """With or without quotes, with what comes before and behind."""
    project, made = inside
    say(words)
    promote(project, made, 0)


def test_a_word_of_the_sentence_names_no_other_experiment(inside):
    """`promote` is the verb, and what is named behind the experiment is no second one."""
    project, _ = inside
    for name in ("promote", "ship"):
        project.path(f".claude/commands/{name}.md").write_bytes(CONTROL)
        flags = ("--primary-metric", "duration_seconds", "--start", "--manual", "--json")
        file = f".claude/commands/{name}.md=v2.md"
        other = project("create", "--file", file, *flags).json["experiment_id"]
        say(f"promote review and not ship --override '{REASON}'")
        promote(project, other, 1)
        assert project.path(f".claude/commands/{name}.md").read_bytes() == CONTROL


def test_a_word_that_this_machine_did_not_write_is_none(inside):
    """A file in its place, or the word of another machine, bears no seal of this one."""
    project, made = inside
    say(TYPED)
    path = kept()
    path.write_bytes(path.read_bytes().replace(b"lawyers", b"LAWYERS"))
    promote(project, made, 1)
    assert not path.exists()


def test_outside_the_client_nothing_changes(project):
    """Scripts give the reason as they did."""
    made = project.create()
    assert promote(project, made, 0).json["override"] == REASON


def test_looking_needs_no_word(inside):
    """A dry run changes nothing, whoever asks for it."""
    project, made = inside
    shown = project("promote", made, "--override", "x", "--dry-run", "--json").json
    assert "in parallel" in shown["diff"]


def test_the_hook_passes_on_what_was_typed_on_a_machine_that_serves_nothing(inside):
    """The shell in front of it asks Python for nothing else."""
    project, made = inside
    told = {
        "hook_event_name": "UserPromptExpansion",
        "session_id": SESSION,
        "command_name": "meta-experiment:meta_experiment",
        "command_args": TYPED,
    }
    assert not kept().with_name("roots.tsv").exists()
    for words in ("promote review", TYPED):
        done = subprocess.run(
            [str(REPOSITORY / "hooks/observe"), "prompt"],
            input=json.dumps(told | {"command_args": words}, separators=(",", ":")),
            text=True,
            capture_output=True,
            check=True,
        )
        assert (done.stdout, done.stderr) == ("", "")
        assert kept().exists() is (words == TYPED)
    promote(project, made, 0)
