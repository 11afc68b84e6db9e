"""Results of other harnesses: each run in its arm and case, no error taken for a failure."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from meta_experiment.errors import RefusedError, StorageError, UsageError
from meta_experiment.sources.results import inspect_logs
from meta_experiment.sources.results.reading import read_source
from meta_experiment.sources.results.run_table import RowOptions
from meta_experiment.types import TrialStatus


def read(path):
    return read_source(path, path.name, RowOptions())


def written(tmp_path, name, document):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def runs(source):
    return [(run.arm, run.case, run.index, dict(run.metrics)) for run in source.runs]


# promptfoo


def row(test, prompt="old", *, city="Rome", provider="echo", **changes):
    made = {
        "testIdx": test,
        "promptIdx": ["old", "new"].index(prompt) if prompt in ("old", "new") else 0,
        "prompt": {"raw": f"{prompt} text", "label": prompt},
        "provider": {"id": provider, "label": ""},
        "vars": {"city": city},
        "testCase": {"vars": {"city": city}},
        "response": {"output": "…", "cached": False},
        "gradingResult": {"pass": True, "score": 1, "reason": "fine"},
        "failureReason": 0,
        "success": True,
        "score": 0.75,
        "latencyMs": 1200,
        "cost": 0.002,
        "tokenUsage": {"total": 30, "prompt": 20, "completion": 10, "cached": 0},
        "namedScores": {},
    }
    return made | changes


def promptfoo(tmp_path, *rows):
    inner = {
        "version": 3,
        "timestamp": "2026-03-01T10:00:00.000Z",
        "prompts": [],
        "results": list(rows),
        "stats": {"successes": 1, "failures": 0, "errors": 0},
    }
    document = {"evalId": "e", "results": inner, "config": {"description": "weather"}}
    return read(written(tmp_path, "results.json", document))


def test_promptfoo_rows_are_runs_of_prompts(tmp_path):
    source = promptfoo(tmp_path, row(0), row(0, "new", score=0.5, success=False), row(1))
    metrics = {
        "success": 1.0, "score": 0.75, "duration_seconds": 1.2, "total_tokens": 30,
        "input_tokens": 20, "output_tokens": 10, "cost_usd": 0.002,
    }  # fmt: skip
    case = '{"city": "Rome"}'
    assert runs(source) == [
        ("old", case, 0, pytest.approx(metrics)),
        ("new", case, 0, pytest.approx(metrics | {"score": 0.5, "success": 0.0})),
        ("old", case, 1, pytest.approx(metrics)),
    ]
    assert (source.kind, source.title) == ("promptfoo", "weather")
    assert source.at == 1772359200.0


def test_promptfoo_cases_are_told_apart_by_description_or_variables(tmp_path):
    source = promptfoo(
        tmp_path,
        row(0, testCase={"description": "capital"}),
        row(1, city="Oslo", testCase={"description": "north"}),
        row(2, city="Bern", testCase={"description": "north"}),
        row(3, city="x" * 200),
        row(4, vars={}, testCase={}),
        row(5, vars={"city": "Rome", "sessionId": "7", "_conversation": []}),
    )
    named = [run.case for run in source.runs]
    assert named[:3] == ["capital", 'north {"city": "Oslo"}', 'north {"city": "Bern"}']
    assert len(named[3]) < 80
    assert named[4:] == ["test 4", '{"city": "Rome"}']


def test_promptfoo_providers_are_arms_where_prompts_are_not(tmp_path):
    one = promptfoo(tmp_path, row(0), row(0, provider="other"))
    assert one.arms == ("echo", "other")
    both = promptfoo(tmp_path, row(0), row(0, "new", provider="other"))
    assert both.arms == ("old on echo", "new on other")
    long = promptfoo(tmp_path, row(0, "x" * 99), row(0, "y" * 99))
    assert long.arms == ("prompt 1", "prompt 2")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"failureReason": 2, "error": "API error: 429 Too Many Requests"}, "rate limit"),
        ({"failureReason": 2, "error": "Request timed out"}, "time-out"),
        ({"failureReason": 2, "error": None}, "other"),
        ({"failureReason": None, "error": "boom", "gradingResult": None}, "other"),
    ],
)
def test_an_error_of_promptfoo_is_no_failure(tmp_path, changes, kind):
    """It is scored 0 there; here it counts as a run that was lost, with its reason."""
    source = promptfoo(tmp_path, row(0), row(1, success=False, score=0, **changes))
    assert source.runs[1].metrics == {}
    assert source.runs[1].status is TrialStatus.INTERRUPTED
    assert source.excluded == {f"ended by an error, not by its prompt ({kind})": 1}


def test_a_test_that_promptfoo_did_not_pass_is_a_failure(tmp_path):
    source = promptfoo(
        tmp_path, row(0, failureReason=1, error="Expected Rome", success=False, score=0)
    )
    assert source.runs[0].metrics["success"] == 0.0
    assert not source.excluded


def test_what_promptfoo_does_not_know_is_missing(tmp_path):
    """No price and no tokens are written as 0, answers of a cache as instant."""
    zero = {"total": 0, "prompt": 0, "completion": 0}
    broken = {
        "pass": False,
        "score": 0,
        "componentResults": [{"metadata": {"graderError": True}}],
    }
    source = promptfoo(
        tmp_path,
        row(0, cost=0, tokenUsage=zero),
        row(1, response={"cached": True}),
        row(2, gradingResult=broken, success=False, score=0),
    )
    zeroed, cached, ungraded = (run.metrics for run in source.runs)
    assert zeroed.keys() == {"success", "score", "duration_seconds"}
    assert cached.keys() == {"success", "score"}
    assert not {"success", "score"} & ungraded.keys()
    assert source.excluded["a zero that was never measured (total_tokens)"] == 1
    assert source.excluded["not graded"] == 1


# Inspect


def sample(name, value="C", *, epoch=1, **changes):
    made = {
        "id": name,
        "epoch": epoch,
        "input": "…",
        "target": "…",
        "scores": {"match": {"value": value, "answer": "…"}},
        "model_usage": {
            "m/one": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
            "m/two": {"input_tokens": 10, "output_tokens": 3, "total_tokens": 13},
        },
        "started_at": "2026-03-01T10:00:00+00:00",
        "total_time": 4.5,
        "error": None,
        "limit": None,
    }
    return made | changes


def log(*samples, **changes):
    about = {"task": "sums", "model": "m/one", "created": "2026-03-01T10:00:00+00:00"}
    return {
        "version": 2,
        "status": "success",
        "eval": about,
        "samples": list(samples),
    } | changes


def archive(document, *, summaries=True, method=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        header = {key: value for key, value in document.items() if key != "samples"}
        file.writestr("header.json", json.dumps(header))
        if summaries:
            file.writestr("summaries.json", json.dumps(document["samples"]))
        for item in document["samples"]:
            name = f"samples/{item['id']}_epoch_{item['epoch']}.json"
            file.writestr(name, json.dumps(item))
    return stream.getvalue()


@pytest.mark.parametrize("form", ["json", "summaries", "samples"])
def test_inspect_logs_are_read_in_each_of_their_forms(tmp_path, form):
    document = log(sample("a"), sample("a", "I", epoch=2), sample(2, 0.25))
    path = written(tmp_path, "log.json", document)
    if form != "json":
        path = tmp_path / "log.eval"
        path.write_bytes(archive(document, summaries=form == "summaries"))
    source = read(path)
    same = {"duration_seconds": 4.5, "input_tokens": 15, "output_tokens": 5, "total_tokens": 20}
    found = {(run.case, run.index): run for run in source.runs}
    assert found["a", 0].metrics == {"score": 1.0, "success": 1.0, **same}
    assert found["a", 1].metrics == {"score": 0.0, "success": 0.0, **same}
    assert found["2", 0].metrics == {"score": 0.25, **same}
    assert source.arms == ("m/one",)
    assert source.runs[0].fingerprint == {"model": "m/one"}
    assert (source.kind, source.title) == ("inspect", "sums")


def test_an_error_of_inspect_is_no_score(tmp_path):
    error = {"message": "RateLimitError: 429", "traceback": "", "traceback_ansi": ""}
    source = read(
        written(
            tmp_path,
            "log.json",
            log(
                sample("a"),
                sample("b", "I", error=error),
                sample("c", "I", limit={"type": "time", "limit": 60}),
                sample("d", "I", limit="operator"),
                sample("e", {"first": 1}),
                status="error",
            ),
        )
    )
    ends = [(run.status.value, run.metrics.get("success")) for run in source.runs]
    assert ends == [
        ("ok", 1.0), ("interrupted", None), ("timeout", 0.0), ("interrupted", None),
        ("ok", None),
    ]  # fmt: skip
    assert source.excluded == {
        "ended by an error, which is no score": 1,
        "ended by a person": 1,
        "not graded": 1,
    }
    assert any("did not end well" in note for note in source.notes)


def test_of_several_scorers_one_is_taken_and_said(tmp_path):
    scores = {"match": {"value": "C"}, "judge": {"value": 0.5}}
    source = read(written(tmp_path, "log.json", log(sample("a", scores=scores))))
    assert source.runs[0].metrics["score"] == 1.0
    assert any("judge were left out" in note for note in source.notes)


def test_archives_are_bounded_and_refused_where_they_are_none(tmp_path):
    whole = archive(log(sample("a", text="x" * 10_000)))
    with pytest.raises(StorageError, match="unpacks to more"):
        inspect_logs.from_archive(whole, "log.eval", 5_000)
    for data, why in ((whole[: len(whole) // 2], "unpacked"), (b"PK\x03\x04", "unpacked")):
        path = tmp_path / "log.eval"
        path.write_bytes(data)
        with pytest.raises(UsageError, match=why):
            read(path)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("other.txt", "x")
    with pytest.raises(UsageError, match="header"):
        inspect_logs.from_archive(stream.getvalue(), "log.eval", 5_000)


def test_a_log_without_samples_says_how_to_get_them(tmp_path):
    with pytest.raises(RefusedError, match="no samples") as caught:
        read(written(tmp_path, "log.json", log()))
    assert "--log-samples" in caught.value.hint


# Harbor


def trial(task, number, reward=1.0, **changes):
    made = {
        "id": f"id-{task}-{number}",
        "task_name": task,
        "trial_name": f"{task}__{number}",
        "agent_info": {"name": "claude-code", "version": "2", "model_info": {"name": "opus"}},
        "agent_result": {"n_input_tokens": 50, "n_output_tokens": 9, "cost_usd": 0.4},
        "verifier_result": {"rewards": {"reward": reward}},
        "exception_info": None,
        "started_at": "2026-03-01T10:00:00",
        "finished_at": "2026-03-01T10:09:00",
        "agent_execution": {
            "started_at": "2026-03-01T10:01:00",
            "finished_at": "2026-03-01T10:03:30",
        },
    }
    return made | changes


def job(tmp_path, *trials):
    folder = tmp_path / "job"
    written(folder, "result.json", {"n_total_trials": len(trials), "stats": {}})
    for item in trials:
        written(folder, f"{item['trial_name']}/result.json", item)
    return read(folder)


def test_a_job_of_harbor_is_a_folder_of_trials(tmp_path):
    source = job(tmp_path, trial("fix", 1), trial("fix", 2, 0.0), trial("add", 1, 0.5))
    metrics = {
        "duration_seconds": 150.0,
        "input_tokens": 50,
        "output_tokens": 9,
        "cost_usd": 0.4,
    }
    assert runs(source) == [
        ("claude-code", "add", 0, {"score": 0.5, **metrics}),
        ("claude-code", "fix", 0, {"score": 1.0, "success": 1.0, **metrics}),
        ("claude-code", "fix", 1, {"score": 0.0, "success": 0.0, **metrics}),
    ]
    assert source.kind == "harbor"
    one = read(tmp_path / "job" / "add__1" / "result.json")
    assert [run.case for run in one.runs] == ["add"]


def test_models_of_one_agent_of_harbor_are_arms(tmp_path):
    other = {"name": "claude-code", "version": "2", "model_info": {"name": "haiku"}}
    source = job(tmp_path, trial("fix", 1), trial("fix", 2, agent_info=other))
    assert source.arms == ("claude-code on opus", "claude-code on haiku")


def test_only_its_own_time_out_is_the_fault_of_an_agent_of_harbor(tmp_path):
    source = job(
        tmp_path,
        trial("a", 1, 0.0, exception_info={"exception_type": "AgentTimeoutError"}),
        trial("b", 1, 0.0, exception_info={"exception_type": "EnvironmentStartTimeoutError"}),
        trial("c", 1, verifier_result=None),
    )
    ends = [(run.status.value, run.metrics.get("success")) for run in source.runs]
    assert ends == [("timeout", 0.0), ("interrupted", None), ("ok", None)]
    assert source.excluded == {
        "ended by an error, not by its agent (EnvironmentStartTimeoutError)": 1,
        "not graded": 1,
    }


# JUnit

JUNIT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="suite"><testsuite timestamp="2026-03-01T10:00:00">
  <testcase classname="pkg.sums" name="adds" time="0.5"/>
  <testcase classname="pkg.sums" name="fails" time="1"><failure message="3"/></testcase>
  <testcase classname="pkg.sums" name="breaks" time="2"><error/></testcase>
  <testcase classname="pkg.sums" name="later"><skipped/></testcase>
  <testcase name="alone" time="0"><system-out>x &amp; y</system-out></testcase>
</testsuite></testsuites>
"""


def test_junit_is_one_arm_of_tests(tmp_path):
    source = read(written(tmp_path, "report.xml", JUNIT))
    assert runs(source) == [
        ("unnamed", "pkg.sums.adds", 0, {"success": 1.0, "duration_seconds": 0.5}),
        ("unnamed", "pkg.sums.fails", 0, {"success": 0.0, "duration_seconds": 1.0}),
        ("unnamed", "pkg.sums.breaks", 0, {"success": 0.0, "duration_seconds": 2.0}),
        ("unnamed", "alone", 0, {"success": 1.0}),
    ]
    assert [run.status for run in source.runs].count(TrialStatus.ERROR) == 1
    assert source.excluded == {
        "skipped": 1, "a zero that was never measured (duration_seconds)": 1,
    }  # fmt: skip
    assert source.title == "suite"
    assert any("whose fault" in note for note in source.notes)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuite/>', "document type"),
        ("<testsuite><testcase></testsuite>", "not valid XML"),
        ("<html/>", "no JUnit"),
        ("<testsuite>" + "<a>" * 70 + "</a>" * 70 + "</testsuite>", "nested deeper"),
    ],
)
def test_other_xml_is_refused(tmp_path, text, why):
    with pytest.raises(UsageError, match=why):
        read(written(tmp_path, "report.xml", text))


def test_a_report_without_tests_is_refused(tmp_path):
    with pytest.raises(RefusedError, match="no run that counts"):
        read(written(tmp_path, "report.xml", "<testsuite/>"))
