"""The audit counts each run once, says what is lacking, and holds failures side by side."""

import json
import os
import subprocess

import pytest
from tests.support.git import git
from tests.support.workflow_runs import START, moment, write_run

from meta_experiment.cli.main import main

DAY = 86_400.0
TONE = {"variants": ["dry", "warm"], "metric": "effective_tokens", "min_samples": 10}


@pytest.fixture
def call(repository, monkeypatch, capsys):
    """Return the command line in a repository with one workflow."""
    folder = repository / ".github" / "workflows"
    monkeypatch.setattr("meta_experiment.cli.open.clock", lambda: START + 60 * DAY)

    def run(*arguments, code=0):
        got = main([*map(str, arguments), "--json"])
        document = json.loads(capsys.readouterr().out)
        assert got == code, document
        return document

    def declare(name="daily-fact", **experiments):
        text = f"---\nexperiments: {json.dumps(experiments or {'tone': TONE})}\n---\n"
        (folder / f"{name}.md").write_text(text)

    run.root, run.declare = repository, declare
    declare()
    return run


def branch(root, name, *rows):
    """Put a ledger on a branch: rows of run, variant and day."""
    lines = "".join(
        json.dumps(
            {
                "run_id": str(number),
                "timestamp": moment(at * DAY),
                "assignments": {"tone": variant},
            }
        )
        + "\n"
        for number, variant, at in rows
    )

    def made(*words, text=""):
        done = subprocess.run(
            ["git", *words], cwd=root, input=text, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    blob = made("hash-object", "-w", "--stdin", text=lines)
    tree = made("mktree", text=f"100644 blob {blob}\tstate.jsonl\n")
    git(root, "update-ref", name, made("commit-tree", tree, "-m", "state"))


def test_active_experiments_have_counts_since_status_and_what_they_need(call):
    rows = [(number, "dry" if number % 2 else "warm", number) for number in range(1, 14)]
    branch(call.root, "refs/remotes/origin/experiments/dailyfact", *rows)
    (found,) = call("workflows", "audit")["experiments"]
    assert (found["workflow"], found["experiment"]) == ("daily-fact", "tone")
    assert (found["status"], found["since"]) == ("unmeasured", "2026-05-02T00:00:00.000Z")
    needs = {name: (one["drawn"], one["needed"]) for name, one in found["variants"].items()}
    assert needs == {"dry": (7, 10), "warm": (6, 10)}


def test_what_was_imported_and_what_the_branch_lists_is_one_run(call):
    rows = [(number, "dry" if number % 2 else "warm", number / 2) for number in range(1, 11)]
    branch(call.root, "refs/heads/experiments/dailyfact", *rows)
    for number, variant, at in rows[:7]:
        write_run(call.root / "runs", number, {"tone": variant}, at=at * DAY)
    call("import", "runs", "--workflow", "daily-fact")
    (found,) = call("workflows", "audit", "daily-fact")["experiments"]
    assert found["status"] == "collecting"
    assert found["standing"]["reason_code"] == "insufficient_samples"
    assert {
        name: (one["drawn"], one["measured"], one["needed"])
        for name, one in found["variants"].items()
    } == {"dry": (5, 4, 6), "warm": (5, 3, 7)}


def test_runs_of_a_variant_and_failures_side_by_side(call):
    for number in range(1, 13):
        variant = "warm" if number % 2 else "dry"
        outcome = (
            "failure" if number in (3, 5, 7) else "timed_out" if number == 9 else "success"
        )
        write_run(
            call.root / "runs", number, {"tone": variant}, at=number * DAY, outcome=outcome
        )
    write_run(call.root / "runs", 13, {"tone": "warm"}, at=13 * DAY, outcome="cancelled")
    call("import", "runs", "--workflow", "daily-fact")
    options = ("--experiment", "daily-fact/tone", "--variant", "warm", "--limit", 3)
    found = call("workflows", "audit", *options)["selected"]
    assert (found["variant"], found["total"]) == ("warm", 7)
    assert [(run["run_id"], run["status"]) for run in found["runs"]] == [
        ("9", "timeout"), ("11", "ok"), ("13", "interrupted"),
    ]  # fmt: skip
    assert found["failures"]["warm"] == {
        "runs": 7, "ok": 2, "error": 3, "timeout": 1, "interrupted": 1, "unknown": 0,
        "rate": pytest.approx(4 / 6), "failed": ["9", "7", "5", "3"],
    }  # fmt: skip
    assert (found["failures"]["dry"]["ok"], found["failures"]["dry"]["rate"]) == (6, 0.0)


def test_downloads_are_looked_at_and_nothing_is_recorded(call):
    for number in range(1, 5):
        write_run(call.root / "runs", number, {"tone": ["dry", "warm"][number % 2]})
    found = call("workflows", "audit", "--runs", "runs", "--experiment", "tone")
    assert found["experiments"][0]["variants"]["dry"]["drawn"] == 2
    assert [run["status"] for run in found["selected"]["runs"]] == [None] * 4
    assert not (call.root / ".claude").exists()


@pytest.mark.parametrize(
    ("dates", "status"),
    [
        ({"start_date": "2026-08-01"}, "not_started"),
        ({"start_date": "2026-05-01", "end_date": "2026-05-30"}, "over"),
        ({}, "unmeasured"),
    ],
)
def test_dates_say_whether_an_experiment_draws(call, dates, status):
    call.declare(tone=TONE | dates)
    assert call("workflows", "audit")["experiments"][0]["status"] == status


def test_all_that_cannot_be_read_is_told_or_counted(call):
    broken = [(number, 5, 1) for number in range(1, 9)]  # a variant that is no text
    branch(call.root, "refs/heads/experiments/dailyfact", *broken, (9, "dry", 1))
    notes = call("workflows", "audit")["notes"]
    assert [note.startswith("Set aside: experiments/dailyfact") for note in notes] == (
        [True] * 5 + [False]
    )
    assert notes[5] == "Set aside: 3 more that cannot be read."


def test_a_branch_that_holds_no_state_is_not_said_to_be_missing(call):
    tree = git(call.root, "hash-object", "-t", "tree", "-w", os.devnull).strip()
    commit = git(call.root, "commit-tree", "-m", "x", tree).strip()
    git(call.root, "update-ref", "refs/heads/experiments/dailyfact", commit)
    assert call("workflows", "audit")["notes"] == [
        "experiments/dailyfact holds neither of state.jsonl and state.json."
    ]


def test_state_without_a_workflow_and_workflows_of_one_state_are_told(call):
    branch(call.root, "refs/heads/experiments/gone", (1, "dry", 1))
    call.declare("dailyfact")
    found = call("workflows", "audit")
    assert found["orphans"] == ["experiments/gone"]
    assert found["shared"] == [
        "daily-fact and dailyfact keep their state under one name, dailyfact."
    ]


def test_a_broken_branch_is_told_and_the_rest_is_shown(call):
    branch(call.root, "refs/heads/experiments/dailyfact")
    objects = call.root / ".git" / "objects"
    name = git(call.root, "rev-parse", "experiments/dailyfact^{tree}").strip()
    (objects / name[:2] / name[2:]).unlink()
    found = call("workflows", "audit")
    assert len(found["experiments"]) == 1
    assert found["notes"][0].startswith(
        "experiments/dailyfact was not read: git ls-tree failed"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (("--variant", "warm"), 2, "usage"),
        (("--experiment", "daily-fact/tone", "--variant", "hot"), 1, "not_found"),
        (("--experiment", "daily-fact/tune"), 1, "not_found"),
        (("--experiment", "nowhere/tone"), 1, "not_found"),
        (("daily-fact", "--experiment", "other/tone"), 2, "usage"),
        (("--runs", "nowhere"), 1, "not_found"),
    ],
)
def test_what_is_not_there_is_refused(call, arguments, code, kind):
    assert call("workflows", "audit", *arguments, code=code)["error"]["kind"] == kind


def test_a_project_without_workflows_says_so(call):
    (call.root / ".github" / "workflows" / "daily-fact.md").unlink()
    assert call("workflows", "audit")["experiments"] == []
