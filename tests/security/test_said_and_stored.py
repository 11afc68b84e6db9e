"""What is printed cannot steer a terminal; what is stored holds no token and is private."""

import json
import os
import shutil
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.conftest import COMMAND
from tests.everyday import some

from meta_experiment.model.secrets import REMOVED, redacted
from meta_experiment.protocol import places
from meta_experiment.protocol.disk import open_private
from meta_experiment.protocol.sessions import PromptRef, Session
from meta_experiment.render.words import harmless, harmless_json

EVIL = "a\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\u200b\r\x08\x7f\x00z"


def steers(text):
    return [c for c in text if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\t"]


def spoiled(project, made):
    """Put the evil text wherever a registry holds a text."""
    path = project.root / ".claude/meta/experiments.json"
    document = json.loads(path.read_bytes())
    entry = document["experiments"][0]
    entry["name"] = entry["plan"]["name"] = entry["plan"]["hypothesis"] = EVIL
    entry["plan"]["metrics"]["primary"]["unit"] = EVIL
    entry["plan"]["tags"] = [EVIL]
    for outcome in entry["outcomes"]:
        outcome["reason"] = outcome["override"] = EVIL
    path.write_text(json.dumps(document))
    return made


@pytest.mark.parametrize("coloured", some(["", "1"], 1))
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_verb_prints_what_steers_a_terminal(project, monkeypatch, coloured, form):
    """Names, reasons, units and file names of strangers are shown as harmless signs."""
    monkeypatch.setenv("FORCE_COLOR", coloured)
    made = project.create("--no-auto", start=False)
    project("start", made, "--manual")
    project.observe(made, 12)
    project("promote", made, "--override", "x", "--yes")
    spoiled(project, made)
    evil = project.root / f"evil{EVIL[:8]}.md"
    evil.write_bytes(b"x")
    for call in (
        ("status",),
        ("status", made),
        ("analyze", made),
        ("trials", made),
        ("explain", made),
        ("check",),
        ("verify",),
        ("rollback", made, "--dry-run"),
        ("status", EVIL[:-2]),
        ("create", "--file", f"{evil.name}=v2.md"),
        ("analyze", "no\x1b[2Jne"),
    ):
        code = None
        said = answer(project, *call, *form)
        text = said.out + said.err
        if coloured and not form:
            for paint in ("0", "1", "2", "31", "32", "33"):
                text = text.replace(f"\x1b[{paint}m", "")
        assert steers(text) == [], (call, code)
        if form:
            json.loads(said.out)


def answer(project, *call):
    """Call a verb whatever its exit code."""
    for code in (0, 1, 2):
        try:
            return project(*call, code=code)
        except AssertionError as error:
            if not str(error).startswith("exit "):
                raise
    raise AssertionError(call)


@given(st.text(), st.booleans())
def test_the_last_door_lets_nothing_through(text, colour):
    """Any text is harmless behind it, and JSON still means the same."""
    shown = harmless(text, colour=colour)
    for paint in ("0", "1", "2", "31", "32", "33") if colour else ():
        shown = shown.replace(f"\x1b[{paint}m", "")
    assert not [c for c in steers(shown) if c in "\x1b\x9b\u202e\x07\x08\r\x7f"]
    document = json.dumps([text], ensure_ascii=False)
    assert json.loads(harmless_json(document)) == [text]
    harmless_json(document).encode()


TOKENS = [
    "sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_11ABCDEFG0123456789_abcdefghijk",
    "AKIAIOSFODNN7EXAMPLE",
    "xoxb-123456789012-abcdefghijkl",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.SflKxwRJSMeKKF2QT4fwpM",
    "glpat-abcdefghij0123456789",
]
WITH_KEY = [
    "api_key=q1w2e3r4t5y6",
    "DB_PASSWORD: hunter2hunter2",
    "Authorization: Bearer abcdef0123456789abcd",
    "https://user:pa55word1@example.com/x",
    'secret = "a1b2c3d4e5f6"',
    "SESSION=kJ8vQ2nX7pL4mZ9tR3wB6yC1",
    "clientSecret=8Q~abcDEF123ghiJKL456mno",
    "accessToken: 1f0c9a7bd2e84a66",
    "AccountName=store;AccountKey=Zm9vYmFyMTIzNDU2Nzg5MA==;x",
    '"dbPassword": "hunter2hunter2"',
    "{'api_key': 'q1w2e3r4t5y6'}",
    "DBPassword=hunter2hunter2",
    "the SASToken=sv2024sig0123",
]
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nx\n-----END RSA PRIVATE KEY-----"
PLAIN = [
    "output_tokens=1234567890",
    "the key: simplicity",
    "duration_seconds:lower",
    "model=claude-opus-4-1",
    "commit 0123456789abcdef0123456789abcdef01234567",
    "SHA256=" + "0a" * 32,
    "tokens: 30% fewer",
    "see https://example.com/a?b=c",
    "risk-averse-reviewers-and-more-words",
    "author: someone",
    "Parallel agents save 15min per PR",
    "exp-2026-01-31-review",
    "secret: none",
    "the token count = 12",
    "tokenCount=1234567890",
    "maxTokens: 4096tokens",
    "authorName=someone42x",
    "the monkey=banana2023",
    "keyPoints: section4b",
    "clientSecret: forgotten",
]


@pytest.mark.parametrize("text", [*TOKENS, *WITH_KEY, PEM])
def test_what_looks_like_a_credential_is_replaced(text):
    """Alone, in a sentence, and only once."""
    for said in (text, f"because {text} works", f"({text})", f"{text}\n{text}"):
        clean = redacted(said)
        assert REMOVED in clean
        assert text not in clean
        assert redacted(clean) == clean


@pytest.mark.parametrize("text", PLAIN)
def test_ordinary_words_stay(text):
    """Metrics, hashes, ids and sentences are not taken for secrets."""
    assert redacted(text) == text


@given(st.text())
def test_redacting_twice_is_redacting_once(text):
    """The replacement is no secret."""
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "eyJ" * 70_000,
        "-----BEGIN PRIVATE KEY-----" * 9000,
        "sk-" * 70_000,
        "A=" * 100_000,
        "://a:" * 40_000,
        "a.-_" * 50_000,
    ],
)
def test_redacting_takes_time_in_proportion_to_the_text(text):
    """No pattern goes back over what it has read: 200 kB are done at once."""
    import time

    begun = time.process_time()
    redacted(text)
    assert time.process_time() - begun < 1.0


def test_no_token_reaches_anything_stored_or_committed(project):
    """Reasons, hypotheses, notes, fingerprints and commit messages hold none."""
    token = TOKENS[0]
    made = project(
        "create",
        "--file",
        f"{COMMAND}=v2.md",
        "--primary-metric",
        "duration_seconds",
        "--json",
        "--unit",
        "invocation",
        "--hypothesis",
        f"faster with {token}",
        "--name",
        f"n {token}",
    ).json["experiment_id"]
    project("amend", made, "--set", f"hypothesis=token={token}", "--why", f"why {token}")
    project("start", made, "--manual")
    line = {
        "experiment": made,
        "variant": "control",
        "metrics": {"duration_seconds": 1},
        "fingerprint": {"model": token},
    }
    project.stdin("record", "--stdin", lines=[line])
    project("promote", made, "--override", f"{token}\nExperiment: forged", "--yes")
    project("rollback", made, "--reason", f"key {token}", "--yes")
    for path in project.root.rglob("*"):
        if path.is_file() and ".git/objects" not in path.as_posix():
            data = path.read_bytes()
            assert token.encode() not in data, path
            assert token[:14].lower().encode() not in data.lower(), path
    log = project.git("log", "--format=%B")
    assert token not in log
    assert REMOVED in log
    assert log.count("\nExperiment: ") == 2


def test_what_is_stored_is_private(project):
    """Whatever the umask, nobody else reads trials, backups or the registry."""
    before = os.umask(0)
    try:
        made = project.create("--no-auto", start=False)
        project("start", made, "--manual")
        project.observe(made, 2)
        project("status")
        project("promote", made, "--override", "x", "--yes")
    finally:
        os.umask(before)
    shared = {".gitignore", ".gitattributes"}
    for path in (project.root / ".claude/meta").rglob("*"):
        if "variants" in path.parts and path.is_file():
            continue  # these keep the mode of the prompt file, below a private folder
        if path.name not in shared:
            assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_every_folder_of_the_state_is_private_and_the_clients_is_not(project, umask):
    """Also those that a lock or a prompt on its way makes first; `.claude` stays as usual."""
    (project.root / "prompt.md").write_bytes(b"one")
    shutil.rmtree(project.root / ".claude")
    flags = ("--file", "prompt.md=v2.md", "--primary-metric", "duration_seconds")
    before = os.umask(umask)
    try:
        made = project("create", *flags, "--start", "--json").json["experiment_id"]
        Session(str(project.root), "s1").write_turn(PromptRef("p1", "t"))
        os.close(open_private(places.trials(str(project.root), "other") + "/x", os.O_CREAT))
        project("assign", made, "--unit", "u")
    finally:
        os.umask(before)
    assert (project.root / ".claude").stat().st_mode & 0o777 == 0o755
    state = project.root / ".claude/meta"
    for path in (state, *state.rglob("*")):
        if path.is_dir():
            assert path.stat().st_mode & 0o777 == 0o700, path
