"""Runs are ranked by what is known of them, and a crash never wins."""

import pytest

from meta_experiment.runs.ranking import Candidate, ranked, standing
from meta_experiment.types.cases import CriterionKind, CriterionResult


def names(*candidates):
    return [item.name for item in ranked(candidates)]


def result(passed):
    return CriterionResult("c", CriterionKind.CONTAINS, 1.0, passed)


def test_buckley_08_the_better_score_stands_first():
    scores = {"v1": 0.5, "v2": 1.0, "v3": 0.75}
    assert names(*(Candidate(name, value) for name, value in scores.items())) == [
        "v2",
        "v3",
        "v1",
    ]


def test_buckley_09_of_equal_scores_the_cheaper_stands_first():
    assert names(Candidate("v1", 1.0, 0.02), Candidate("v2", 1.0, 0.01)) == ["v2", "v1"]


def test_buckley_36_a_crash_that_cost_nothing_does_not_win():
    runs = [("crash", 0.0, False), ("ok", 0.01, True)]
    assert names(
        *(Candidate(name, standing((), completed=ended), usd) for name, usd, ended in runs)
    ) == ["ok", "crash"]


def test_buckley_01_a_run_that_ended_with_nothing_to_judge_stands_at_1():
    assert standing((), completed=True) == 1.0
    assert standing([result(None)], completed=True) == 1.0
    assert standing((), completed=False) is None


def test_a_crash_stands_behind_a_run_that_passed_nothing():
    failed = standing([result(passed=False)], completed=True)
    crashed = standing([result(passed=True)], completed=False)
    assert (failed, crashed) == (0.0, None)
    assert names(Candidate("crash", crashed, 0.0), Candidate("failed", failed, 9.0)) == [
        "failed",
        "crash",
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((1.0, 9.0, 9.0), (1.0, None, 1.0)),  # a price that is unknown is not nothing
        ((1.0, 1.0, 1.0), (1.0, 1.0, 2.0)),
        ((1.0, 1.0, 9.0), (1.0, 1.0, None)),
        ((1.0, None, 1.0), (1.0, None, 2.0)),
        ((None, 1.0, 1.0), (None, 2.0, 1.0)),
    ],
)
def test_what_is_unknown_stands_last(first, second):
    assert names(Candidate("b", *second), Candidate("a", *first)) == ["a", "b"]


def test_what_is_equal_stays_in_its_order():
    assert names(*(Candidate(name, 1.0, 1.0, 1.0) for name in "cab")) == ["c", "a", "b"]
