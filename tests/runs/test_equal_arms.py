"""By how much equal arms differ, told by repeats and by an A/A arm, holds in 19 of 20."""

import numpy as np
import pytest

from meta_experiment.runs.equal_arms import bound_by_arm, bound_by_repeats


def test_equal_arms_stay_below_the_bound_in_nineteen_of_twenty():
    """Cases differ far more than repeats, which says nothing of the arms."""
    rng, below, by_arm = np.random.default_rng(5), 0, 0
    rounds, cases, repeats = 400, 8, 3
    for _ in range(rounds):
        level = rng.normal(0, 10, cases)
        arms = level[None, :, None] + rng.normal(0, 1, (2, cases, repeats))
        cells = [list(arms[arm, case]) for arm in range(2) for case in range(cases)]
        difference = float((arms[1].mean(axis=1) - arms[0].mean(axis=1)).mean())
        below += abs(difference) <= bound_by_repeats(cells, 2)
        by_arm += abs(difference) <= bound_by_arm(
            list(arms[1].mean(axis=1) - arms[0].mean(axis=1))
        )
    assert below / rounds == pytest.approx(0.95, abs=0.033)  # three standard errors
    assert by_arm / rounds == pytest.approx(0.95, abs=0.033)


def test_without_repeats_or_an_arm_nothing_is_known():
    assert bound_by_repeats([[1.0], [2.0]], 2) is None
    assert bound_by_repeats([], 1) is None
    assert bound_by_arm([]) is None
    assert bound_by_arm([0.3]) is None
    assert bound_by_arm([0.0, 0.0]) == 0.0
