"""Holdouts: the simulated rule is the program's, and its promises hold in small."""

import numpy as np
import pytest
from tests.decide.making import plan, trial
from tests.sim import holdouts

from meta_experiment.decide.analysis import analyze
from meta_experiment.decide.holdout import PREVIOUS, PROMOTED
from meta_experiment.types import Holdout, ReasonCode, Variant

SHARE = 0.2


def watched(kept):
    arms = (Variant(PROMOTED, 1 - SHARE), Variant(PREVIOUS, SHARE))
    return plan(variants=arms, holdout=Holdout("x", kept, block=5), max_duration_days=90.0)


@pytest.mark.parametrize("world", [holdouts.normal, holdouts.rarely_cheap])
def test_the_twin_is_the_program(world):
    rng = np.random.default_rng(7)
    course = {"experiments": 4, "uses": 120, "share": SHARE, "effect": 0.4}
    values, previous = holdouts.courses(rng, world, **course)
    values = 3 + 0.5 * values
    kept = 0.1  # a fraction, of which the boundary is a logarithm
    found = holdouts.log_evidence(values, previous, -np.log1p(-kept), bar=None)
    for row in range(4):
        made = [
            trial(
                PREVIOUS if old else PROMOTED,
                place,
                metrics={"duration_seconds": float(np.exp(value))},
            )
            for place, (value, old) in enumerate(zip(values[row], previous[row], strict=True))
        ]
        seen = analyze(watched(kept), made, experiment_id="x", as_of=2e9, started=None).holdout
        told = (seen.still_better, seen.reversed, seen.decayed)
        for said, logs in zip(told, found, strict=True):
            assert said == pytest.approx(np.exp(logs[row, -1]), rel=1e-4)
        assert (seen.previous, seen.promoted) == (previous[row].sum(), (~previous[row]).sum())


@pytest.mark.parametrize(("effect", "code"), [(1.5, "still_better"), (-1.5, "reversed")])
def test_what_is_clear_is_said_and_its_opposite_never(effect, code):
    rng = np.random.default_rng(8)
    course = {"experiments": 1, "uses": 150, "share": SHARE, "effect": effect}
    values, previous = holdouts.courses(rng, holdouts.normal, **course)
    made = [
        trial(
            PREVIOUS if old else PROMOTED,
            place,
            metrics={"duration_seconds": float(np.exp(0.5 * value))},
        )
        for place, (value, old) in enumerate(zip(values[0], previous[0], strict=True))
    ]
    seen = analyze(watched(0.1), made, experiment_id="x", as_of=2e9, started=None)
    assert seen.reason_code is ReasonCode(code)


@pytest.mark.long
def test_false_answers_are_rare_and_a_fifth_tells_soon():
    """The table in small."""
    rng = np.random.default_rng(9)
    course = {"experiments": 150, "uses": 600, "share": SHARE}
    for world in (holdouts.normal, holdouts.heavy):
        gone = holdouts.courses(rng, world, effect=0.0, **course)
        kept = holdouts.courses(rng, world, effect=holdouts.KEPT, **course)
        found = holdouts.answers(*gone, holdouts.KEPT, SHARE)
        assert found.share(found.reversed) <= 0.08  # a limit of 5% and two errors of the count
        found = holdouts.answers(*kept, holdouts.KEPT, SHARE)
        assert found.share(found.decayed) <= 0.08
    stays = holdouts.courses(rng, holdouts.normal, effect=holdouts.EFFECT, **course)
    assert holdouts.answers(*stays, holdouts.KEPT, SHARE).still_better.mean() <= 220


def test_a_spread_that_the_small_arm_has_not_met_makes_it_no_surer():
    """Of uses at a tenth of the cost the old text has met none, the promoted one a tenth."""
    made = []
    for place in range(200):
        old = place % 5 == 4
        cheap = place % 10 == 0
        value = 3 + 0.1 * (place % 7) - (0.0 if old or not cheap else np.log(10))
        metrics = {"duration_seconds": float(np.exp(value))}
        made.append(trial(PREVIOUS if old else PROMOTED, place, metrics=metrics))
    seen = analyze(watched(0.1), made, experiment_id="x", as_of=2e9, started=None)
    assert seen.holdout.still_better < 20 < seen.primary.comparisons[0].sequential.e_promote
