"""Runs of workflows become trials, which this pack's own rules decide."""

import json
import os
import random
import shutil
import subprocess
from itertools import pairwise

import pytest
from tests.support.git import git
from tests.support.workflow_runs import START, moment, write_run

from meta_experiment.cli.main import main
from meta_experiment.decide import analyze
from meta_experiment.files.roots import Layout
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.trial import EARLIER

DAY = 86_400.0


def head(**experiments):
    """Write the head of a workflow as JSON, which is YAML."""
    return f"---\non: daily\nexperiments: {json.dumps(experiments)}\n---\n\n# Report\n"


TONE = {"variants": ["dry", "warm"], "metric": "effective_tokens", "min_samples": 10}


@pytest.fixture
def call(repository, monkeypatch, capsys):
    """Return the command line in a repository with a workflow, months after its runs."""
    now = [START + 200 * DAY]
    monkeypatch.setattr("meta_experiment.cli.open.clock", lambda: now[0])

    def run(*arguments, code=0):
        got = main([*map(str, arguments), "--json"])
        document = json.loads(capsys.readouterr().out)
        assert got == code, document
        return document

    def declare(name="daily-fact", **experiments):
        path = repository / ".github" / "workflows" / f"{name}.md"
        path.write_text(head(**(experiments or {"tone": TONE})))
        return path

    run.root, run.declare, run.now = repository, declare, now
    declare()
    return run


def line(number, variant, at):
    """Write the line of a run in a ledger."""
    own = {"run_id": str(number), "timestamp": moment(at), "assignments": {"tone": variant}}
    return json.dumps(own).encode() + b"\n"


def spread(rng, mean):
    return round(mean * rng.lognormvariate(0.0, 0.2))


def make_runs(call, variants, count, tokens, *, seed=1, first=1, name="tone", **more):
    """Write runs of variants in turns, two a day, with tokens around the mean of each."""
    rng = random.Random(seed)  # noqa: S311
    for number in range(first, first + count):
        variant = variants[number % len(variants)]
        own = {key: value[variant] for key, value in more.items()}
        write_run(
            call.root / "runs",
            number,
            {name: variant},
            at=number * DAY / 2,
            tokens=spread(rng, tokens.get(variant, 10_000)),
            **own,
        )


def imported(call, *more, name="daily-fact", code=0):
    return call("import", "runs", "--workflow", name, *more, code=code)


def only(done):
    (found,) = done["experiments"]
    return found


@pytest.mark.parametrize("arms", [2, 3, 4])
def test_native_metrics_of_several_arms_come_to_a_decision(call, arms):
    """gh-aw would say EXTEND of two arms, and INCONCLUSIVE of more, for ever."""
    variants = ["dry", "warm", "bright", "loud"][:arms]
    call.declare(tone=TONE | {"variants": variants})
    make_runs(call, variants, arms * 60, {"warm": 6_000})
    done = only(imported(call))
    assert done["primary_metric"] == "total_tokens"
    assert done["standing"]["decision"] == "PROMOTE"
    analysis = call("analyze", done["experiment_id"])
    assert (analysis["winner"], analysis["reason_code"]) == ("warm", "treatment_better")
    assert {name: one["completed"] for name, one in analysis["samples"].items()} == (
        dict.fromkeys(variants, 60)
    )
    assert call("status", done["experiment_id"])["experiments"][0]["winner"] == "warm"


def test_equal_arms_are_decided_by_the_rule_whose_error_is_known(call):
    """The imported trials and the plan give what `decide` gives of them, and no promotion."""
    make_runs(call, ["dry", "warm"], 120, {})
    done = only(imported(call))
    name = done["experiment_id"]
    workspace = Workspace.open(Layout(call.root), lambda: call.now[0])
    experiment = workspace.store.experiment(name)
    trials = tuple(workspace.store.trials(experiment).trials)
    direct = analyze(
        experiment.plan,
        trials,
        experiment_id=name,
        as_of=call.now[0],
        started=experiment.started,
    )
    told = call("analyze", name)
    assert (told["decision"], told["reason"]) == (direct.decision.value, direct.reason)
    assert told["decision"] == "EXTEND"
    (evidence,) = told["primary"]["comparisons"]
    assert evidence["sequential"]["e_promote"] == (
        direct.primary.comparisons[0].sequential.e_promote
    )
    orders = [trial.assigned_at for trial in trials]
    assert all(one < other for one, other in pairwise(orders))
    assert (experiment.plan.alpha, experiment.plan.stopping.value) == (0.05, "sequential")


def test_the_same_runs_again_add_nothing_and_more_of_them_only_those(call):
    make_runs(call, ["dry", "warm"], 20, {})
    first = only(imported(call))
    assert (first["added"], first["created"]) == (20, True)
    again = only(imported(call))
    assert (again["added"], again["already_recorded"], again["created"]) == (0, 20, False)
    make_runs(call, ["dry", "warm"], 10, {}, first=21)
    more = only(imported(call))
    assert (more["added"], more["already_recorded"]) == (10, 20)
    assert more["experiment_id"] == first["experiment_id"]
    assert more["variants"]["dry"] == {
        "drawn": 15, "cut_off": 0, "gated": 0, "measured": 15, "needed": 0,
    }  # fmt: skip


def test_what_was_recorded_stays_when_its_artifacts_expire(call):
    make_runs(call, ["dry", "warm"], 20, {})
    imported(call)
    shutil.rmtree(call.root / "runs")
    make_runs(call, ["dry", "warm"], 2, {}, first=21)
    done = only(imported(call))
    assert (done["added"], done["variants"]["dry"]["measured"]) == (2, 11)


def test_a_dry_run_writes_nothing(call):
    make_runs(call, ["dry", "warm"], 4, {})
    done = imported(call, "--dry-run")
    assert (done["dry_run"], only(done)["added"], only(done)["experiment_id"]) == (
        True,
        4,
        None,
    )
    assert not (call.root / ".claude").exists()


def test_a_failed_run_is_an_outcome_and_a_cancelled_one_is_missing(call):
    make_runs(call, ["dry", "warm"], 6, {})
    write_run(call.root / "runs", 7, {"tone": "dry"}, outcome="failure")
    write_run(call.root / "runs", 8, {"tone": "dry"}, outcome="cancelled", tokens=None)
    done = only(imported(call))
    recorded = call("trials", done["experiment_id"], "--limit", 100)["trials"]
    status = {
        item["unit"]: (item["status"], item["metrics"].get("success")) for item in recorded
    }
    assert (status["7"], status["8"], status["1"]) == (
        ("error", 0.0), ("interrupted", None), ("ok", 1.0),
    )  # fmt: skip


def test_a_run_that_died_before_its_end_is_lost_and_told_by_arm(call):
    make_runs(call, ["dry", "warm"], 6, {})
    for number in (7, 8):
        place = call.root / "runs" / str(number) / "dailyfact-experiment"
        place.mkdir(parents=True)
        (place / "assignments.json").write_text(json.dumps({"tone": "warm"}))
        (place / "state.jsonl").write_bytes(line(number, "warm", number * DAY / 2))
    done = only(imported(call))
    assert done["added"] == 8
    analysis = call("analyze", done["experiment_id"])
    assert analysis["checks"]["attrition"]["lost"] == {"dry": 0, "warm": 2}
    write_run(call.root / "runs", 7, {"tone": "warm"}, at=7 * DAY / 2)
    assert only(imported(call))["completed"] == 1
    lost = call("analyze", done["experiment_id"])["checks"]["attrition"]["lost"]
    assert lost == {"dry": 0, "warm": 1}


def test_a_later_attempt_takes_the_place_of_an_earlier_one(call):
    """Of the fourth run the first attempt is known, of the sixth it was recorded alone."""
    make_runs(call, ["dry", "warm"], 6, {})
    imported(call)
    runs, before = call.root / "runs", line(4, "dry", 2 * DAY)
    write_run(runs, 3, {"tone": "warm"}, at=900_000, attempt=2, tokens=777)
    write_run(runs, 4, {"tone": "warm"}, at=900_001, attempt=2, tokens=888, ledger=before)
    write_run(runs, 6, {"tone": "warm"}, at=900_002, attempt=2, tokens=999)
    done = only(imported(call))
    assert done["excluded"] == {"had another variant in another attempt": 2}
    assert done["added"] == 1
    assert [one for one in done["notes"] if one.endswith("set aside: 6.")]
    recorded = call("trials", done["experiment_id"], "--limit", 100)["trials"]
    first, second = (item for item in recorded if item["unit"] == "3")
    assert first["excluded"] == "superseded by a later attempt"
    assert (second["metrics"]["total_tokens"], second["excluded"]) == (777.0, None)
    samples = call("analyze", done["experiment_id"])["samples"]
    assert {name: one["completed"] for name, one in samples.items()} == {"dry": 1, "warm": 3}
    again = only(imported(call))
    assert (again["added"], again["completed"]) == (0, 0)


def test_runs_outside_the_dates_do_not_count_by_the_dates_of_their_time(call):
    """First it starts on the 3rd; later its workflow says that it started on the 1st."""
    path = call.declare(tone=TONE | {"start_date": "2026-05-03"})
    commit(call.root, START)
    path.write_text(head(tone=TONE | {"start_date": "2026-05-01"}))
    commit(call.root, START + 5 * DAY)
    make_runs(call, ["dry", "warm"], 16, {})
    done = only(imported(call))
    assert done["excluded"] == {"outside the experiment's dates": 3}
    gated = {name: one["gated"] for name, one in done["variants"].items()}
    assert gated == {"dry": 1, "warm": 2}


def commit(root, at):
    git(root, "add", "-A")
    environment = ["-c", "user.name=T", "-c", "user.email=t@example.com"]
    stamp = f"{int(at)} +0000"
    subprocess.run(
        ["git", *environment, "commit", "-qm", "x", "--date", stamp],
        cwd=root,
        check=True,
        env=os.environ | {"GIT_COMMITTER_DATE": stamp},
    )


def test_the_branch_of_a_workflow_adds_what_artifacts_no_longer_tell(call):
    make_runs(call, ["dry", "warm"], 4, {})
    lines = "".join(
        json.dumps(
            {
                "run_id": str(number),
                "timestamp": f"2026-04-{number:02}T00:00:00.000Z",
                "assignments": {"tone": "dry"},
            }
        )
        + "\n"
        for number in range(10, 13)
    )
    blob = _made(call.root, "hash-object", "-w", "--stdin", text=lines)
    tree = _made(call.root, "mktree", text=f"100644 blob {blob}\tstate.jsonl\n")
    made = _made(call.root, "commit-tree", tree, "-m", "state")
    git(call.root, "update-ref", "refs/remotes/origin/experiments/dailyfact", made)
    done = only(imported(call))
    assert done["variants"]["dry"]["drawn"] == 5
    assert done["excluded"] == {"without artifacts here: expired, or not downloaded": 3}


def test_a_branch_that_cannot_be_read_is_told_and_the_runs_count(call):
    make_runs(call, ["dry", "warm"], 4, {})
    blob = _made(call.root, "hash-object", "-w", "--stdin", text="<html>")
    tree = _made(call.root, "mktree", text=f"100644 blob {blob}\tstate.jsonl\n")
    made = _made(call.root, "commit-tree", tree, "-m", "state")
    git(call.root, "update-ref", "refs/heads/experiments/dailyfact", made)
    done = imported(call)
    assert only(done)["added"] == 4
    assert done["notes"][0].startswith(
        "experiments/dailyfact was not read: experiments/dailyfact:"
    )


@pytest.mark.long
def test_answers_on_their_branch_complete_the_runs_that_have_none(call):
    path = call.declare(tone=TONE | {"metric": "eval:focused"})
    text = path.read_text().replace("---\non", "---\nevals: [{id: focused}]\non")
    path.write_text(text)
    make_runs(call, ["dry", "warm"], 4, {})
    write_run(call.root / "runs", 5, {"tone": "dry"}, answers={"focused": "NO"})
    rows = [(1, "YES"), (2, "NO"), (3, "UNKNOWN"), (5, "YES")]
    lines = "{torn\n" + "".join(
        json.dumps({"id": "focused", "answer": said, "runid": str(number)}) + "\n"
        for number, said in rows
    )
    blob = _made(call.root, "hash-object", "-w", "--stdin", text=lines)
    tree = _made(call.root, "mktree", text=f"100644 blob {blob}\tevals.jsonl\n")
    made = _made(call.root, "commit-tree", tree, "-m", "evals")
    git(call.root, "update-ref", "refs/remotes/origin/evals/dailyfact", made)
    done = only(imported(call))
    recorded = call("trials", done["experiment_id"], "--limit", 9)["trials"]
    answered = {item["unit"]: item["metrics"].get("eval.focused") for item in recorded}
    assert answered == {"1": 1.0, "2": 0.0, "3": None, "4": None, "5": 0.0}


def _made(root, *words, text=""):
    done = subprocess.run(
        ["git", *words], cwd=root, input=text, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_runs_that_may_be_of_a_workflow_of_the_same_state_are_refused(call):
    call.declare("dailyfact")
    make_runs(call, ["dry", "warm"], 4, {})
    error = imported(call, code=1)["error"]
    assert "daily-fact and dailyfact keep their state under one name" in error["message"]
    for number in range(1, 5):
        run = {"id": number, "path": ".github/workflows/daily-fact.lock.yml"}
        (call.root / "runs" / str(number) / "run.json").write_text(json.dumps(run))
    assert only(imported(call))["added"] == 4


def test_runs_that_call_their_workflow_otherwise_are_told_and_count(call):
    make_runs(call, ["dry", "warm"], 5, {})
    for number, title in ((1, "Report"), (2, "Digest"), (3, "Digest")):
        (about,) = (call.root / "runs" / str(number)).rglob("aw_info.json")
        about.write_text(json.dumps(json.loads(about.read_text()) | {"workflow_name": title}))
    path = {"path": ".github/workflows/daily-fact.lock.yml"}  # which tells more than a name
    (call.root / "runs" / "3" / "run.json").write_text(json.dumps(path))
    done = imported(call)
    assert only(done)["added"] == 5
    (told,) = (note for note in done["notes"] if "call their workflow" in note)
    assert told.startswith("1 runs call their workflow 'Digest', and ")
    assert "daily-fact.md is called 'Report'" in told


def test_a_workflow_that_was_renamed_is_told(call):
    make_runs(call, ["dry", "warm"], 4, {})
    error = imported(call, name="daily-fakt", code=1)["error"]
    assert error["kind"] == "not_found"
    assert "daily-fact" in error["hint"]


def test_a_metric_that_no_run_has_is_told_with_the_nearest(call):
    call.declare(tone=TONE | {"metric": "output_word_count"})
    make_runs(call, ["dry", "warm"], 4, {})
    error = imported(call, code=2)["error"]
    assert "which its runs do not measure" in error["message"]
    assert "--metric output_tokens" in error["hint"]
    done = only(imported(call, "--metric", "output_tokens"))
    assert done["primary_metric"] == "output_tokens"


def test_a_metric_may_be_pointed_at_in_the_files_of_a_run(call):
    call.declare(tone=TONE | {"metric": "reactions"})
    for number in range(1, 5):
        place = write_run(call.root / "runs", number, {"tone": ["dry", "warm"][number % 2]})
        (place / "agent").mkdir()
        (place / "agent" / "own.json").write_text(json.dumps({"a": {"reactions": number}}))
    done = only(imported(call, "--map", "reactions=agent/own.json#/a/reactions"))
    assert done["primary_metric"] == "reactions"
    recorded = call("trials", done["experiment_id"], "--limit", 9)["trials"]
    assert sorted(item["metrics"]["reactions"] for item in recorded) == [1, 2, 3, 4]
    assert imported(call, "--map", "reactions=own.txt#/a", code=2)["error"]["kind"] == "usage"


@pytest.mark.long
def test_evals_and_graders_decide_as_well(call):
    call.declare(
        tone=TONE | {"metric": "eval:focused", "min_samples": 10},
        depth={"variants": ["low", "high"], "metric": "grader:loops", "min_samples": 10},
    )
    rng = random.Random(5)  # noqa: S311
    for number in range(1, 121):
        tone, depth = ["dry", "warm"][number % 2], ["low", "high"][number // 2 % 2]
        yes = rng.random() < (0.95 if tone == "warm" else 0.45)
        loops = rng.gauss(10 if depth == "low" else 6, 1.5)
        write_run(
            call.root / "runs",
            number,
            {"tone": tone, "depth": depth},
            answers={"focused": "YES" if yes else "NO"},
            graders={"loops": loops},
        )
    found = {item["experiment"]: item for item in imported(call)["experiments"]}
    assert found["tone"]["primary_metric"] == "eval.focused"
    assert found["depth"]["primary_metric"] == "grader.loops"
    decided = {name: item["standing"]["decision"] for name, item in found.items()}
    assert decided == {"tone": "PROMOTE", "depth": "PROMOTE"}


def test_what_a_decision_asks_for_is_in_the_plan(call):
    policy = {"minimum_effect": 2_000, "regression_tolerance": 500, "confidence": 0.9}
    guardrails = [
        {"name": "run_success_rate", "threshold": ">=0.9"},
        {"name": "run_duration_ms", "threshold": "<=60000"},
        {"name": "discussion_quality", "threshold": ">=3"},
    ]
    call.declare(
        tone=TONE
        | {"decision": policy, "guardrail_metrics": guardrails}
        | {"start_date": "2026-05-01", "end_date": "2026-05-30", "hypothesis": "Less is more."}
    )
    for number in range(1, 21):
        write_run(
            call.root / "runs", number, {"tone": ["dry", "warm"][number % 2]}, tokens=10_000
        )
    done = only(imported(call))
    registry = json.loads((call.root / ".claude/meta/experiments.json").read_text())
    plan = registry["experiments"][0]["plan"]
    assert plan["targets"]["improvement_threshold"] == 20.0
    assert plan["targets"]["max_regression"] == 5.0
    assert plan["stopping"]["alpha"] == pytest.approx(0.1)
    assert (plan["stopping"]["sample_size"], plan["stopping"]["max_duration_days"]) == (10, 30)
    assert plan["hypothesis"] == "Less is more."
    names = [item["name"] for item in plan["metrics"]["guardrails"]]
    assert names == ["success", "duration_seconds"]
    assert done["unmapped"] == [{"declared": "discussion_quality", "nearest": "created_items"}]
    assert any("2e+03 is 20%" in note or "2000 is 20%" in note for note in done["notes"])


def test_a_guardrail_that_fails_stops_what_is_better(call):
    guardrails = [{"name": "run_success_rate", "threshold": ">=0.95"}]
    call.declare(tone=TONE | {"guardrail_metrics": guardrails})
    rng = random.Random(3)  # noqa: S311
    for number in range(1, 161):
        warm = number % 2 == 0
        fails = warm and rng.random() < 0.5
        write_run(
            call.root / "runs",
            number,
            {"tone": "warm" if warm else "dry"},
            tokens=spread(rng, 6_000 if warm else 10_000),
            outcome="failure" if fails else "success",
        )
    stands = only(imported(call))["standing"]
    assert (stands["decision"], stands["winner"]) == ("REJECT", None)
    assert stands["reason_code"] in ("guardrail_failed", "errors_rise", "safety_harm")


def test_what_is_missing_and_until_when_is_told(call):
    call.declare(tone=TONE | {"min_samples": 30})
    make_runs(call, ["dry", "warm"], 20, {"warm": 8_000})
    done = only(imported(call))
    assert {name: one["needed"] for name, one in done["variants"].items()} == {
        "dry": 20, "warm": 20,
    }  # fmt: skip
    stands = done["standing"]
    assert (stands["decision"], stands["reason_code"]) == ("EXTEND", "insufficient_samples")
    assert stands["runs_per_day"] == pytest.approx(20 / 9.5)
    assert stands["days_to_go"] == pytest.approx(20 / (20 / 9.5 / 2))
    assert stands["ready_on"].startswith("2026-12-")
    assert stands["reach"][0]["units"] >= 30
    assert 0 < stands["reach"][0]["improvement"] < 1


def test_unequal_weights_are_held_as_they_are_declared(call):
    call.declare(tone=TONE | {"weight": [75, 25]})
    rng = random.Random(2)  # noqa: S311
    for number in range(1, 61):
        variant = "warm" if number % 4 == 0 else "dry"
        write_run(call.root / "runs", number, {"tone": variant}, tokens=spread(rng, 9_000))
    done = only(imported(call))
    analysis = call("analyze", done["experiment_id"])
    assert analysis["checks"]["srm"]["ok"]
    assert analysis["checks"]["srm"]["expected"]["dry"] == pytest.approx(0.75)
    assert analysis["primary"]["scale"] == "log"


def test_variants_that_are_renamed_make_a_new_experiment_and_are_told(call):
    make_runs(call, ["dry", "warm"], 10, {})
    first = only(imported(call))
    call.declare(tone=TONE | {"variants": ["dry", "bright"]})
    make_runs(call, ["dry", "bright"], 10, {}, first=11)
    second = only(imported(call))
    assert second["experiment_id"] != first["experiment_id"]
    assert second["excluded"] == {"of a variant that is not declared": 5, EARLIER: 5}
    assert any("no longer declares warm" in note for note in second["notes"])


def test_an_experiment_without_a_metric_does_not_keep_others_from_theirs(call):
    call.declare(tone=TONE, depth=["low", "high"])
    for number in range(1, 5):
        variants = {"tone": ["dry", "warm"][number % 2], "depth": ["low", "high"][number % 2]}
        write_run(call.root / "runs", number, variants)
    tone, depth = imported(call)["experiments"]
    assert (tone["added"], depth["added"]) == (4, 0)
    assert "declares no metric" in depth["refusal"]
    assert only(imported(call, "--experiment", "depth", "--metric", "aic"))["added"] == 4
    assert imported(call, "--experiment", "dept", code=1)["error"]["kind"] == "not_found"


@pytest.mark.parametrize(
    "arguments",
    [
        ("import", "runs", "--experiment", "tone"),
        ("import", "--workflow", "daily-fact"),
        ("import", "runs", "more", "--workflow", "daily-fact"),
        ("import", "runs", "--workflow", "daily-fact", "--into", "x"),
        ("import", "runs", "--workflow", "daily-fact", "--control", "none"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(call, arguments):
    make_runs(call, ["dry", "warm"], 2, {})
    assert call(*arguments, code=2)["error"]["kind"] == "usage"


def without_times(call):
    """Take from every run the state that has times, so that its variants alone are left."""
    for path in call.root.glob("runs/*/usage/experiment/state.jsonl"):
        path.unlink()


def api_says(call, number, **fields):
    """Put beside a run what the API says of it."""
    (call.root / "runs" / str(number) / "run.json").write_text(json.dumps(fields))


@pytest.mark.parametrize("by", ["run.json", "aw_info.json"])
def test_dates_hold_against_runs_whose_time_is_told_beside_their_variants(call, by):
    call.declare(tone=TONE | {"start_date": "2026-05-03"})
    make_runs(call, ["dry", "warm"], 10, {})
    without_times(call)
    for number in range(1, 11):
        began = moment(number * DAY / 2)
        if by == "run.json":
            api_says(call, number, id=number, run_started_at=began)
        else:
            about = call.root / "runs" / str(number) / "usage" / "aw_info.json"
            about.write_text(json.dumps({"run_id": number, "created_at": began}))
    done = only(imported(call))
    assert done["excluded"] == {"outside the experiment's dates": 3}
    assert sum(one["gated"] for one in done["variants"].values()) == 3
    assert done["added"] == 7
    assert not [note for note in done["notes"] if "not known" in note]
    (told,) = call("workflows", "audit", "--runs", "runs")["experiments"]
    assert sum(one["gated"] for one in told["variants"].values()) == 3


def test_runs_without_any_time_are_told_and_ordered_by_their_ids(call):
    make_runs(call, ["dry", "warm"], 12, {})
    without_times(call)
    done = only(imported(call))
    (note,) = [one for one in done["notes"] if "is said nowhere" in one]
    assert note.startswith("When 12 of the runs began")
    assert not [one for one in done["notes"] if "Whether" in one]  # it declares no dates
    workspace = Workspace.open(Layout(call.root), lambda: call.now[0])
    trials = workspace.store.trials(workspace.store.experiment(done["experiment_id"])).trials
    assert [trial.unit for trial in trials] == [str(number) for number in range(1, 13)]
    make_runs(call, ["dry", "warm"], 2, {}, first=13)
    assert only(imported(call))["added"] == 2


def test_runs_of_two_workflows_with_one_state_are_told_apart_by_their_paths(call):
    call.declare("dailyfact")
    make_runs(call, ["dry", "warm"], 10, {})
    for number in range(1, 11):
        name = "daily-fact" if number <= 6 else "dailyfact"
        api_says(call, number, id=number, path=f".github/workflows/{name}.lock.yml")
    done = imported(call)
    assert (done["others"], only(done)["added"]) == (4, 6)
    assert sum(one["drawn"] for one in only(done)["variants"].values()) == 6
    other = imported(call, name="dailyfact")
    assert (other["others"], only(other)["added"]) == (6, 4)


def test_what_an_import_does_not_read_is_told_with_its_names(call):
    make_runs(call, ["dry", "warm"], 12, {})
    runs = call.root / "runs"
    (runs / "12").rename(runs / "203-foo")
    usage = runs / "1" / "usage"
    (usage / "aw_info.json").write_text(json.dumps({"run_id": 999}))
    for number, told in enumerate(("NaN", "-5", "true", "1e300"), 2):
        place = runs / str(number) / "usage" / "agent" / "execution.json"
        place.write_text(f'{{"outcome": "success", "duration_ms": {told}}}')
    for number in (6, 7):
        (runs / str(number) / "usage" / "agent_usage.json").write_text("{")
    place = runs / "8" / "usage" / "agent" / "execution.json"
    place.write_text('{"outcome": "banana"}')
    done = imported(call)
    assert done["refused"] == {
        "203-foo": "is not called by the id of a run, as in 203, run-203 or 203-2",
        "1": "what lies in it is of the run 999",
    }
    assert done["left_out"] == {
        "duration_ms nan is no duration of a run (2)": 1,
        "duration_ms -5 is no duration of a run (3)": 1,
        "duration_ms True is no duration of a run (4)": 1,
        "duration_ms 1e+300 is no duration of a run (5)": 1,
        "usage/agent_usage.json is no JSON (6, 7)": 2,
        "'banana' is no known conclusion: what it came to is missing (8)": 1,
    }
    workspace = Workspace.open(Layout(call.root), lambda: call.now[0])
    name = only(done)["experiment_id"]
    trials = {
        trial.unit: trial
        for trial in workspace.store.trials(workspace.store.experiment(name)).trials
    }
    assert "1" not in trials
    assert all("duration_seconds" not in trials[str(number)].metrics for number in range(2, 6))
    assert trials["8"].status.value == "interrupted"
    assert trials["9"].status.value == "ok"


def test_a_run_that_is_imported_with_another_variant_is_set_aside_and_told(call):
    make_runs(call, ["dry", "warm"], 6, {})
    imported(call)
    write_run(call.root / "runs", 3, {"tone": "dry"}, at=3 * DAY / 2)
    for _ in range(2):
        done = only(imported(call))
        (note,) = [one for one in done["notes"] if "on record with another" in one]
        assert note.endswith("set aside: 3.")
        assert done["excluded"] == {"had another variant in another attempt": 1}
        counts = {
            name: (one["drawn"], one["measured"]) for name, one in done["variants"].items()
        }
        assert counts == {"dry": (3, 3), "warm": (2, 2)}


def test_a_dry_run_counts_what_the_import_would(call):
    make_runs(call, ["dry", "warm"], 6, {})
    before = only(imported(call, "--dry-run"))["variants"]
    assert before == only(imported(call))["variants"]
    assert {one["measured"] for one in before.values()} == {3}
    make_runs(call, ["dry", "warm"], 4, {}, first=7)
    before = only(imported(call, "--dry-run"))["variants"]
    assert before == only(imported(call))["variants"]


def test_a_bound_on_a_metric_is_looked_at_with_the_value_of_every_arm(call):
    bounds = [{"name": "run_success_rate", "threshold": ">=0.95"}]
    bounds += [{"name": "run_duration_ms", "threshold": "<=150000"}]
    call.declare(tone=TONE | {"guardrail_metrics": bounds})
    make_runs(call, ["dry", "warm"], 20, {}, outcome={"dry": "success", "warm": "success"})
    write_run(call.root / "runs", 21, {"tone": "warm"}, at=11 * DAY, outcome="failure")
    told = [
        "run_success_rate >= 0.95 by the means now: dry 1 (kept), warm 0.9091 (not kept).",
        "run_duration_ms <= 150000 by the means now: dry 1e+05 (kept), warm 1e+05 (kept).",
    ]
    assert [one for one in only(imported(call))["notes"] if "means now" in one] == told
    (found,) = call("workflows", "audit")["experiments"]
    assert [one for one in found["notes"] if "means now" in one] == told


@pytest.mark.long
def test_variants_are_called_as_in_the_workflow(call):
    names = ["dry", "@octo B (q): b|error"]
    call.declare(tone=TONE | {"variants": names})
    make_runs(call, names, 160, {names[1]: 5_000})
    done = only(imported(call))
    assert list(done["variants"]) == names
    assert (done["control"], done["standing"]["winner"]) == ("dry", names[1])
    assert names[1] in done["standing"]["reason"]
    main(["import", "runs", "--workflow", "daily-fact"])


@pytest.mark.parametrize("lost", [{"warm"}, {"dry", "warm"}])
def test_a_variant_whose_dear_runs_leave_nothing_is_not_promoted(call, lost):
    """Two arms alike. What a run spends hangs on nothing, but what is dear breaks off."""
    rng = random.Random(3)  # noqa: S311
    ledger, dear = b"", []
    for number in range(1, 161):
        variant = ["dry", "warm"][(number + number // 2) % 2]
        tokens = round(10_000 * rng.lognormvariate(0.0, 0.5))
        at = number * DAY / 2
        if variant in lost and tokens > 11_000:
            dear.append(number)
            ledger += line(number, variant, at)
            continue
        more = {"at": at, "tokens": tokens, "ledger": ledger}
        write_run(call.root / "runs", number, {"tone": variant}, **more)
    done = only(imported(call))
    stands = done["standing"]
    if lost == {"warm"}:
        assert stands["reason_code"] == "attrition_differs"
    else:
        assert stands["decision"] == "EXTEND"
    told = [note for note in done["notes"] if "drawn and lost" in note]
    assert [note.split()[0] for note in told] == [str(len(dear))]
    assert done["excluded"] == {"without artifacts here: expired, or not downloaded": len(dear)}
    if lost == {"warm"}:
        for number in dear:
            write_run(call.root / "runs", number, {"tone": "warm"}, at=number * DAY / 2)
        assert only(imported(call))["completed"] == len(dear)


def test_how_often_runs_of_each_variant_were_made_again_is_told(call):
    """Who runs what failed until it does not would hide a variant that fails."""
    for number in range(1, 9):
        variant = ["dry", "warm"][number % 2]
        for attempt in (1, 2) if variant == "warm" else (1,):
            failed = variant == "warm" and attempt == 1
            write_run(
                call.root / "runs",
                number,
                {"tone": variant},
                attempt=attempt,
                outcome="failure" if failed else "success",
                folder=f"{number}-{attempt}",
            )
    (told,) = [note for note in only(imported(call))["notes"] if "made again" in note]
    assert told.startswith("Runs that were made again: 4 of warm. What the last attempt")
