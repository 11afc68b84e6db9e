"""Ramps: the simulated rule is the program's, and its promises hold in small."""

import numpy as np
import pytest
from tests.decide.making import DAY, START, SUCCESS, parts_of_step, plan, trial
from tests.sim import bandit_tables, ramp_tables, ramps

from meta_experiment.decide.analysis import analyze
from meta_experiment.decide.ramp import ramp_standing
from meta_experiment.types import Assignment, Draw, Ramp

NAMES = ("control", "b", "c")
STEPS = (0.1, 0.3, 0.8)


def ramped(arms, **changes):
    ramp = Ramp(STEPS, 0.0, 2)
    return plan(*NAMES[1:arms], assignment=Assignment.RAMP, ramp=ramp, **changes)


def trials_of(climbed, row, base, metric, value_of):
    """Return the trials of an experiment as the log would hold them."""
    made = []
    for place, arm in enumerate(climbed.arm[row]):
        parts = tuple(parts_of_step(base, int(climbed.step[row, place]), ()))
        value = {metric: value_of(row, place, arm)}
        made.append(trial(NAMES[arm], place, metrics=value, draw=Draw(parts, place)))
    return made


@pytest.mark.parametrize("arms", [2, 3])
def test_the_twin_is_the_program_on_means(arms):
    rng = np.random.default_rng(3)
    values = ramp_tables.falling(rng, (2, 120, arms)) - 0.2 * np.arange(arms)
    world = ramps.World(values, steps=STEPS, units=2, bar=None)
    climbed, base = ramps.climb(world, rng), ramped(arms)
    assert climbed.step.max() == 2
    for row in range(2):
        made = trials_of(
            climbed, row, base, "duration_seconds", lambda *at: float(np.exp(values[at]))
        )
        as_of = START + DAY
        seen = analyze(base, made, experiment_id="x", as_of=as_of, started=None)
        for place, comparison in enumerate(seen.primary.comparisons):
            found = comparison.sequential
            better, worse = (log_e[row, place] for log_e in climbed.log_e)
            assert found.e_promote == pytest.approx(np.exp(better), rel=1e-5)
            assert found.e_reject == pytest.approx(np.exp(worse), rel=1e-5)


def test_the_twin_is_the_program_on_rates():
    rng = np.random.default_rng(4)
    values = (rng.random((2, 120, 2)) < np.array([0.4, 0.7])).astype(float)
    climbed = ramps.climb(ramps.World(values, rates=True, steps=STEPS, units=2), rng)
    base = ramped(2, primary=SUCCESS)
    for row in range(2):
        made = trials_of(climbed, row, base, "success", lambda *at: float(values[at]))
        seen = analyze(base, made, experiment_id="x", as_of=START + DAY, started=None)
        (comparison,) = seen.primary.comparisons
        better, worse = (log_e[row, 0] for log_e in climbed.log_e)
        assert comparison.sequential.e_promote == pytest.approx(np.exp(better), rel=1e-5)
        assert comparison.sequential.e_reject == pytest.approx(np.exp(worse), rel=1e-5)


@pytest.mark.parametrize("rates", [False, True])
def test_the_twin_steps_as_the_program_does(rates):
    """At every look the program names the step at which the twin draws its next unit."""
    rng = np.random.default_rng(5)
    world = ramp_tables.rate_falling if rates else bandit_tables.logs
    values = world(rng, (1, 90, 2))
    climbed = ramps.climb(ramps.World(values, rates=rates, steps=STEPS, units=2), rng)
    base, metric = ramped(2), "duration_seconds"
    if rates:
        base, metric = ramped(2, primary=SUCCESS), "success"
    made = trials_of(
        climbed,
        0,
        base,
        metric,
        lambda *at: float(values[at] if rates else np.exp(values[at])),
    )
    assert set(climbed.step[0]) == {0, 1, 2}
    for look in range(10, 90, 10):
        seen = analyze(base, made[:look], experiment_id="x", as_of=START + DAY, started=None)
        found = ramp_standing(base, made[:look], seen, START + DAY)
        assert found.step - 1 == climbed.step[0, look], (look, found.waits)


@pytest.mark.parametrize("world", [ramp_tables.falling, ramp_tables.rate_falling])
def test_arms_that_are_alike_are_rarely_told_apart_while_all_drift(world):
    """5% are promised; of 60 experiments more than 8 would be one chance in a hundred.

    Pooled, a quarter of them are, and more: the drift is there to be fooled by.
    """
    rng, rates = np.random.default_rng(6), world is ramp_tables.rate_falling
    values = world(rng, (60, 600, 2))
    found = ramps.climb(ramps.World(values, rates=rates, every=40), rng)
    assert (found.promoted >= 0).sum() <= 8
    assert (found.rejected >= 0).sum() <= 8
    pooled = np.maximum(found.pooled_promoted, found.pooled_rejected)
    assert (pooled >= 0).mean() > 0.25


@pytest.mark.long
def test_a_treatment_that_does_harm_is_led_back():
    rng = np.random.default_rng(7)
    values = bandit_tables.logs(rng, (30, 600, 2)) + 0.6 * np.arange(2)
    found = ramps.climb(ramps.World(values, tolerated=10.0), rng)
    assert (found.rejected >= 0).mean() > 0.9
    assert (found.step[:, -1] == 0).mean() > 0.9
    assert found.backs.sum() >= 10
