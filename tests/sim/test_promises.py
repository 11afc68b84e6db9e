"""What is promised of the default rules holds in simulation, in a small form.

`python -m tests.sim.full` runs the same scenarios at full length and writes the table in
docs/error-rates.md.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.sim import rates, real, scenarios, shadow, worlds

from meta_experiment.decide.attrition import attrition
from meta_experiment.decide.quality import ALPHA
from meta_experiment.decide.units import arms_of
from meta_experiment.types import Decision, Stopping

SMALL = 400  # units over two arms


def bound(limit, experiments):
    """Return the largest rate that a true rate at the limit shows but once in a thousand."""
    return limit + 3.1 * math.sqrt(limit * (1 - limit) / experiments)


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(item, id=item.name, marks=() if number % 4 == 0 else pytest.mark.long)
        for number, item in enumerate(scenarios.SCENARIOS)
    ],
)
def test_rates_stay_below_what_is_promised(scenario):
    """False promotions and rejections in every world, as far as a few hundred runs can tell."""
    several = "arms" in scenario.name
    experiments = min(150 if several else 200, scenario.experiments)
    units = min(scenario.units, 2 * SMALL if several else SMALL)
    found = scenarios.run(scenario, experiments, seed=41, units=units)
    if scenario.promoted is not None:
        assert found.promoted <= bound(scenario.promoted, experiments)
    if scenario.rejected is not None:
        assert found.rejected <= bound(scenario.rejected, experiments)


def test_a_better_arm_is_promoted_beside_a_harmful_one():
    """Of three treatments one is better, one harmful, one useless: the better one wins."""
    (scenario,) = (item for item in scenarios.SCENARIOS if "one does harm" in item.name)
    found = scenarios.run(scenario, 100, seed=48, units=2 * SMALL)
    assert found.promoted >= scenario.found - 0.05
    assert found.rejected == 0


def test_the_simulation_can_fail():
    """A rule that promotes at an e-value of 4 is caught by the same check."""
    world = scenarios.same("lognormal")(np.random.default_rng(42), 600, SMALL)
    found = shadow.decide(**world, alpha=0.25)
    assert found.rate("promote") > bound(0.05, 600)


@pytest.mark.long
def test_the_product_itself_promotes_few_identical_arms():
    """The whole path, trial by trial, looked at after every pair: at most 5% are promoted."""
    experiments, promoted = 40, 0
    rng = np.random.default_rng(43)
    plan = real.plan(threshold=0.15)
    for _ in range(experiments):
        arm = worlds.blocks(rng, 1, 60)
        raw = worlds.noise(rng, arm.shape, "lognormal")
        given = real.trials(raw[0].tolist(), arm[0].tolist())
        for last in range(24, 61, 4):
            decision = real.decide(plan, given[:last]).decision
            if decision is not Decision.EXTEND:
                promoted += decision is Decision.PROMOTE
                break
    assert promoted <= bound(0.05, experiments) * experiments


@pytest.mark.long
@pytest.mark.parametrize(
    ("share", "experiments"),
    [
        (0.3, 60),
        pytest.param(0.05, 150, marks=pytest.mark.long),
        pytest.param(0.3, 150, marks=pytest.mark.long),
    ],
)
def test_exclusions_in_all_arms_alike_rarely_block(share, experiments):
    """Trials left out whatever their arm, looked at again and again: at most 1% are blocked."""
    blocked = 0
    rng = np.random.default_rng(47)
    plan = real.plan()
    for _ in range(experiments):
        arm = worlds.blocks(rng, 1, 120)[0]
        given = [
            replace(item, status=None, metrics={}, closed_at=None, excluded="no_answer")
            if gone
            else item
            for item, gone in zip(
                real.trials([1.0] * 120, arm.tolist()), rng.random(120) < share, strict=True
            )
        ]
        blocked += not all(
            attrition(plan, arms_of(plan, given[:last]), 1e5, ALPHA).ok
            for last in range(20, 121, 10)
        )
    assert blocked <= bound(ALPHA, experiments) * experiments


@pytest.mark.long
@pytest.mark.parametrize("kind", ["lognormal", pytest.param("gamma", marks=pytest.mark.long)])
def test_the_fixed_rule_keeps_alpha_at_its_one_look(kind):
    """The whole path on identical arms at one look: α promoted, not less, and half rejected.

    The other half of what may reject is for the e-values that watch for harm.
    """
    experiments, seen = 400, []
    rng = np.random.default_rng(44)
    plan = real.plan(stopping=Stopping.FIXED, sample_size=15, alpha=0.2)
    for _ in range(experiments):
        arm = worlds.blocks(rng, 1, 32)
        raw = worlds.noise(rng, arm.shape, kind)
        seen.append(real.decide(plan, real.trials(raw[0].tolist(), arm[0].tolist())).decision)
    promoted, rejected = (seen.count(item) for item in (Decision.PROMOTE, Decision.REJECT))
    assert 0.13 * experiments <= promoted <= bound(0.2, experiments) * experiments
    assert 0.06 * experiments <= rejected <= bound(0.2, experiments) * experiments


@pytest.mark.parametrize(
    ("log", "truth"), [(True, 1.0), (True, 0.7), (False, 1.0), (False, 1.4)]
)
def test_intervals_cover_at_every_look(log, truth):
    """The always-valid interval of 90% holds the true effect at all looks in 90% of runs."""
    experiments = 800
    rng = np.random.default_rng(45)
    arm = worlds.blocks(rng, experiments, SMALL)
    raw = worlds.noise(rng, arm.shape, "lognormal") * np.where(arm == 1, truth, 1.0)
    missed = 1 - shadow.covered(raw, arm, truth, log=log).mean()
    assert missed <= bound(0.1, experiments)


@pytest.mark.long(30)
def test_the_best_case_of_several_arms_holds_for_all_of_them():
    """Eight arms truly 15% better: one is called less at some look in 5% of runs, α shared.

    Without sharing it is more than that.
    """
    experiments, arms = 400, 8
    rng = np.random.default_rng(48)
    arm = worlds.blocks(rng, experiments, 450, arms=arms + 1)
    raw = worlds.noise(rng, arm.shape, "lognormal") * np.where(arm > 0, 0.85, 1.0)
    values, control = np.log(raw), shadow.running(np.log(raw), arm == 0)
    bars = {"shared": math.log(arms / (2 * 0.05)), "not shared": math.log(1 / (2 * 0.05))}
    ended = {name: np.zeros(experiments, dtype=bool) for name in bars}
    for index in range(1, arms + 1):
        treated = shadow.running(values, arm == index)
        above, below = shadow.log_evidence(control, treated, math.log(0.85))
        found = np.logaddexp(above, below) - math.log(2)
        counts = (above > below) & (np.minimum(control.n, treated.n) >= 10)
        for name, bar in bars.items():
            ended[name] |= ((found >= bar) & counts).any(axis=1)
    most = bound(0.05, experiments)
    assert ended["shared"].mean() <= most < ended["not shared"].mean()


@pytest.mark.long
@pytest.mark.parametrize(
    ("control", "treatment"),
    [
        pytest.param(0.5, 0.5, marks=pytest.mark.long),
        pytest.param(0.1, 0.2, marks=pytest.mark.long),
        (0.98, 0.9),
    ],
)
def test_intervals_of_rates_cover_at_every_look(control, treatment):
    """The same for zeros and ones, also where one of the outcomes is rare."""
    experiments = 150
    rng = np.random.default_rng(46)
    kept = rates.covered(rng, control, treatment, experiments=experiments, last=200)
    assert 1 - kept.mean() <= bound(0.05, experiments)
