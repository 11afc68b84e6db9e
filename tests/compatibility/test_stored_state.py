"""State that an earlier program has written is read, acted on and rolled back by this one.

The sample was written by the commit that added it, together with what that program said of it;
`make_sample` tells how, `sample` how it comes back with all of its seals.
"""

import json
import subprocess
import sys

import pytest
from tests.compatibility import sample
from tests.compatibility.make_sample import FILES, REPOSITORY
from tests.compatibility.program import require_same, steady

TREATED = b"Work in parallel.\n"
KEPT = json.loads(sample.SAID.read_text())


@pytest.fixture
def program():
    with sample.place():
        yield sample.restored()
        sample.wait_for_the_background()


def on_disk(path):
    """Return the mode and the bytes of a prompt file."""
    file = sample.ROOT / path
    return file.stat().st_mode & 0o777, file.read_bytes()


def treated(path):
    mode, text = FILES[path]
    return mode, text + TREATED


def id_of(name):
    """Return the id of an experiment; the first part of it is the day it was planned."""
    (found,) = {
        row["id"]
        for row in KEPT["said"]["status --archived"]["json"]["experiments"]
        if row["id"].endswith(f"-{name}")
    }
    return found


def status_of(program, name):
    (row,) = program("status", id_of(name), "--archived", "--json").json["experiments"]
    return row["status"]


def git(*arguments):
    done = subprocess.run(
        ["git", *arguments], cwd=sample.ROOT, check=True, capture_output=True, text=True
    )
    return done.stdout


def run(program, *command, told=""):
    """Run a program of the plugin as the client does."""
    environment = {**program.environment, "META_EXPERIMENT_PYTHON": sys.executable}
    environment["CLAUDE_PROJECT_DIR"] = str(sample.ROOT)
    done = subprocess.run(
        command, cwd=sample.ROOT, env=environment, input=told.encode(), capture_output=True,
        check=True,
    )  # fmt: skip
    return done.stdout


def test_what_is_read_is_what_was_read_then(program):
    """Every field of every verb that looks, but for the versions of what it runs on."""
    said = sample.reading(program)
    then, now = (
        steady(json.dumps(document, indent=1, ensure_ascii=False))
        for document in (KEPT["said"], said)
    )
    require_same(then, now)


def test_the_sample_holds_every_status_and_every_form_of_serving(program):
    """So that nobody takes one out without a word."""
    rows = KEPT["said"]["status --archived"]["json"]["experiments"]
    assert {row["status"] for row in rows} == {
        "draft", "running", "paused", "promoted", "rolled_back", "expired", "archived",
    }  # fmt: skip
    assert len(rows) == len(FILES) - 1  # two of the files are in one experiment
    index = (sample.ROOT / ".claude/meta/active.idx").read_text()
    assert [line.split("\t")[5] for line in index.splitlines()] == [
        "shadow", "inplace", "agents", "shadow",
    ]  # fmt: skip
    assert program("verify", "--json").json["healthy"]


@pytest.mark.long
def test_a_decided_experiment_is_promoted_and_rolled_back(program):
    """The treatment's bytes under the mode of the file, a commit, and the control's again."""
    path = ".claude/commands/review.md"
    assert on_disk(path) == FILES[path]
    done = program("promote", id_of("review"), "--yes", "--json").json
    assert on_disk(path) == treated(path)
    assert git("rev-parse", "HEAD").startswith(done["commit"])
    program("rollback", id_of("review"), "--yes")
    assert on_disk(path) == FILES[path]
    assert git("status", "--short", "--", path) == ""
    assert status_of(program, "review") == "rolled_back"


@pytest.mark.long
def test_several_files_are_promoted_and_rolled_back(program):
    """The winner changes the first file; the loser's stays as it is."""
    changed, other = ".claude/commands/several.md", "CLAUDE.md"
    program("promote", id_of("several"), "--yes")
    assert (on_disk(changed), on_disk(other)) == (treated(changed), FILES[other])
    program("rollback", id_of("several"), "--yes")
    assert (on_disk(changed), on_disk(other)) == (FILES[changed], FILES[other])


@pytest.mark.long
def test_what_was_promoted_then_is_rolled_back_now(program):
    """With its mark of UTF-8, its line ends, no end of the last one, and its mode."""
    path = ".claude/commands/promoted.md"
    assert on_disk(path) == treated(path)
    program("rollback", id_of("promoted"), "--reason", "after all", "--yes")
    assert on_disk(path) == FILES[path]
    assert git("status", "--short", "--", path) == ""


def test_what_was_rolled_back_then_stays_so(program):
    path = ".claude/commands/returned.md"
    assert on_disk(path) == FILES[path]
    refused = program("rollback", id_of("returned"), "--yes", "--json", code=1).json["error"]
    assert refused["kind"] == "invalid_state"
    assert on_disk(path) == FILES[path]


@pytest.mark.long
def test_a_skill_that_is_served_in_its_place_is_paused_resumed_and_stopped(program):
    """The stand-in goes, comes back as it was, and goes for good."""
    path, name = ".claude/skills/notes/SKILL.md", id_of("notes")
    stand_in = on_disk(path)
    assert b"serve-variant" in stand_in[1]
    assert git("status", "--short", "--", path) == ""
    program("pause", name)
    assert on_disk(path) == FILES[path]
    program("resume", name)
    assert on_disk(path) == stand_in
    program("stop", name)
    assert on_disk(path) == FILES[path]


@pytest.mark.long
def test_an_agent_is_stopped(program):
    """Its copies go, the file is what it was."""
    path = ".claude/agents/critic.md"
    program("stop", id_of("critic"), "--reason", "enough")
    assert on_disk(path) == FILES[path]
    assert sorted(file.name for file in (sample.ROOT / ".claude/agents").iterdir()) == [
        "critic.md"
    ]


@pytest.mark.long
def test_a_fixed_plan_goes_on_to_its_decision(program):
    """Units keep their variants; their trials are the last that it waited for."""
    name = id_of("fixed")
    waiting = program("analyze", name, "--json").json
    assert waiting["reason_code"] == "waiting_for_trials"
    (log,) = (sample.ROOT / ".claude/meta/trials" / name).glob("assignments.*.tsv")
    drawn = log.read_text()
    for number in range(4):
        served = program("assign", name, "--unit", f"case-{number}", "--json").json
        program(
            "record", name, "--variant", served["variant"], "--unit", served["unit"],
            "--metric", "duration_seconds=80",
        )  # fmt: skip
    assert log.read_text().startswith(drawn)
    assert program("analyze", name, "--json").json["reason_code"] != "waiting_for_trials"


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "verb", "status"),
    [
        ("draft", "start", "running"),
        ("paused", "resume", "running"),
        ("expired", "archive", "archived"),
        ("proportion", "pause", "paused"),
    ],
)
def test_the_rest_moves_on(program, name, verb, status):
    """A draft, a paused one, an ended one and a running one."""
    program(verb, id_of(name))
    assert status_of(program, name) == status
    assert program("verify", "--json").json["healthy"]


@pytest.mark.long
def test_a_plan_is_amended_and_a_trial_recorded(program):
    name = id_of("proportion")
    program("amend", name, "--set", "max_duration_days=90", "--why", "holidays")
    before = program("trials", name, "--json").json["total"]
    program("record", name, "--variant", "control", "--metric", "success=1")
    assert program("trials", name, "--json").json["total"] == before + 1
    assert program("verify", "--json").json["healthy"]


def test_a_log_that_stands_apart_can_still_be_admitted(program):
    """One colleague's trials count already, those of the other on request."""
    name = id_of("review")
    before = program("admit", name, "--json").json
    (apart,) = before["apart"]
    after = program("admit", name, apart["writer"], "--json").json
    assert after["apart"] == []
    assert set(after["admitted"]) == {*before["admitted"], apart["writer"]}


def test_a_prompt_is_served_and_the_open_session_ends(program):
    """The injected line that stands in the file prints a text, the hook closes what is open."""
    line = (sample.ROOT / ".claude/skills/notes/SKILL.md").read_text()
    words = line.partition("!`serve-variant ")[2].split()[0]
    printed = run(program, REPOSITORY / "bin/serve-variant", words, "33333333-new")
    body = FILES[".claude/skills/notes/SKILL.md"][1].split(b"---\n\n")[1]
    assert printed.split()[:3] == body.split()[:3]
    assert program("trials", id_of("critic"), "--json").json["trials"][-1]["status"] is None
    event = {
        "session_id": "22222222-open",
        "hook_event_name": "SessionEnd",
        "cwd": str(sample.ROOT),
        "transcript_path": str(sample.HOME / ".claude/projects/project/22222222-open.jsonl"),
    }
    run(program, REPOSITORY / "hooks/observe", "end", told=json.dumps(event))
    sample.wait_for_the_background()
    last = program("trials", id_of("critic"), "--json").json["trials"][-1]
    assert (last["status"], last["metrics"]["duration_seconds"]) == ("ok", 23)
