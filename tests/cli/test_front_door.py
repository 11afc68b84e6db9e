"""Small things that people try first."""

from pathlib import Path

import pytest

from meta_experiment.cli.main import main
from meta_experiment.services.naming import pick

SHIP = ".claude/commands/team/ship.md"


def create(project, path, *more):
    file = project.path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("Ship it.\n")
    project.path("new.md").write_text("Ship it now.\n")
    return project(
        "create", "--file", f"{path}=new.md", "--unit", "invocation", "--start", "--manual",
        *more, "--json",
    ).json["experiment_id"]  # fmt: skip


def test_a_rehearsal_before_a_decision_shows_the_change_and_why_not(project):
    """Nothing is done, and nothing is a failure: the answer is there to be read."""
    made = project.create()
    shown = project("promote", made, "--dry-run")
    assert "+Review the branch in parallel." in shown.out
    assert "treatment would not be promoted now: The evidence does not say PROMOTE" in shown.out
    document = project("promote", made, "--dry-run", "--json").json
    assert "in parallel" in document["diff"]
    assert document["dry_run"]
    assert "does not say PROMOTE" in document["refused"]
    assert document["override"] is None
    assert document["status"] == "running"
    assert "analyze" in document["hint"]
    assert project("promote", made, "--yes", code=1).err.startswith("Error: The evidence")
    project.observe(made, 30)
    assert project("promote", made, "--dry-run", "--json").json["refused"] is None


def test_a_rehearsal_shows_the_treatment_that_is_asked_for_or_leads(project):
    """Of several, without a decision."""
    project.path("v3.md").write_bytes(b"---\r\ndescription: Review\r\n---\r\nThird.\r\n")
    made = project.create("--file", "third:.claude/commands/review.md=v3.md")
    assert "Third." in project("promote", made, "--dry-run", "--variant", "third").out
    assert "in parallel" in project("promote", made, "--dry-run").out
    for number in range(3):
        for variant, value in (("control", 9), ("treatment", 8), ("third", 5)):
            project(
                "record", made, "--variant", variant,
                "--metric", f"duration_seconds={value + number / 10}",
            )  # fmt: skip
    assert "Third." in project("promote", made, "--dry-run").out
    missing = project("promote", made, "--dry-run", "--variant", "none", "--json", code=1)
    assert missing.error["kind"] == "not_found"


@pytest.mark.parametrize(
    "verb", ["panic", "recover", "pause", "resume", "stop", "status", "check", "repair"]
)
def test_a_script_may_say_yes_to_every_verb(project, verb):
    """Nobody is asked where nobody would be."""
    made = project.create()
    if verb == "resume":
        project("pause", made)
    project(verb, *([made] if verb in ("pause", "resume", "stop") else []), "--yes")


@pytest.mark.parametrize(
    "asked", ["ship", "/ship", "/team:ship", "team:ship", "team-ship", SHIP, f"./{SHIP}"]
)
def test_an_experiment_is_found_by_the_name_of_its_prompt(project, asked):
    """As one calls it, whole or by its last part, by every verb that takes an id."""
    made = create(project, SHIP)
    project.create("--name", "shipping list")
    for verb in ("trials", "analyze", "explain", "status"):
        found = project(verb, asked, "--json").json
        found = found["experiments"][0]["id"] if verb == "status" else found["experiment_id"]
        assert found == made


def test_the_whole_name_of_a_prompt_goes_before_a_last_part(project):
    """`/ship` is its own before `/team:ship`; of several that fit, all are named."""
    team = create(project, SHIP)
    files = {team: [SHIP], "exp-1": [".claude/commands/ship.md"]}
    assert pick(files, "/ship", (), files) == "exp-1"
    assert pick(files, "team:ship", (), files) == team
    other = create(project, ".claude/commands/ops/ship.md")
    refused = project("trials", "ship", "--json", code=1).error
    assert team in refused["message"]
    assert other in refused["message"]


def test_open_trials_come_last_and_are_counted(project):
    """The list is one of what happened, in its order; what is open is still to come."""
    made = project.create()
    waiting = project("assign", made, "--json").json["trial_id"]
    project.observe(made, 2)
    listed = project("trials", made, "--json").json["trials"]
    assert [item["trial_id"] for item in listed][-1] == waiting
    closed = [item["closed_at"] for item in listed[:-1]]
    assert closed == sorted(closed)
    text = project("trials", made).out
    assert "5 of 5 trials, 1 of them open" in text
    assert text.splitlines()[-2].split()[-1] == "open"


def test_a_rating_finds_its_experiment_by_the_name_of_its_prompt(project):
    """As every other verb does."""
    made = create(project, SHIP)
    trial = project("assign", made, "--json").json["trial_id"]
    project("record", made, "--variant", "control", "--trial-id", "k", "--metric", "cost_usd=1")
    done = project("rate", "4", "--trial-id", "k", "--experiment", "/team:ship", "--json").json
    assert done["experiment_id"] == made
    assert done["trial_id"] == "k" != trial


def test_how_to_find_an_experiment_on_a_personal_prompt_is_said_at_once(tmp_path, capsys):
    """The verbs of a project do not look there."""
    file = Path.home() / ".claude" / "commands" / "mine.md"
    file.parent.mkdir(parents=True)
    file.write_text("Do it.\n")
    newer = tmp_path / "new.md"
    newer.write_text("Do it now.\n")
    flags = ["--user", "--primary-metric", "cost_usd", "--start", "--manual"]
    assert main(["create", "--file", f"{file}={newer}", *flags]) == 0
    assert "every verb finds it by: --user" in capsys.readouterr().err


def test_what_was_mistyped_is_named_as_it_was_meant(project):
    """Options, words, metrics and ids; verbs: `test_contract`."""
    made = project.create("--name", "review")
    project.path(SHIP).parent.mkdir(parents=True)
    project.path(SHIP).write_text("Ship it.\n")
    for typed, meant in {
        ("promote", "x", "--overide", "y"): "--override",
        ("create", "--assignment", "bandits"): "bandit",
        ("create", "--file", f"{SHIP}=v2.md", "--primary-metric", "cost_us"): "cost_usd",
        ("status", made.replace("review", "reveiw")): made,
    }.items():
        error = project(*typed, "--json", code=1 if typed[0] == "status" else 2).error
        assert meant in f"{error['message']} {error['hint']}"
