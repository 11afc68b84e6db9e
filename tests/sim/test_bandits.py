"""Bandits: the simulated rule is the program's, and its promises hold in small."""

from collections import Counter

import numpy as np
import pytest
from tests.decide.making import SUCCESS, plan, trial
from tests.sim import bandit_tables, bandits

from meta_experiment.decide import best_chances
from meta_experiment.decide.analysis import analyze
from meta_experiment.types import Aim, Assignment, Bandit, Draw

NAMES = ("control", "b", "c")
UNITS = 90


def chances_to_be_best(base, trials, ended):
    return best_chances.best_chances(base, best_chances.closed_values(base, trials), ended)


def bandit(aim="few_bad_uses", floor=0.05, **changes):
    moving = Bandit(Aim(aim), floor)
    return plan("b", "c", assignment=Assignment.BANDIT, bandit=moving, **changes)


def trials_of(played, row, metric, value_of):
    """Return the trials of an experiment as the log would hold them."""
    made = []
    for place, arm in enumerate(played.arm[row]):
        burning = place < bandits.BURN_IN * len(NAMES)
        parts = (1,) * 3 if burning else tuple(map(round, played.chance[row, place] * 1e8))
        value = {metric: value_of(row, place, arm)}
        draw = Draw(parts, 0 if burning else place)
        made.append(trial(NAMES[arm], place, metrics=value, draw=draw))
    return made


@pytest.mark.parametrize("aim", list(Aim))
def test_the_twin_is_the_program_on_means(aim):
    rng = np.random.default_rng(3)
    values = rng.normal(3, 0.4, (2, UNITS, 3)) - 0.3 * np.array([0, 0, 1])
    world = bandits.World(values, aim=aim, lower=True, floor=0.05, bar=None)
    played = bandits.play(world, rng)
    for row in range(2):
        made = trials_of(played, row, "duration_seconds", lambda *at: float(np.exp(values[at])))
        seen = analyze(bandit(aim), made, experiment_id="x", as_of=2e9, started=None)
        for place, comparison in enumerate(seen.primary.comparisons):
            found = comparison.sequential
            better, worse = (log_e[row, place] for log_e in played.log_e)
            assert found.e_promote == pytest.approx(np.exp(better), rel=1e-5)
            assert found.e_reject == pytest.approx(np.exp(worse), rel=1e-5)
        n, mean, sd = (item[row : row + 1] for item in played.moments)
        chances = chances_to_be_best(bandit(aim), made, ())
        assert chances == pytest.approx(
            list(bandits.chances_of_means(n, -mean, sd)[0]), abs=1e-4
        )


def test_the_twin_is_the_program_on_rates():
    rng = np.random.default_rng(4)
    values = (rng.random((2, UNITS, 3)) < np.array([0.5, 0.5, 0.8])).astype(float)
    played = bandits.play(bandits.World(values, rates=True, floor=0.05), rng)
    for row in range(2):
        made = trials_of(played, row, "success", lambda *at: float(values[at]))
        base = bandit(primary=SUCCESS)
        seen = analyze(base, made, experiment_id="x", as_of=2e9, started=None)
        for place, comparison in enumerate(seen.primary.comparisons):
            better, worse = (log_e[row, place] for log_e in played.log_e)
            assert comparison.sequential.e_promote == pytest.approx(np.exp(better), rel=1e-5)
            assert comparison.sequential.e_reject == pytest.approx(np.exp(worse), rel=1e-5)
        n, mean, _ = (item[row : row + 1] for item in played.moments)
        chances = chances_to_be_best(base, made, ())
        assert chances == pytest.approx(
            list(bandits.chances_of_rates(n * mean, n)[0]), abs=1e-4
        )


@pytest.mark.long
@pytest.mark.parametrize(("rates", "lag"), [(False, 0), (True, 15)])
def test_the_twin_convinces_at_the_unit_at_which_the_program_does(rates, lag):
    """Looked at after every unit; it finds promotions and rejections, early and late ones."""
    rng = np.random.default_rng(7)
    units, runs, seen = 130, 4, []
    if rates:
        values = (rng.random((runs, units, 3)) < np.array([0.5, 0.1, 0.9])).astype(float)
    else:
        values = rng.normal(3, 0.4, (runs, units, 3)) - 0.35 * np.array([0, -1, 1])
    world = bandits.World(
        values, rates=rates, lower=not rates, floor=0.2, bar=None, each=True, lag=lag
    )
    played = bandits.play(world, rng)
    base = bandit(primary=SUCCESS) if rates else bandit()
    metric = "success" if rates else "duration_seconds"
    for row in range(runs):
        made = trials_of(
            played, row, metric, lambda *at: float(values[at] if rates else np.exp(values[at]))
        )
        first = {}
        for closed in range(30, units + 1):
            known = made[:closed]
            arms = Counter(item.variant for item in known)
            found = analyze(base, known, experiment_id="x", as_of=2e9, started=None)
            told = [item.sequential for item in found.primary.comparisons]
            better = bandits.closed_average(np.log([[item.e_promote for item in told]]))[0]
            worse = np.log([item.e_reject for item in told])
            for place, name in enumerate(NAMES[1:]):
                ready = min(arms["control"], arms[name]) >= world.least
                for way, log_e in (("better", better[place]), ("worse", worse[place])):
                    if ready and log_e >= -np.log(0.05):
                        first.setdefault((way, place), closed)
        for way, twin in (("better", played.promoted), ("worse", played.rejected)):
            assert [first.get((way, place), -1) for place in (0, 1)] == list(twin[row])
        seen += first.values()
    assert len(seen) >= runs
    assert max(seen) > min(seen) + 10


@pytest.mark.long
@pytest.mark.parametrize("world", [bandit_tables.wandering, bandit_tables.better_with_time])
def test_arms_that_are_alike_are_rarely_told_apart_while_all_drift(world):
    """5% are promised; of 60 experiments more than 8 would be one chance in a hundred."""
    rng = np.random.default_rng(5)
    values = world(rng, (60, 400, 3))
    rates = world is bandit_tables.better_with_time
    given = {"rates": rates, "lower": not rates, "every": 40, "each": True, "lag": 20}
    played = bandits.play(bandits.World(values, **given), rng)
    assert (played.promoted >= 0).any(axis=1).sum() <= 8
    assert (played.rejected >= 0).any(axis=1).sum() <= 2 * 8


def test_few_uses_of_the_worse_arm_are_lost():
    """Of 300 uses equal shares lose 15; the bandit about half of that."""
    rng = np.random.default_rng(6)
    values = (rng.random((60, 300, 2)) < (0.5, 0.6)).astype(float)
    drawn = bandits.draws(bandits.World(values, rates=True, floor=0.05, every=20), rng)
    assert 0.1 * (drawn == 0).sum(axis=1).mean() < 11
