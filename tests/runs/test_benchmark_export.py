"""Runs as skill-creator's benchmark: what its viewer reads is there, and nothing is made up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.runs.outcomes import outcome_of

from meta_experiment.runs.benchmark_export import benchmark
from meta_experiment.sources.results.benchmark import Origin, parse
from meta_experiment.types.cases import CriterionKind, CriterionResult
from meta_experiment.types.runs import RunCell


def run(case, variant, *passed, repeat=1, metrics=None, failure=None):
    made = outcome_of(RunCell(case, repeat, variant), failure=failure)
    criteria = tuple(
        CriterionResult(f"part {n}", CriterionKind.CONTAINS, 1.0, verdict, "seen")
        for n, verdict in enumerate(passed)
    )
    return replace(
        made,
        criteria=criteria,
        report=replace(made.report, metrics=metrics or {"success": 0.0}),
    )


def measured(seconds, tokens):
    return {"duration_seconds": seconds, "total_tokens": tokens, "tool_calls": 2.0}


RUNS = [
    run("b", "old", True, False, metrics=measured(30.0, 100.0)),
    run("b", "new", True, True, metrics=measured(10.0, 150.0)),
    run("a", "new", True, False, repeat=2, metrics={"duration_seconds": 20.0}),
    run("a", "old", failure="agent"),
    run("a", "other", True),
    run("a", "old", True, None, repeat=2),
    run("a", "new", repeat=3),
]
DOCUMENT = benchmark(RUNS, "new", "old", {"skill_name": "review"})


def test_runs_are_those_of_both_variants_that_have_a_verdict():
    shown = [
        (item["eval_id"], item["eval_name"], item["configuration"], item["run_number"])
        for item in DOCUMENT["runs"]
    ]
    assert shown == [
        (1, "a", "with_skill", 2),
        (1, "a", "without_skill", 1),
        (2, "b", "with_skill", 1),
        (2, "b", "without_skill", 1),
    ]
    assert DOCUMENT["metadata"] == {
        "skill_name": "review", "evals_run": [1, 2], "runs_per_configuration": 1,
    }  # fmt: skip


def test_a_run_has_its_verdicts_and_what_was_measured_of_it():
    part, failed, whole, _ = DOCUMENT["runs"]
    assert part["result"] == {
        "pass_rate": 0.5, "passed": 1, "failed": 1, "total": 2, "errors": 0,
        "time_seconds": 20.0,
    }  # fmt: skip
    assert part["expectations"][1] == {"text": "part 1", "passed": False, "evidence": "seen"}
    assert failed["result"] == {
        "pass_rate": 0.0, "passed": 0, "failed": 2, "total": 2, "errors": 1,
    }  # fmt: skip
    assert failed["expectations"][0]["evidence"] == "scripted"
    assert failed["notes"] == ["scripted"]
    assert whole["result"]["tokens"] == 150.0


def test_the_summary_begins_with_the_treatment_and_tells_what_it_has_more():
    summary = DOCUMENT["run_summary"]
    assert list(summary) == ["with_skill", "without_skill", "delta"]
    assert summary["with_skill"]["pass_rate"] == {
        "mean": 0.75, "stddev": pytest.approx(0.3536, abs=1e-4), "min": 0.5, "max": 1.0,
    }  # fmt: skip
    assert summary["without_skill"]["tokens"]["stddev"] == 0.0
    assert summary["delta"] == {"pass_rate": "+0.50", "time_seconds": "-15.0", "tokens": "+50"}


def test_it_can_be_imported_again():
    source = parse(Origin("b", "0" * 64), DOCUMENT)
    assert (source.runs[0].arm, source.runs[0].case) == ("with_skill", "1")
    assert [item.metrics["pass_rate"] for item in source.runs] == [0.5, 0.0, 1.0, 0.5]
    assert not any("The source" in note for note in source.notes)
