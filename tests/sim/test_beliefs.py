"""A chance to be better is no rule, and the bayesian rule promotes what the sequential does."""

from dataclasses import replace

import numpy as np
import pytest
from tests.decide.making import COST, look, plan, trials
from tests.sim import beliefs

from meta_experiment.stats.best_arm import best_mean
from meta_experiment.stats.moments import Moments
from meta_experiment.types import Decision, Stopping


def test_the_twin_weighs_arms_as_the_program_does():
    """With many units a t is a normal: the chances of three arms agree to three digits."""
    values = np.random.default_rng(1).normal(size=(1, 400, 3))
    mean, error = beliefs.moments(values)
    found = beliefs.best(mean[0, -1], error[0, -1])
    program = best_mean([Moments.of(column) for column in values[0].T])
    assert found == pytest.approx(program, abs=2e-3)


@pytest.mark.long
def test_equal_arms_reach_95_per_cent_far_too_often():
    """At some look some arm is the best by 95% in half of all experiments; few are promoted."""
    values = np.random.default_rng(2).normal(size=(250, 200, 2))
    assert beliefs.reached(values, 0.95) > 0.4
    assert beliefs.treatment_reached(values, 0.95) == pytest.approx(
        beliefs.foretold(0.95, 200), abs=0.09
    )
    assert beliefs.promoted(values) <= 0.05 + 3 * 0.014


def test_looked_at_after_every_pair_it_promotes_what_the_sequential_rule_does():
    """The program itself, pair by pair, with and without an effect: the same decisions."""
    rng, promoted = np.random.default_rng(3), 0
    for effect in (0.0, 0.0, 0.8):
        control = np.exp(rng.normal(3, 0.5, 30))
        treated = np.exp(rng.normal(3 - effect, 0.5, 30))
        for units in range(10, 31, 4):
            data = trials("cost_usd", control=control[:units], b=treated[:units])
            asked = plan(primary=COST)
            plain = look(asked, data)
            shown = look(replace(asked, stopping=Stopping.BAYESIAN), data)
            assert (shown.decision, shown.winner) == (plain.decision, plain.winner)
            promoted += shown.decision is Decision.PROMOTE
    assert promoted > 0
