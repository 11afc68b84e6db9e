"""The power of the rule on pairs, held against simulation."""

import math

import numpy as np
import pytest
from tests.sim.rates import crossings

from meta_experiment.stats.pairs import pair_rule
from meta_experiment.stats.rate_power import boundary_of, rate_power

BAR = math.log(20)


def boundary(units, rate):
    return boundary_of(
        units, rate, lambda one, other: pair_rule(one, other, units).log_e_greater >= BAR
    )


@pytest.mark.long
@pytest.mark.parametrize(
    ("units", "control", "treatment"),
    [
        (35, 0.5, 0.95),
        (50, 0.5, 0.75),
        pytest.param(100, 0.1, 0.3, marks=pytest.mark.long),
        pytest.param(100, 0.5, 0.7, marks=pytest.mark.long),
        pytest.param(200, 0.9, 0.97, marks=pytest.mark.long),
        (10, 0.5, 1.0),
    ],
)
def test_the_power_agrees_with_simulation(units, control, treatment):
    """Within five points of what is decided at some look from the tenth pair on."""
    rng = np.random.default_rng(3)
    up, _ = crossings(rng, control, treatment, experiments=1500, last=units)
    found = rate_power(boundary(units, control), control, treatment, 10)
    assert found == pytest.approx((up > 0).mean(), abs=0.05)


def test_the_power_at_one_look_is_the_sum_of_what_decides():
    """With three pairs and a rule that wants all of them, by hand."""
    rule = boundary_of(3, 0.5, lambda one, other: other - one == 3)
    assert rule.fewest[0] == 3
    assert rate_power(rule, 0.5, 0.9, 3) == pytest.approx(0.5**3 * 0.9**3)


def test_the_boundary_holds_at_every_count():
    """From the fewest on the rule decides, below it does not."""
    found = boundary(20, 0.4)
    for control, fewest in enumerate(found.fewest, found.first):
        assert fewest == 21 or pair_rule(control, fewest, 20).log_e_greater >= BAR
        assert pair_rule(control, fewest - 1, 20).log_e_greater < BAR
