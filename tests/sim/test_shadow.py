"""The vectorised twin decides exactly as the product does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.everyday import some
from tests.sim import rates, real, scenarios, shadow, worlds

from meta_experiment.types import Decision

KINDS = {
    "log": scenarios.same("lognormal"),
    "raw": scenarios.same("lognormal", log=False),
    "four arms": scenarios.one_better,
    "one harmful": scenarios.one_harmful,
    "interrupted": scenarios.interrupted,
    "missing": scenarios.slowest_missing(0.1),
    "missing, wide": scenarios.slowest_missing(0.1, sigma=1.0),
    "missing, better": scenarios.some_missing(0.2, 0.6),
    "rare price": scenarios.rare_price(0.5, 3.6),
    "rare delay": scenarios.rare_price(log=True),
    "better": scenarios.shifted(-1.2),
    "worse": scenarios.shifted(1.2),
    "ramp": scenarios.ramped(3.0),
}


def product(world, row, look, threshold):
    """Return what the product says of one experiment's first units."""
    arguments = {key: value for key, value in world.items() if key not in ("log", "treatments")}
    prefix = {key: value[row, : look + 1] for key, value in arguments.items()}
    plan = real.plan(
        treatments=world.get("treatments", 1), log=world.get("log", True), threshold=threshold
    )
    given = real.trials(
        prefix["raw"].tolist(), prefix["arm"].tolist(), *map(prefix.get, ("cut", "gone"))
    )
    return real.decide(plan, given)


@pytest.mark.parametrize("kind", KINDS)
def test_the_twin_has_the_products_evidence(kind):
    """e-values of both directions agree at random looks of random experiments."""
    rng = np.random.default_rng(20260101)
    world = KINDS[kind](rng, 6, 160)
    values = np.log(world["raw"]) if world.get("log", True) else world["raw"]
    here = ~world.get("gone", np.zeros_like(values, dtype=bool))
    control = shadow.running(values, here & (world["arm"] == 0))
    treated = shadow.running(values, here & (world["arm"] == 1))
    above, below = shadow.log_evidence(control, treated)
    for row in range(6):
        look = int(rng.integers(60, 160))
        comparison = product(world, row, look, 0.0).primary.comparisons[0]
        if comparison.sequential is None:
            assert min(control.n[row, look], treated.n[row, look]) < 2
            continue
        assert math.log(comparison.sequential.e_promote) == pytest.approx(
            below[row, look], abs=1e-7
        )
        assert math.log(comparison.sequential.e_reject) == pytest.approx(
            above[row, look], abs=1e-7
        )


@pytest.mark.parametrize("kind", some(KINDS, 3))
@pytest.mark.parametrize("threshold", [0.0, 0.15])
def test_the_twin_decides_first_where_the_product_does(kind, threshold):
    """The product extends before the twin's first crossing and takes its action there.

    Blocks by data quality are the product's alone, so that they may come instead.
    """
    rng = np.random.default_rng(7)
    world = KINDS[kind](rng, 4, 120)
    crossed = shadow.decide(**world, threshold=threshold)
    for row in range(4):
        looks = [look for look in (crossed.promoted[row], crossed.rejected[row]) if look >= 0]
        at = min(looks, default=119)
        for look in {at, max(0, at - 1), at // 2}:
            expected = Decision.EXTEND
            if look == crossed.promoted[row]:
                expected = Decision.PROMOTE
            elif look == crossed.rejected[row]:
                expected = Decision.REJECT
            found = product(world, row, look, threshold)
            blocked = not (found.checks.attrition.ok and found.checks.srm.ok)
            ended = found.decision is Decision.INCONCLUSIVE  # bound below the threshold
            assert blocked or ended or found.decision is expected, (row, look, found.reason)


@pytest.mark.parametrize("log", [True, False])
def test_the_twin_takes_missing_values_for_what_the_product_does(log):
    """At every look where values are missing beyond the control's share."""
    from meta_experiment.decide.metrics import family_of
    from meta_experiment.decide.metrics.sample import Sample

    metric = real.plan(log=log).primary
    world = scenarios.slowest_missing(0.3, sigma=1.0)(np.random.default_rng(14), 2, 80)
    arm, gone = world["arm"], world["gone"]
    values = np.log(world["raw"]) if log else world["raw"]
    measured = np.where(gone, -1, arm)
    beyond = shadow.missing_beyond(gone, arm, 1)
    twin = shadow.worst_of_control(values, measured, arm, beyond, np.ones_like(beyond))
    looks = [(row, look) for row in range(2) for look in range(8, 80) if beyond[0, row, look]]
    for row, look in looks:
        own = values[row, : look + 1][measured[row, : look + 1] == 0]
        share = beyond[0, row, look] / np.count_nonzero(arm[row, : look + 1] == 1)
        control = Sample(tuple(own.tolist()), (), {}, ("",) * len(own))
        typical = own.mean() + math.log(2) if log else 2 * own.mean()
        found = family_of(metric).missing(control, share, metric)
        assert found == pytest.approx(max(typical, twin[0, row, look]))
    assert len(looks) > 100


def test_the_twin_judges_guardrails_as_the_product_does():
    """Blocks and rejections by a guardrail come at the same looks, and by a safety metric."""
    from dataclasses import replace

    from meta_experiment.types import Direction, Guardrail, Metric, MetricKind, Scale

    rng = np.random.default_rng(11)
    guard = Metric("guard", MetricKind.CONTINUOUS, Direction.LOWER, Scale.LOG)
    seen = set()
    extra = replace(guard, name="extra")
    for harm, better, slower in (
        (1.0, 0.6, 1.0), (1.3, 0.6, 1.0), (2.0, 0.6, 1.0), (1.1, 0.6, 1.0), (1.6, 1.0, 1.0),
        (1.0, 1.0, 2.0),
    ):  # fmt: skip
        arm = worlds.blocks(rng, 2, 160)
        raw = worlds.noise(rng, arm.shape, "lognormal", 0.4) * np.where(arm == 1, better, 1)
        kept = worlds.noise(rng, arm.shape, "lognormal", 0.4) * np.where(arm == 1, harm, 1)
        more = worlds.noise(rng, arm.shape, "lognormal", 0.4) * np.where(arm == 1, slower, 1)
        without_errors = np.ones(arm.shape)
        crossed = shadow.decide(raw, arm, guards=[kept], watched=[without_errors, more])
        plan = real.plan(
            guardrails=(Guardrail(guard),), secondary=(extra,), safety_metrics=("extra",)
        )
        for row in range(2):
            first = [x for x in (crossed.promoted[row], crossed.rejected[row]) if x >= 0]
            at = min(first, default=159)
            for look in (at - 1, at):
                given = [
                    replace(
                        item, metrics=dict(item.metrics, guard=float(value), extra=float(other))
                    )
                    for item, value, other in zip(
                        real.trials(raw[row, : look + 1], arm[row, : look + 1]),
                        kept[row, : look + 1],
                        more[row, : look + 1],
                        strict=True,
                    )
                ]
                found = real.decide(plan, given)
                expected = "EXTEND"
                if look == crossed.promoted[row]:
                    expected = "PROMOTE"
                elif look == crossed.rejected[row]:
                    expected = "REJECT"
                seen.add(expected)
                assert found.decision in (expected, "INCONCLUSIVE"), (harm, found.reason)
                assert found.decision != "INCONCLUSIVE" or expected == "EXTEND"
    assert seen == {"EXTEND", "PROMOTE", "REJECT"}


@pytest.mark.long
@pytest.mark.parametrize("log", [True, False])
def test_the_twin_covers_where_the_products_interval_does(log):
    """The true effect is inside the interval exactly when the twin says so."""
    rng = np.random.default_rng(12)
    inside = 0
    for _ in range(40):
        arm = worlds.blocks(rng, 1, 80)
        raw = worlds.noise(rng, arm.shape, "lognormal")
        truth = float(rng.uniform(0.4, 1.8))
        kept = [
            bool(shadow.covered(raw[:, : look + 1], arm[:, : look + 1], truth, log=log)[0])
            for look in (78, 79)
        ]
        plan = real.plan(log=log)
        interval = real.decide(plan, real.trials(raw[0], arm[0])).primary.comparisons[0]
        low, high = (
            interval.sequential.interval.low,
            interval.sequential.interval.high,
        )
        holds = (low is None or low <= 1 - truth) and (high is None or 1 - truth <= high)
        # the twin asks of every look up to the last: inside now is needed for inside always
        assert not kept[1] or holds
        control = shadow.running(np.log(raw) if log else raw, arm == 0)
        treated = shadow.running(np.log(raw) if log else raw, arm == 1)
        if not log:
            control = shadow.Moments(
                control.n, truth * control.mean, truth**2 * control.variance
            )
        above, below = shadow.log_evidence(control, treated, math.log(truth) if log else 0.0)
        now = max(above[0, -1], below[0, -1]) < math.log(20)
        assert now == holds
        inside += holds
    assert 5 < inside < 35


def test_the_twin_of_the_exact_rule_has_its_evidence():
    """Log e-values of random counts agree with the library's."""
    from meta_experiment.stats.pairs import pair_rule

    rng = np.random.default_rng(5)
    m = rng.integers(1, 300, 40)
    lower, upper = (rng.integers(0, m + 1) for _ in range(2))
    found = rates.log_e(lower, upper, m)
    for index in range(40):
        exact = pair_rule(int(lower[index]), int(upper[index]), int(m[index]))
        assert found[index] == pytest.approx(exact.log_e_greater, abs=1e-9)


@pytest.mark.long
def test_the_twin_of_the_interval_of_rates_holds_what_the_product_does():
    """Random ratios are inside the product's interval exactly when the twin says so."""
    from meta_experiment.types import Direction, Metric, MetricKind, Scale

    rng = np.random.default_rng(13)
    success = Metric("amount", MetricKind.PROPORTION, Direction.HIGHER, Scale.RAW)
    seen = set()
    for _ in range(40):
        m = int(rng.integers(5, 60))
        ones = (rng.random((2, m)) < rng.uniform(0.05, 0.95)).astype(float)
        if not ones[0].any() or ones.all():  # no relative effect, or degenerate
            continue
        made = real.trials(ones.T.ravel().tolist(), [0, 1] * m)
        found = real.decide(real.plan(primary=success), made).primary.comparisons[0]
        low, high = found.sequential.interval.low, found.sequential.interval.high
        for ratio in (1.0, *rng.uniform(0.3, 3, 5)):
            twin = rates.holds(ones[0].sum(), ones[1].sum(), m, ratio)
            assert twin == (low <= ratio - 1 and (high is None or ratio - 1 <= high))
            seen.add(bool(twin))
    assert seen == {True, False}


def test_the_twin_closes_families_as_the_product_does():
    """Closed testing with averages agrees with the library on random evidence."""
    from meta_experiment.stats.multiplicity import closed_average

    rng = np.random.default_rng(3)
    logs = rng.normal(0, 3, (3, 50))
    twin = shadow.closed(logs)
    for column in range(50):
        assert closed_average(logs[:, column].tolist()) == pytest.approx(twin[:, column])


def test_blocks_are_balanced():
    """Permuted blocks give every arm the same number of units."""
    arm = worlds.blocks(np.random.default_rng(1), 5, 80, 4)
    assert all((np.bincount(row) == 20).all() for row in arm)
