import pytest
from tests.sources import shapes

from meta_experiment.errors import RefusedError, UsageError
from meta_experiment.sources.results.benchmark import Origin
from meta_experiment.sources.results.plugin_eval import parse, recognised
from meta_experiment.types import TrialStatus

ORIGIN = Origin("result.json", "0" * 64)


def test_every_run_of_both_arms_is_read():
    """Score, verdict, turns, time and cost of the run; the judge's cost is not the prompt's."""
    document = shapes.plugin_eval()
    assert recognised(document)
    source = parse(ORIGIN, document)
    assert [(run.arm, run.case, run.index) for run in source.runs[:4]] == [
        ("with", "basic", 0), ("with", "basic", 1), ("without", "basic", 0),
        ("without", "basic", 1),
    ]  # fmt: skip
    assert source.runs[2].metrics == {
        "score": 0.5, "success": 0.0, "turns": 3, "duration_seconds": 1, "cost_usd": 0.0477,
    }  # fmt: skip
    assert source.runs[0].fingerprint == {"client": "2.1.329"}
    assert source.runs[0].at == pytest.approx(source.at + 0.036)
    assert source.title == "greeter"
    assert not any("no known metric" in note for note in source.notes)


def test_the_arms_are_counted_not_the_promised_runs():
    """`runsPerCase` may say three where two ran."""
    assert len(parse(ORIGIN, shapes.plugin_eval()).runs) == 8


def changed(**changes):
    document = shapes.plugin_eval()
    document["cases"][0]["arms"]["with"][0] |= changes
    return parse(ORIGIN, document)


def test_an_error_is_a_run_that_failed():
    """A run that broke keeps what was measured, with the status that says so."""
    assert changed(error="crashed").runs[0].status is TrialStatus.ERROR


def test_a_run_that_was_graded_in_part_has_no_grade():
    """Without its paid graders a score is not comparable; its cost still is."""
    source = changed(skippedPaidGraders=True)
    assert source.runs[0].metrics.keys() == {"turns", "duration_seconds", "cost_usd"}
    assert source.excluded == {"graded without its paid graders": 1}


def test_a_treatment_that_was_not_received_is_said():
    """A failed grader that only this arm has shows that the plugin was not used."""
    source = changed(graders=[{"name": "used", "passed": False, "withOnly": True}])
    assert any(note.startswith("1 × a run of with did not use") for note in source.notes)


def test_a_partial_evaluation_is_said():
    """What a cost cap cut short is read, and marked."""
    notes = parse(ORIGIN, shapes.plugin_eval(partial=True)).notes
    assert any("cut short" in note for note in notes)


def test_whole_seconds_are_said():
    """A duration of one second is as exact as the source is, and the user knows."""
    assert any("whole seconds" in note for note in parse(ORIGIN, shapes.plugin_eval()).notes)


def test_a_later_schema_is_refused():
    """An unknown version is not read as if it were this one."""
    with pytest.raises(UsageError, match="schema version 2"):
        parse(ORIGIN, shapes.plugin_eval(schemaVersion=2))


def test_an_evaluation_without_runs_is_refused():
    """No case, no trial."""
    with pytest.raises(RefusedError, match="no run"):
        parse(ORIGIN, shapes.plugin_eval(cases=[]))


def test_a_zero_for_an_error_is_no_grade():
    """An overloaded service is graded 0 there, as a task that was not done is."""
    source = changed(error="529 overloaded", score=0, passed=False)
    assert source.runs[0].metrics.keys() == {"turns", "duration_seconds", "cost_usd"}
    assert source.excluded == {"graded 0 for an error, which is no grade": 1}
