"""A look at collected sums takes whole days, and of every arm the same ones."""

from tests.support.warehouse_rows import plan_of

from meta_experiment.decide.analysis import analyze_on
from meta_experiment.decide.collected import ArmDay, CollectedSums, MetricSums
from meta_experiment.decide.collected_basis import basis_of_sums
from meta_experiment.stats.joint_moments import JointMoments
from meta_experiment.stats.moments import Moments
from meta_experiment.types import Decision

PLAN = plan_of("cost_usd", stopping={"rule": "fixed", "sample_size": 1_000})


def day_of(variant, day, units):
    values = Moments.of(float(place % 7) for place in range(units))
    joint = JointMoments(values.n, (values.mean,), (values.residual,), ((values.m2,),))
    metrics = {"cost_usd": MetricSums(joint, None, False, {})}
    return ArmDay(variant, day, units, 0, metrics)


def looked_at(control, treatment):
    """Return the units of both arms at the one look, and whether it may be held."""
    arms = {"control": control, "treatment": treatment}
    days = [
        day_of(name, day, units)
        for name, counts in arms.items()
        for day, units in enumerate(counts)
    ]
    basis = basis_of_sums(PLAN, CollectedSums(tuple(days), {}), 0.0)
    return {name: arm.counted for name, arm in basis.samples.arms.items()}, basis.look.complete


def test_one_look_takes_the_days_until_the_slower_arm_has_its_units():
    """The other one had them a day before: what is of the third day alone is in both."""
    seen, complete = looked_at([490, 495, 490, 500], [510, 505, 510, 500])
    assert complete
    assert seen == {"control": 490 + 495 + 490, "treatment": 510 + 505 + 510}


def test_one_look_waits_until_every_arm_has_its_units():
    seen, complete = looked_at([600, 600], [500, 499])
    assert not complete
    assert seen == {"control": 1_200, "treatment": 999}


def test_an_arm_without_a_unit_yet_is_waited_for_beside_sums_of_another():
    """The sums have none of the plan's covariates, as the client tells it while it serves."""
    plan = plan_of("cost_usd", covariates=["previous"])
    sums = CollectedSums((day_of("control", 0, 30), day_of("control", 1, 30)), {})
    basis = basis_of_sums(plan, sums, 0.0)
    found = analyze_on(basis, plan, (), experiment_id="e", started=None)
    assert found.decision is Decision.EXTEND
