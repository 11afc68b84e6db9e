"""A benchmark's own sums are held against its runs."""

from __future__ import annotations

import pytest

from meta_experiment.sources.results.benchmark import Origin, parse


def notes(*, runs=1, stated=1, delta=None, arms=("with_skill", "without_skill")):
    """Read a benchmark whose first arm passes more, takes longer and has the same tokens."""
    made = [
        {
            "eval_id": case,
            "configuration": arm,
            "run_number": number,
            "result": {
                "pass_rate": 0.9 - 0.4 * place,
                "time_seconds": 20 - 5 * place,
                "tokens": 7,
            },
        }
        for place, arm in enumerate(arms)
        for case in (1, 2)
        for number in range(runs)
    ]
    document = {
        "metadata": {"runs_per_configuration": stated},
        "runs": made,
        "run_summary": {"delta": delta or {}},
    }
    return [note for note in parse(Origin("b", "0" * 64), document).notes if "source" in note]


def test_a_fixed_number_of_runs_is_held_against_those_there_are():
    assert notes() == notes(runs=3, stated=3) == []
    (note,) = notes(stated=3)
    assert "states 3 runs of each case" in note
    assert "at most 1" in note


@pytest.mark.parametrize(
    "delta", [{}, {"pass_rate": "+0.40", "time_seconds": "+5.0"}, {"tokens": -1}]
)
def test_differences_of_the_right_sign_pass(delta):
    assert notes(delta=delta) == []


def test_a_difference_taken_the_other_way_is_said():
    """Of the names in their order: `baseline` comes before `with_skill`."""
    found = notes(
        arms=("with_skill", "baseline"),
        delta={"pass_rate": "-0.40", "time_seconds": -5.0, "tokens": "+0"},
    )
    assert len(found) == 2
    assert "difference of pass_rate (-0.40)" in found[0]
    assert "with_skill is above baseline" in found[0]
    assert "duration_seconds" in found[1]


def test_without_a_control_nobody_knows_which_way():
    assert notes(arms=("one", "two"), delta={"pass_rate": "-0.40"}) == []
