"""What would decide sooner is offered with figures from the past, where it is worth it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.decide.making import DURATION, SUCCESS, plan, trials

from meta_experiment.decide.samples import sample_of
from meta_experiment.decide.telling.outlook import smallest_improvement
from meta_experiment.decide.telling.sooner import Way, sooner, units_to_find
from meta_experiment.decide.units import arms_of
from meta_experiment.services.planning.forecast import judged
from meta_experiment.services.planning.offers import sooner_by
from meta_experiment.services.planning.past import Past, sample_of_uses
from meta_experiment.sources.sessions.past_sessions import Use
from meta_experiment.stats.adjusted import explained
from meta_experiment.types import Unit
from meta_experiment.types.results.forecast import Spread

ACTIVE = replace(DURATION, name="active_seconds")


def lived(rows, metric=ACTIVE, *, per_day=10.0, uses_per_day=10.0):
    """Return the past of uses: (session, seconds at work, seconds on the wall, length)."""
    uses = tuple(
        Use(
            session,
            float(order),
            "ok",
            {"active_seconds": active, "duration_seconds": wall},
            length,
        )
        for order, (session, active, wall, length) in enumerate(rows)
    )
    values = sample_of_uses(uses, metric, Unit.SESSION).raw
    return Past(values, per_day, (), len(values), uses, uses_per_day)


def noise(n, seed=1, sd=0.6):
    return np.exp(np.random.default_rng(seed).normal(4, sd, n)).tolist()


def test_a_metric_that_varies_less_is_offered_with_its_days():
    """Half the spread takes a fifth of the days: a quarter, and the bar rises with units."""
    wall = noise(80, sd=1.0)
    rows = [(f"s{k}", math.sqrt(x), x, None) for k, x in enumerate(wall)]
    chosen = plan(max_duration_days=200.0)
    said = sooner_by(chosen, lived(rows, DURATION), 10.0)
    assert "--primary-metric active_seconds (" in said
    whole = float(said.split("some ")[1].split(" days")[0])
    part = float(said.split("active_seconds (")[1].split(" days")[0])
    assert part / whole == pytest.approx(0.2, abs=0.03)
    assert sooner_by(replace(chosen, primary=ACTIVE), lived(rows), 10.0) is None


def test_covariates_are_offered_by_what_they_explained():
    """A length that tells most of the time, unless the plan takes it already."""
    rng = np.random.default_rng(4)
    lengths = rng.integers(0, 3000, 100)
    active = np.exp(2 + 0.5 * np.log1p(lengths) + rng.normal(0, 0.3, 100))
    rows = [
        (f"s{k}", a, a, int(x)) for k, (a, x) in enumerate(zip(active, lengths, strict=True))
    ]
    chosen = plan(primary=ACTIVE, max_duration_days=300.0)
    said = sooner_by(chosen, lived(rows), 10.0)
    assert "--covariate argument_length, which explains 5" in said
    assert "previous" not in said
    assert (
        sooner_by(replace(chosen, covariates=("argument_length",)), lived(rows), 10.0) is None
    )


def test_earlier_trials_tell_what_covariates_would_explain():
    """Of an experiment before: what its control recorded, and a drift that its order shows."""
    rng = np.random.default_rng(8)
    sizes = rng.integers(0, 500, 90)
    slow = np.linspace(0, 2, 90) + rng.normal(0, 0.3, 90)

    def earlier(logs):
        made = [
            replace(item, covariates={"diff_size": float(size)})
            for item, size in zip(trials(control=np.exp(logs)), sizes, strict=True)
        ]
        chosen = plan(max_duration_days=400.0)
        arm = arms_of(chosen, made)["control"]
        values = sample_of(arm, DURATION).raw
        return chosen, Past(values, 10.0, ("exp-1",), arm=arm)

    known = earlier(np.log1p(sizes) + rng.normal(0, 0.3, 90))
    assert "--covariate diff_size, which explains 9" in sooner_by(*known, 10.0)
    assert "position" not in sooner_by(*known, 10.0)
    chosen, drifting = earlier(slow)
    said = sooner_by(chosen, drifting, 10.0)
    assert "--covariate position, which explains 78%" in said
    assert "--covariate previous, which explains 5" in said
    assert "diff_size" not in said
    known = judged(replace(chosen, covariates=("position",)), drifting, 10.0).outlook
    assert "covariates explain 78%" in known.sentence
    assert (
        known.reach[1].improvement < judged(chosen, drifting, 10.0).outlook.reach[1].improvement
    )
    full = replace(chosen, covariates=("a", "b", "c"))
    assert "previous" not in sooner_by(full, drifting, 10.0)


def test_the_use_as_unit_is_offered_where_it_brings_more():
    """Four uses a session that have nothing to do with each other."""
    rows = [(f"s{k // 4}", x, x, None) for k, x in enumerate(noise(160))]
    chosen = plan(primary=ACTIVE, max_duration_days=300.0)
    said = sooner_by(chosen, lived(rows, per_day=5.0, uses_per_day=80.0), 5.0)
    assert "--unit invocation, where both texts may meet in one session (" in said
    alike = [(f"s{k}", x, x, None) for k, x in enumerate(noise(160))]
    assert sooner_by(chosen, lived(alike, per_day=80.0, uses_per_day=80.0), 80.0) is None


def test_a_plan_that_is_too_short_is_told_its_days_and_of_a_screen():
    """Nothing else helps: as many days as it takes, or both texts offline."""
    rows = [(f"s{k}", x, x, None) for k, x in enumerate(noise(60))]
    said = sooner_by(plan(primary=ACTIVE), lived(rows), 4.0)
    assert "--max-duration-days 1" in said
    assert "offline first" in said
    assert said.endswith(".")
    assert "\n" not in said


def test_little_is_not_offered():
    """Seven of eight days are no offer; nor is anything without a past or its rate."""
    assert sooner(plan(), 0.15, 8.0, [Way("x", 7.0)]) is None
    assert "x (6 days)" in sooner(plan(), 0.15, 8.0, [Way("x", 6.0)])
    few = lived([(f"s{k}", x, x, None) for k, x in enumerate(noise(19))])
    assert sooner_by(plan(primary=ACTIVE), few, 1.0) is None
    assert sooner_by(plan(primary=ACTIVE), replace(few, values=few.values * 2), None) is None


@pytest.mark.parametrize(
    ("metric", "spread"),
    [(DURATION, Spread(0.0, 0.5, assumed=False)), (SUCCESS, Spread(0.6, 0.49, assumed=False))],
)
def test_the_units_found_find_the_improvement(metric, spread):
    """Put back, they come to the improvement that was asked for, within a twentieth."""
    chosen = plan(primary=metric)
    units = units_to_find(chosen, spread, 0.2)
    assert smallest_improvement(chosen, spread, round(units)) == pytest.approx(0.2, rel=0.05)


def test_what_is_explained_is_that_of_least_squares():
    """Two columns, the second partly the first, against numpy; noise explains nothing."""
    rng = np.random.default_rng(9)
    x = rng.normal(size=(60, 2)) @ np.array([[1.0, 0.6], [0.0, 1.0]])
    y = x @ [1.0, -0.5] + rng.normal(size=60)
    design = np.column_stack([np.ones(60), x])
    rest = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    expected = 1 - (rest @ rest / 57) / (y.var(ddof=1))
    assert explained(y.tolist(), x.T.tolist()) == pytest.approx(expected)
    assert explained(y.tolist(), [x[:, 0].tolist()] * 2) == pytest.approx(
        explained(y.tolist(), [x[:, 0].tolist()])
    )
    assert explained(y.tolist(), [[1.0] * 60]) == 0.0
    assert explained([1.0, 1.0], [[1.0, 2.0]]) == 0.0
