"""A useless variant is promoted in at most 5% of experiments that are collected day by day."""

import random

import pytest
from tests.support.warehouse_rows import plan_of

from meta_experiment.decide.analysis import analyze_on
from meta_experiment.decide.collected import ArmDay, CollectedSums, MetricSums
from meta_experiment.decide.collected_basis import basis_of_sums
from meta_experiment.stats.joint_moments import JointMoments
from meta_experiment.stats.moments import Moments

EXPERIMENTS, DAYS = 150, 8
PLAN = {"targets": {"improvement_threshold": 0}, "stopping": {"sample_size": 10}}


def arm_day(chance, variant, day, metric, draw):
    values = [draw(chance) for _ in range(chance.randrange(4, 20))]
    moments = Moments.of(values)
    joint = JointMoments(moments.n, (moments.mean,), (moments.residual,), ((moments.m2,),))
    sums = MetricSums(joint, None, set(values) <= {0.0, 1.0}, {})
    return ArmDay(variant, day, len(values), 0, {metric: sums})


def convinces(metric, draw, seed):
    """Say whether the evidence for a variant that is like the control convinces on any day."""
    chance, plan, days = random.Random(seed), plan_of(metric, **PLAN), ()  # noqa: S311
    for day in range(DAYS):
        arms = ("control", "treatment")
        days += tuple(arm_day(chance, name, day, metric, draw) for name in arms)
        basis = basis_of_sums(plan, CollectedSums(days, {}), 0.0)
        seen = analyze_on(basis, plan, (), experiment_id="e", started=None)
        (comparison,) = seen.primary.comparisons
        if comparison.sequential and comparison.sequential.e_promote >= 1 / plan.alpha:
            return True
    return False


@pytest.mark.long
@pytest.mark.parametrize(
    ("metric", "draw"),
    [
        ("cost_usd", lambda chance: chance.lognormvariate(0, 0.6)),
        ("success", lambda chance: float(chance.random() < 0.4)),
    ],
)
def test_a_useless_variant_seldom_convinces(metric, draw):
    found = sum(convinces(metric, draw, seed) for seed in range(EXPERIMENTS))
    assert found <= 0.05 * EXPERIMENTS
