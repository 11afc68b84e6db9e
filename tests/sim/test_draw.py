"""The averaged evidence of robust plans: its error rate, and what it finds sooner."""

import numpy as np
import pytest
from tests.decide.making import plan, trial
from tests.sim import draw

from meta_experiment.decide.analysis import analyze
from meta_experiment.types import Scale

NAMES = ("control", "b")


def test_the_twin_is_the_program():
    rng = np.random.default_rng(5)
    arm = draw.arms(rng, 3, 40)
    values = rng.normal(3, 0.4, arm.shape) - 0.3 * arm
    up, down = draw.log_robust(values, arm)
    base = plan(robust=True)
    assert base.primary.scale is Scale.LOG
    for row in range(3):
        made = [
            trial(NAMES[arm[row, place]], place, metrics={"duration_seconds": np.exp(value)})
            for place, value in enumerate(values[row])
        ]
        for look in (1, 3):
            seen = analyze(
                base,
                made[: 10 * (look + 1)],
                experiment_id="x",
                as_of=2e9,
                started=None,
            )
            evidence = seen.primary.comparisons[0].sequential
            assert evidence.e_promote == pytest.approx(np.exp(down[row, look]), rel=1e-6)
            assert evidence.e_reject == pytest.approx(np.exp(up[row, look]), rel=1e-6)


@pytest.mark.long
@pytest.mark.parametrize("world", [draw.wild, lambda rng, shape: rng.exponential(size=shape)])
def test_alike_arms_are_rarely_told_apart(world):
    """5% are promised; of 150 experiments more than 15 would be one chance in 200."""
    rng = np.random.default_rng(6)
    arm = draw.arms(rng, 150, 300)
    less, greater = draw.crossings(world(rng, arm.shape), arm)
    assert max((less >= 0).sum(), (greater >= 0).sum()) <= 15


def test_wild_values_are_seen_through_sooner():
    rng = np.random.default_rng(7)
    arm = draw.arms(rng, 100, 200)
    values = draw.wild(rng, arm.shape) - 0.3 * arm
    less, _ = draw.crossings(values, arm)
    assert (less >= 0).mean() > draw.plain(values, arm) + 0.1
