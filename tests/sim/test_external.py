"""Arms that another system draws, in unequal shares: time does not pass for an effect."""

import numpy as np
import pytest
from tests.sim import external

RATES = external.MEASURES["proportion"]


@pytest.mark.parametrize("world", ["rising", "falling"])
def test_a_drifting_rate_deceives_pairs_and_not_times(world):
    """The table in small: of alike arms pairs show most to differ, times hardly any."""
    seen = external.shown(RATES, seed=1, experiments=30, share=0.1, world=world, a_day=100)
    assert (seen > 0).mean(axis=0).max() <= 0.17  # 5% and three errors of the count
    rng = np.random.default_rng(1)
    paired = external.pairs_shown(rng, share=0.1, world=world, a_day=100, runs=30)
    assert paired.max() >= 0.5


@pytest.mark.long
@pytest.mark.parametrize("name", ["mean, log scale", "sum", "count", "ratio", "proportion"])
def test_no_metric_takes_time_for_an_effect(name):
    measure = external.MEASURES[name]
    seen = external.shown(measure, seed=2, experiments=40, share=0.1, world="rising")
    assert (seen > 0).mean(axis=0).max() <= 0.15  # 5% and three errors of the count


@pytest.mark.long
def test_a_better_rate_is_shown_at_any_share():
    course = {"experiments": 30, "world": "rising", "useful": True, "a_day": 100}
    for share, least in ((0.5, 0.8), (0.1, 0.3)):
        seen = external.shown(RATES, seed=3, share=share, **course)
        assert (seen[:, 0] > 0).mean() >= least
