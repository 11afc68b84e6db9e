"""Arms of a workflow that are alike, drawn at different times while everything drifts.

A ramp gives the candidate the later runs, and a variant that is new the picker of gh-aw gives
every run until it has as many as the others. The plan of an import takes out what changes with
the place of a run; without that, many of these experiments are decided.
"""

import math
import random
from dataclasses import replace

import pytest
from tests.everyday import some

from meta_experiment.decide import analyze
from meta_experiment.services.workflows.metric_choice import MetricWishes
from meta_experiment.services.workflows.workflow_plan import plan_for
from meta_experiment.types import Decision, Trial, TrialStatus
from meta_experiment.types.workflows import ContinualRamp, DeclaredExperiment

RUNS, LOOKS, EXPERIMENTS = 160, (40, 80, 120, 160), 40
DRIFT = -0.8  # of the logarithm, from the first run to the last
HOURS = 12 * 3600.0
STEPS = (5, 20, 50, 80, 95)


def _on_a_ramp(number, rng):
    return rng.random() * 100 < STEPS[number * len(STEPS) // RUNS]


def _catching_up(number, rng):
    return number < RUNS // 4 or rng.random() < 0.5


def _outcome(number, treated, rng, effect=0.0):
    tokens = 10_000 * math.exp(rng.gauss(0.0, 0.3) + DRIFT * number / RUNS)
    late = treated(number, rng)
    tokens *= math.exp(effect) if late else 1.0
    return Trial(
        str(number),
        "warm" if late else "dry",
        str(number),
        number,
        status=TrialStatus.OK,
        metrics={"effective_tokens": round(tokens)},
        assigned_at=number * HOURS,
        closed_at=number * HOURS + 60,
    )


def _decisions(plan, treated, seed, effect=0.0):
    rng = random.Random(seed)  # noqa: S311
    trials = [_outcome(number, treated, rng, effect) for number in range(RUNS)]
    return {
        analyze(
            plan, trials[:look], experiment_id="e", as_of=look * HOURS, started=0.0
        ).decision
        for look in LOOKS
    }


def _is_decided(plan, treated, seed):
    return _decisions(plan, treated, seed) != {Decision.EXTEND}


def _plan(treated):
    declared = DeclaredExperiment(
        "tone",
        ("dry", "warm"),
        1,
        1,
        metric="effective_tokens",
        continual=ContinualRamp("s", STEPS) if treated is _on_a_ramp else None,
    )
    return plan_for("w", declared, {"effective_tokens": 9_000.0}, MetricWishes(), {}).plan


@pytest.mark.long
@pytest.mark.parametrize("treated", some([_on_a_ramp, _catching_up], 1))
def test_a_drift_is_no_effect_of_the_variant_that_came_late(treated):
    plan = _plan(treated)
    wrong = sum(_is_decided(plan, treated, seed) for seed in range(EXPERIMENTS))
    naive = replace(plan, covariates=())
    fooled = sum(_is_decided(naive, treated, seed) for seed in range(EXPERIMENTS))
    assert wrong <= 2, fooled
    assert fooled >= 10


@pytest.mark.long
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
def test_few_runs_of_one_arm_come_to_no_decision_and_to_no_error(seed):
    """Two units and a slope leave no degree of freedom where they have most of the variance."""
    declared = DeclaredExperiment("tone", ("dry", "warm"), 1, 1, metric="turns")
    plan = plan_for("w", declared, {"turns": 1.0}, MetricWishes(), {}).plan
    rng = random.Random(seed)  # noqa: S311
    for _ in range(150):
        runs = rng.randint(5, 10)
        late = rng.sample(range(runs), 2)
        trials = [
            Trial(
                str(number),
                "warm" if number in late else "dry",
                str(number),
                number,
                status=TrialStatus.OK,
                metrics={"turns": rng.lognormvariate(0.0, 0.5)},
                assigned_at=number * HOURS,
                closed_at=number * HOURS + 60,
            )
            for number in range(runs)
        ]
        found = analyze(plan, trials, experiment_id="e", as_of=runs * HOURS, started=0.0)
        assert found.decision is Decision.EXTEND


@pytest.mark.parametrize("treated", [_on_a_ramp, _catching_up])
def test_an_effect_is_found_of_the_variant_that_came_late(treated):
    """The plan's own draw moves the shares: that alone is no reason to decide nothing."""
    found = [_decisions(_plan(treated), treated, seed, effect=-0.5) for seed in range(5)]
    assert all(Decision.PROMOTE in decisions for decisions in found)
