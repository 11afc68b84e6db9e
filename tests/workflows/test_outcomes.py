"""What runs came to: every place is read, what is missing is no zero, no archive is trusted."""

import json
import zipfile
from pathlib import Path

import pytest
from tests.support.workflow_runs import moment, write_run

from meta_experiment.errors import NotFoundError
from meta_experiment.types import Direction, TrialStatus
from meta_experiment.workflows.native_metrics import NATIVE_METRICS, matched
from meta_experiment.workflows.outcomes.gathering import gather
from meta_experiment.workflows.state.tally import tally

VARIANTS = {"tone": "dry"}


def one(root, workflow=None):
    """Return the only outcome in a folder."""
    (found,) = gather(root, workflow).outcomes
    return found


def put(root, path, content):
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


def test_assignment_and_outcome_lie_together_in_usage(tmp_path):
    write_run(
        tmp_path,
        7,
        VARIANTS,
        attempt=2,
        graders={"loops": 3, "custom": 0.82},
        answers={"focused": "YES", "clear": "no", "other": "UNKNOWN"},
    )
    found = one(tmp_path)
    assert (found.run_id, found.attempt, found.conclusion) == ("7", 2, "success")
    assert (found.model, found.engine, found.status) == ("gpt-5.4", "copilot", TrialStatus.OK)
    assert found.metrics == {
        "success": 1.0,
        "duration_seconds": 100.0,
        "input_tokens": 900.0,
        "output_tokens": 100.0,
        "total_tokens": 1000.0,
        "ai_credits": 2.5,
        "turns": 4.0,
        "tool_calls": 7.0,
        "created_items": 1.0,
        "empty_output": 0.0,
        "grader.loops": 3.0,
        "grader.custom": 0.82,
        "eval.focused": 1.0,
        "eval.clear": 0.0,
    }
    assert found.left_out == ("question other was not answered by yes or no",)


def test_what_the_api_says_of_a_run_comes_before_what_it_says_itself(tmp_path):
    write_run(tmp_path, 7, VARIANTS, seconds=50)
    run = {
        "id": 7,
        "run_attempt": 3,
        "conclusion": "timed_out",
        "created_at": "2026-05-01T00:00:00Z",
        "updated_at": "2026-05-09T00:00:00Z",
        "event": "schedule",
        "path": ".github/workflows/daily-fact.lock.yml",
    }
    jobs = {
        "jobs": [
            {"name": "activation", "started_at": moment(0), "completed_at": moment(900)},
            {"name": "agent", "started_at": moment(1000), "completed_at": moment(1090)},
        ]
    }
    put(tmp_path, "7/run.json", run)
    put(tmp_path, "7/jobs.json", jobs)
    found = one(tmp_path, "daily-fact")
    assert (found.attempt, found.status, found.event) == (3, TrialStatus.TIMEOUT, "schedule")
    assert (found.metrics["success"], found.metrics["duration_seconds"]) == (0.0, 90.0)
    assert gather(tmp_path, "other").others == 1


def test_what_gh_keeps_of_a_run_is_read_in_its_spelling(tmp_path):
    put(tmp_path, "run-8/run_summary.json", {"run_id": 8, "run": {"conclusion": "failure"}})
    about = {
        "databaseId": 9,
        "attempt": 1,
        "conclusion": "success",
        "startedAt": moment(0),
        "jobs": [{"name": "agent", "startedAt": moment(0), "completedAt": moment(60)}],
    }
    put(tmp_path, "run-9/run.json", about)
    failed, passed = gather(tmp_path).outcomes
    assert (failed.run_id, failed.status, failed.metrics) == (
        "8",
        TrialStatus.ERROR,
        {"success": 0.0},
    )
    assert passed.metrics == {"success": 1.0, "duration_seconds": 60.0}


@pytest.mark.parametrize(
    ("word", "status", "success"),
    [
        ("failure", TrialStatus.ERROR, 0.0),
        ("startup_failure", TrialStatus.ERROR, 0.0),
        ("cancelled", TrialStatus.INTERRUPTED, None),
        ("skipped", TrialStatus.INTERRUPTED, None),
        ("an unheard-of word", TrialStatus.INTERRUPTED, None),
        (None, None, None),
    ],
)
def test_a_cancelled_run_is_missing_and_no_failure(tmp_path, word, status, success):
    write_run(tmp_path, 7, VARIANTS, outcome=word)
    found = one(tmp_path)
    assert found.status is status
    assert found.metrics.get("success") == success


@pytest.mark.parametrize(
    ("state", "counts"),
    [("in_progress", False), ("queued", False), ("completed", True), (None, True)],
)
def test_a_run_that_goes_on_counts_for_nothing_yet(tmp_path, state, counts):
    """Its agent has ended well, but what it has spent so far is a part of what it will."""
    place = write_run(tmp_path, 7, {"tone": "dry"})
    run = {"id": 7, "conclusion": "success" if counts else None}
    put(place, "run.json", run if state is None else run | {"status": state})
    found = gather(tmp_path)
    assert len(found.outcomes) == counts
    assert list(found.refused) == ([] if counts else ["7"])
    assert counts or f"has not ended ({state})" in found.refused["7"]


def test_what_is_not_there_is_missing_and_never_zero(tmp_path):
    write_run(tmp_path, 7, VARIANTS, seconds=None, tokens=None, turns=None, items=None)
    assert one(tmp_path).metrics == {"success": 1.0}
    summary = {
        "schema": "usage-activity-summary/v1",
        "session": {"total_events": 0, "turns": 0},
        "safe_outputs": {"total_items": None},
    }
    put(tmp_path, "7/usage/activity/summary.json", summary)
    usage = {"input_tokens": -1, "output_tokens": "9", "ai_credits": float("nan")}
    put(tmp_path, "7/usage/agent_usage.json", usage)
    put(tmp_path, "7/usage/agent/execution.json", {"outcome": "success", "duration_ms": True})
    assert one(tmp_path).metrics == {"success": 1.0}


def test_requests_are_summed_where_there_is_no_sum_of_them(tmp_path):
    write_run(tmp_path, 7, VARIANTS, tokens=None)
    lines = [
        {"model": "m", "input_tokens": 10, "output_tokens": 1, "cache_read_tokens": 5},
        {"model": "m", "input_tokens": 20, "output_tokens": 2},
    ]
    text = "\n".join(map(json.dumps, lines)).encode()
    put(tmp_path, "7/firewall-audit-logs/api-proxy-logs/token-usage.jsonl", text)
    found = one(tmp_path)
    assert found.metrics["total_tokens"] == 33.0
    assert "cache_read_tokens" not in found.metrics
    assert found.model == "m"


@pytest.mark.parametrize(
    "place",
    [
        "usage/experiment",
        "experiment",
        "experiments-state",
        "dailyfact-experiment",
        "4f1c2a9b-experiment",
        "activation/dailyfact-experiment",
    ],
)
def test_state_is_found_by_the_end_of_its_folders_name(tmp_path, place):
    put(tmp_path, f"7/{place}/assignments.json", VARIANTS)
    line = {"run_id": "6", "timestamp": moment(0), "assignments": {"tone": "warm"}}
    put(tmp_path, f"7/{place}/state.jsonl", line)
    put(tmp_path, "7/elsewhere/state.jsonl", b"{broken")
    found = gather(tmp_path, "daily-fact")
    assert found.ledger.bad == ()
    totals = tally(found.ledger, "tone").variants
    assert {name: item.total for name, item in totals.items()} == {"dry": 1, "warm": 1}


def test_an_artifact_of_another_workflow_is_left_out(tmp_path):
    put(tmp_path, "7/dailynews-experiment/assignments.json", VARIANTS)
    assert gather(tmp_path, "daily-fact").others == 1
    assert gather(tmp_path).others == 0


def test_a_folder_may_be_one_run(tmp_path):
    place = write_run(tmp_path, 7, VARIANTS)
    assert one(place).run_id == "7"


def test_one_run_with_two_variants_counts_for_none(tmp_path):
    """Its ledger and its own file do not agree."""
    write_run(tmp_path, 7, VARIANTS)
    put(tmp_path, "7/usage/experiment/assignments.json", {"tone": "warm"})
    assert tally(gather(tmp_path).ledger, "tone").contaminated == ("7",)


def test_a_file_that_cannot_be_read_gives_way_to_the_next_place(tmp_path):
    write_run(tmp_path, 7, VARIANTS)
    put(tmp_path, "7/usage/agent_usage.json", b"\xff{")
    put(tmp_path, "7/agent/agent_usage.json", {"input_tokens": 1, "output_tokens": 2})
    found = one(tmp_path)
    assert found.metrics["total_tokens"] == 3.0
    assert found.left_out == ("usage/agent_usage.json is no JSON",)


def test_a_run_that_left_nothing_is_told(tmp_path):
    (tmp_path / "7").mkdir()
    put(tmp_path, "8/notes.txt", b"expired")
    assert gather(tmp_path).empty == ("7", "8")


@pytest.mark.parametrize("make", [lambda folder: folder, lambda folder: folder / "none"])
def test_a_folder_without_runs_is_refused(tmp_path, make):
    with pytest.raises(NotFoundError):
        gather(make(tmp_path))


def _packed(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def test_artifacts_are_read_packed_as_well(tmp_path):
    place = write_run(tmp_path / "plain", 7, VARIANTS) / "usage"
    members = {
        str(path.relative_to(place)): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file()
    }
    _packed(tmp_path / "packed" / "7" / "usage.zip", members)
    assert one(tmp_path / "packed") == one(tmp_path / "plain")
    assert gather(tmp_path / "packed").ledger == gather(tmp_path / "plain").ledger


@pytest.mark.parametrize(
    "name",
    ["../../evil.json", "/etc/evil.json", "a/../../b.json", "..\\evil.json", "C:\\evil.json"],
)
def test_an_archive_that_leads_out_costs_its_whole_run(tmp_path, name):
    runs = tmp_path / "deep" / "runs"  # each name leads to a place that is looked at
    write_run(runs, 7, VARIANTS)
    write_run(runs, 8, VARIANTS)
    _packed(runs / "7" / "agent.zip", {name: b"{}"})
    before = sorted(tmp_path.rglob("*"))
    found = gather(runs)
    assert [item.run_id for item in found.outcomes] == ["8"]
    assert "leads out" in found.refused["7"]
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path("/etc/evil.json").exists()


def test_a_link_in_an_archive_or_folder_is_not_followed(tmp_path):
    write_run(tmp_path, 7, VARIANTS)
    link = zipfile.ZipInfo("aw_info.json")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "7" / "info.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "holds a link" in gather(tmp_path).refused["7"]
    (tmp_path / "7" / "info.zip").unlink()
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({"input_tokens": 1, "output_tokens": 1}))
    usage = tmp_path / "7" / "usage" / "agent_usage.json"
    usage.unlink()
    usage.symlink_to(secret)
    (tmp_path / "9").symlink_to(tmp_path / "7")
    found = gather(tmp_path)
    assert [item.run_id for item in found.outcomes] == ["7"]
    assert "total_tokens" not in found.outcomes[0].metrics
    assert found.outcomes[0].left_out[0].startswith("usage/agent_usage.json cannot be read")


def test_a_zip_bomb_is_left_out(tmp_path):
    write_run(tmp_path, 7, VARIANTS, tokens=None)
    _packed(tmp_path / "7" / "agent.zip", {"agent_usage.json": b" " * (17 * 1024 * 1024)})
    assert (tmp_path / "7" / "agent.zip").stat().st_size < 100_000
    found = one(tmp_path)
    assert found.left_out == ("agent/agent_usage.json unpacks to more than 16,777,216 bytes",)
    assert "total_tokens" not in found.metrics


@pytest.mark.parametrize("damage", [b"PK\x03\x04 torn", b""])
def test_an_archive_that_is_none_costs_its_run(tmp_path, damage):
    write_run(tmp_path, 7, VARIANTS)
    (tmp_path / "7" / "agent.zip").write_bytes(damage)
    assert "is no archive that can be read" in gather(tmp_path).refused["7"]


def test_state_that_cannot_be_read_is_told_with_its_place(tmp_path):
    write_run(tmp_path, 7, VARIANTS)
    put(tmp_path, "7/usage/experiment/state.jsonl", b"<html>")
    found = gather(tmp_path)
    assert [bad.source for bad in found.ledger.bad] == ["7/usage/experiment/state.jsonl"]
    assert tally(found.ledger, "tone").total == 1


@pytest.mark.parametrize(
    ("declared", "names", "factor"),
    [
        ("run_success_rate", ["success"], 1.0),
        ("success_rate", ["success"], 1.0),
        ("effective_tokens", ["effective_tokens", "total_tokens"], 1.0),
        ("effective_token_count", ["effective_tokens", "total_tokens"], 1.0),
        ("token_count_per_run", ["total_tokens"], 1.0),
        ("output_token_count", ["output_tokens"], 1.0),
        ("output_length_tokens", ["output_tokens"], 1.0),
        ("run_duration_ms", ["duration_seconds"], 0.001),
        ("duration_minutes", ["duration_seconds"], 60.0),
        ("run_duration_seconds", ["duration_seconds"], 1.0),
        ("aic", ["ai_credits"], 1.0),
        ("ai_credits_total", ["ai_credits"], 1.0),
        ("cost", ["ai_credits"], 1.0),
        ("avg_turns", ["turns"], 1.0),
        ("tools_invoked_count", ["tool_calls"], 1.0),
        ("issues_created", ["created_items"], 1.0),
        ("discussion_created", ["created_items"], 1.0),
        ("empty_output_rate", ["empty_output"], 1.0),
        ("report_empty_rate", ["empty_output"], 1.0),
        ("eval:focused", ["eval.focused"], 1.0),
        ("evals.focused.value", ["eval.focused"], 1.0),
        ("grader:trajectory-efficiency", ["grader.trajectory-efficiency"], 1.0),
        ("graders.loops.value", ["grader.loops"], 1.0),
        ("operating_cost_model", [], 1.0),
        ("token_efficiency", [], 1.0),
        ("issue_created_rate", [], 1.0),
        ("discussion_engagement_score", [], 1.0),
        ("output_word_count", [], 1.0),
    ],
)
def test_names_of_metrics_are_matched_with_what_runs_leave(declared, names, factor):
    found = matched(declared)
    assert [metric.name for metric in found.metrics] == names
    assert found.factor == factor
    assert (found.nearest is None) == bool(names)
    assert found.nearest is None or found.nearest in NATIVE_METRICS


def test_a_grader_says_itself_which_way_is_better(tmp_path):
    write_run(tmp_path, 7, VARIANTS, graders={"worth": 3})
    manifest = {"graders": [{"id": "worth", "direction": "min"}, {"id": "other"}]}
    put(tmp_path, "7/usage/graders/grader_manifest.json", manifest)
    found = gather(tmp_path)
    assert found.directions == {"worth": Direction.LOWER}
    assert matched("grader:worth", found.directions).metrics[0].direction is Direction.LOWER
    assert "higher was taken as better" in (matched("grader:worth").note or "")
    assert matched("grader:loops").metrics[0].direction is Direction.LOWER


def test_what_a_grader_could_not_measure_is_missing(tmp_path):
    write_run(tmp_path, 7, VARIANTS)
    results = [
        {"id": "a", "status": "error", "value": 1},
        {"id": "b", "status": "fail", "value": 0.2},
        {"id": "c", "status": "pass", "value": None, "score": 0.5},
        {"id": "d", "status": "pass", "value": "0.9"},
        {
            "id": "operational-value",
            "value": [{"id": "x", "value": 2}, {"id": "y", "value": 3}],
        },
        {"status": "pass", "value": 9},
    ]
    put(tmp_path, "7/usage/graders/grader_results.json", {"results": results})
    found = one(tmp_path)
    grades = {key: value for key, value in found.metrics.items() if key.startswith("grader.")}
    assert grades == {
        "grader.b": 0.2,
        "grader.c": 0.5,
        "grader.operational-value": 2.0,
        "grader.operational-value.x": 2.0,
        "grader.operational-value.y": 3.0,
    }
    assert found.left_out == ("grader a says error", "grader d has no number")
