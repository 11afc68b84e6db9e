"""Figures of some runs; what is unknown of one is unknown of all."""

import pytest

from meta_experiment.runs.profile import RunFigures, profile


def test_buckley_32_two_runs_are_summed_up():
    found = profile([RunFigures(True, 0.1, 100, 0.01), RunFigures(False, 0.3, 200, 0.03)])
    assert (found.runs, found.success_rate, found.mean_tokens) == (2, 0.5, 150)
    assert found.mean_seconds == pytest.approx(0.2)
    assert found.mean_usd == pytest.approx(0.02)
    assert found.usd_per_success == pytest.approx(0.04)
    assert found.confidence == pytest.approx(1 / 6)
    assert found.capability == "weak"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(10, 0.5, id="buckley-33"),
        pytest.param(30, 0.75, id="buckley-34"),
        pytest.param(90, 0.9, id="buckley-35"),
        (0, 0.0),
    ],
)
def test_confidence_grows_with_the_runs(number, expected):
    assert profile([RunFigures(True)] * number).confidence == pytest.approx(expected)


@pytest.mark.parametrize(
    ("succeeded", "number", "tools", "expected"),
    [
        (23, 23, None, "weak"),  # too few to say more
        (27, 30, None, "frontier"),
        (26, 30, None, "balanced"),
        (23, 30, None, "balanced"),
        (22, 30, None, "weak"),
        (30, 30, 0.85, "frontier"),
        (30, 30, 0.84, "weak"),
    ],
)
def test_what_may_be_left_to_it(succeeded, number, tools, expected):
    runs = [RunFigures(place < succeeded) for place in range(number)]
    assert profile(runs, tools).capability == expected


def test_what_is_unknown_is_not_nothing():
    found = profile([RunFigures(True, usd=1.0), RunFigures(True)])
    assert (found.mean_usd, found.usd_per_success, found.mean_seconds) == (None, None, None)
    assert profile([RunFigures(False, usd=1.0)]).usd_per_success is None
    assert profile([]).success_rate is None
