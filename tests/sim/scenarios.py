"""What is promised of the rules, world by world, with the numbers that must hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tests.sim import shadow, worlds


@dataclass(frozen=True)
class Outcome:
    """Rates over the simulated experiments of one scenario, and their number."""

    promoted: float
    rejected: float
    experiments: int


@dataclass(frozen=True)
class Scenario:
    """A world, its size at full length, and the largest rates it may show (None: not promised).

    `found` is the smallest share that is to be promoted, where a treatment is better.

    `world(rng, experiments, units)` returns the keyword arguments of `shadow.decide`;
    `units` is the number of units over all arms.
    """

    name: str
    world: Callable
    units: int
    promoted: float | None = 0.05
    rejected: float | None = 0.05
    experiments: int = 4000
    threshold: float = 0.0
    found: float | None = None

    @property
    def per_arm(self):
        """The units of the smallest arm at the end."""
        arms = 4 if "four arms" in self.name else 10 if "1:9" in self.name else 2
        return self.units // arms


def same(kind, sigma=0.5, *, log=True, arms=2):
    def world(rng, experiments, units):
        return {
            "arm": worlds.blocks(rng, experiments, units, arms),
            "raw": worlds.noise(rng, (experiments, units), kind, sigma),
            "log": log,
            "treatments": arms - 1,
        }

    return world


def ramped(spread):
    """A tenth of the units in the treatment, whose log spread is another; equal medians."""

    def world(rng, experiments, units):
        arm = worlds.ramp(rng, experiments, units)
        raw = worlds.noise(rng, arm.shape, "lognormal") ** np.where(arm == 1, spread, 1.0)
        return {"arm": arm, "raw": raw}

    return world


def made(generator):
    def world(rng, experiments, units):
        return {
            "arm": worlds.blocks(rng, experiments, units),
            "raw": generator(rng, experiments, units),
        }

    return world


def shifted(standard_deviations, sigma=0.5):
    """A treatment that is slower (positive) or faster by so many log standard deviations."""

    def world(rng, experiments, units):
        arm = worlds.blocks(rng, experiments, units)
        factor = np.where(arm == 1, np.exp(sigma * standard_deviations), 1.0)
        return {"arm": arm, "raw": factor * worlds.noise(rng, arm.shape, "lognormal", sigma)}

    return world


def after_pairs(standard_deviations, sigma=0.5):
    """The same, assigned in pairs and looked at after every pair."""

    def world(rng, experiments, units):
        arm = worlds.pairs(rng, experiments, units)
        factor = np.where(arm == 1, np.exp(sigma * standard_deviations), 1.0)
        raw = factor * worlds.noise(rng, arm.shape, "lognormal", sigma)
        return {"arm": arm, "raw": raw, "step": 2}

    return world


def interrupted(rng, experiments, units):
    """Mostly a bit faster, often very slow, and users interrupt the slow runs."""
    arm = worlds.blocks(rng, experiments, units)
    raw, cut = worlds.patience(rng, worlds.bimodal(rng, arm))
    return {"arm": arm, "raw": raw, "cut": cut}


def one_better(rng, experiments, units):
    """Three treatments of which one is half a standard deviation better, two are useless."""
    arm = worlds.blocks(rng, experiments, units, 4)
    factor = np.where(arm == 1, np.exp(-0.25), 1.0)
    return {
        "arm": arm,
        "raw": factor * worlds.noise(rng, arm.shape, "lognormal"),
        "treatments": 3,
    }


def one_harmful(rng, experiments, units):
    """Three treatments: half a standard deviation better, one worse, and useless."""
    arm = worlds.blocks(rng, experiments, units, 4)
    factor = np.choose(arm, np.exp([0.0, -0.25, 0.5, 0.0]))
    return {
        "arm": arm,
        "raw": factor * worlds.noise(rng, arm.shape, "lognormal"),
        "treatments": 3,
    }


def guarded(guards, *, watched=1, better=1.0, margin=0.10):
    """Guardrails that are so many times worse, and safety metrics that are not."""

    def world(rng, experiments, units):
        arm = worlds.blocks(rng, experiments, units)

        def measured(factor):
            return worlds.noise(rng, arm.shape, "lognormal") * np.where(arm == 1, factor, 1.0)

        return {
            "arm": arm,
            "raw": measured(better),
            "guards": [measured(factor) for factor in guards],
            "watched": [measured(1.0) for _ in range(watched)],
            "margin": margin,
        }

    return world


def rare_price(usual=0.6, rare=4.0, *, log=False):
    """A treatment that mostly takes less, and in 15% of units several times as much."""

    def world(rng, experiments, units):
        arm = worlds.blocks(rng, experiments, units)
        return {"arm": arm, "raw": worlds.rare_price(rng, arm, usual, rare), "log": log}

    return world


def slowest_missing(share, factor=1.0, *, log=True, sigma=0.5):
    """A treatment whose slowest units end without a duration; with a factor, a faster one."""

    def world(rng, experiments, units):
        arm = worlds.blocks(rng, experiments, units)
        raw = worlds.noise(rng, arm.shape, "lognormal", sigma)
        gone = worlds.slowest(raw, arm, share, sigma)
        return {
            "arm": arm,
            "raw": raw * np.where(arm == 1, factor, 1.0),
            "gone": gone,
            "log": log,
        }

    return world


def some_missing(share, factor=1.0):
    """Units of both arms of which any may end without a duration."""

    def world(rng, experiments, units):
        arm = worlds.blocks(rng, experiments, units)
        raw = worlds.noise(rng, arm.shape, "lognormal") * np.where(arm == 1, factor, 1.0)
        return {"arm": arm, "raw": raw, "gone": rng.random(arm.shape) < share}

    return world


SCENARIOS = (
    Scenario("A/A normal, raw scale", same("normal", log=False), 4000),
    Scenario("A/A log-normal σ 0.5, log scale", same("lognormal"), 4000),
    Scenario("A/A log-normal σ 1, log scale", same("lognormal", 1.0), 4000),
    Scenario("A/A log-normal σ 0.5, raw scale", same("lognormal", log=False), 4000),
    Scenario("A/A log-normal σ 1, raw scale", same("lognormal", 1.0, log=False), 4000),
    Scenario("A/A gamma, log scale", same("gamma"), 4000),
    Scenario("A/A gamma, raw scale", same("gamma", log=False), 4000),
    Scenario("A/A 1:9 ramp, treatment spread × 3", ramped(3.0), 20000, experiments=1000),
    Scenario("A/A 1:9 ramp, treatment spread ÷ 3", ramped(1 / 3), 20000, experiments=1000),
    Scenario("A/A four arms", same("lognormal", arms=4), 8000, experiments=2000),
    Scenario("A/A sessions of 4 turns, ICC 0.5", made(worlds.sessions), 4000),
    Scenario("A/A autocorrelation 0.6", made(worlds.autocorrelated), 4000),
    Scenario("A/A drift by 2 sd", made(worlds.drifting), 4000),
    Scenario(
        "0.2 sd worse, looks after every pair",
        after_pairs(0.2),
        400,
        promoted=0.003,
        rejected=None,
        experiments=40000,
    ),
    Scenario(
        "0.2 sd worse, looks after every unit",
        shifted(0.2),
        400,
        promoted=0.004,
        rejected=None,
        experiments=40000,
    ),
    Scenario(
        "worse, slow runs interrupted",
        interrupted,
        400,
        promoted=0.01,
        rejected=None,
        experiments=10000,
    ),
    Scenario(
        "cost: rare fourfold price raises the bill",
        rare_price(),
        400,
        promoted=0.03,
        rejected=None,
        experiments=10000,
    ),
    Scenario(
        "cost: equal means, a rare 3.6-fold price",
        rare_price(0.5412, 3.6),
        400,
        promoted=0.08,
        experiments=10000,
    ),
    Scenario(
        "duration: 0.6 times, rarely four times; mean 11% worse",
        rare_price(log=True),
        400,
        promoted=0.58,
        rejected=None,
        experiments=10000,
    ),
    Scenario(
        "A/A, the treatment's slowest 20% end without a duration",
        slowest_missing(0.2),
        400,
        promoted=0.026,
        experiments=10000,
    ),
    Scenario(
        "A/A, the treatment's slowest 10% end without a duration",
        slowest_missing(0.1),
        400,
        promoted=0.026,
        experiments=10000,
    ),
    Scenario(
        "half a standard deviation better, a tenth of all durations missing",
        some_missing(0.1, np.exp(-0.25)),
        400,
        promoted=None,
        found=0.94,
    ),
    Scenario(
        "A/A, all rejections: 3 guardrails, 4 safety metrics",
        guarded((1.0, 1.0, 1.0), watched=4),
        4000,
        experiments=2000,
        threshold=math.inf,
    ),
    Scenario(
        "the same, the guardrails at their margin",
        guarded((1.1, 1.1, 1.1), watched=4),
        4000,
        experiments=2000,
        threshold=math.inf,
    ),
    Scenario(
        "40% better, guardrail 12% worse, margin 20%",
        guarded((1.12,), better=0.6, margin=0.20),
        4000,
        promoted=None,
        experiments=2000,
        found=0.95,
    ),
    Scenario(
        "four arms: one better, one does harm",
        one_harmful,
        1600,
        promoted=None,
        rejected=0.001,
        experiments=2000,
        found=0.98,
    ),
    Scenario(
        "A/A, the treatment's slowest 5% end without a duration",
        slowest_missing(0.05),
        600,
        experiments=10000,
    ),
    Scenario(
        "A/A, the treatment's slowest 10% end without a duration, for longer",
        slowest_missing(0.1),
        2000,
        promoted=0.03,
        experiments=4000,
    ),
    Scenario(
        "A/A log-normal σ 1, the treatment's slowest 10% end without a duration",
        slowest_missing(0.1, sigma=1.0),
        600,
        promoted=0.03,
        experiments=10000,
    ),
    Scenario(
        "A/A, the treatment's dearest 10% end without a cost, σ 1",
        slowest_missing(0.1, log=False, sigma=1.0),
        600,
        promoted=0.026,
        experiments=10000,
    ),
)


def run(scenario, experiments, seed, units=None, batch=4_000_000):
    """Simulate a scenario in batches and return its rates at the last look."""
    units = units or scenario.units
    rng = np.random.default_rng(seed)
    size = max(1, min(experiments, batch // units))
    done, promoted, rejected = 0, 0.0, 0.0
    while done < experiments:
        size = min(size, experiments - done)
        crossed = shadow.decide(
            **scenario.world(rng, size, units), threshold=scenario.threshold
        )
        promoted += size * crossed.rate("promote")
        rejected += size * crossed.rate("reject")
        done += size
    return Outcome(promoted / done, rejected / done, done)
