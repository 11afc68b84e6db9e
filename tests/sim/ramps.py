"""Ramps under repeated looks: a vectorised twin of stepping, drawing and deciding.

Arrays are (experiments, units, arms) or (experiments, arms); units come one after the other and
close at once. Steps and evidence are looked at every `every` units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tests.sim import bandits, shadow

LEAST = 3  # units of an arm before harm is looked for


@dataclass
class World:
    """What arms are like, and a ramp: values of (experiments, units, arms), less is better."""

    values: np.ndarray
    rates: bool = False
    steps: tuple = (0.05, 0.25, 0.5, 1.0)
    units: int = 5  # of each treatment at a step
    every: int = 10
    days: int = 0  # units that a step is kept at least
    tolerated: float = 0.1
    least: int = 10  # units of either arm before a decision
    bar: float | None = 3.0  # as in `bandits.World`
    moving: bool = True  # else the last step from the first unit on


@dataclass
class Climbed:
    """The first look (units) at which evidence convinced, -1 never, and how it was drawn.

    `promoted`, `rejected`, and of an analysis that pools all units `pooled_promoted` and
    `pooled_rejected`, are (experiments, treatments); `arm`, `step` are (experiments, units),
    `log_e` is the evidence for better and worse at the end, `backs` how often harm led back.
    """

    promoted: np.ndarray
    rejected: np.ndarray
    pooled_promoted: np.ndarray
    pooled_rejected: np.ndarray
    arm: np.ndarray
    step: np.ndarray
    log_e: tuple
    backs: np.ndarray


def climb(world, rng, alpha=0.05):
    """Draw, close, step and look to the end."""
    values = world.values
    runs, units, arms = values.shape
    rows, bar = np.arange(runs), -np.log(alpha)
    share = shadow.shares(0, 0)["primary"]
    state, sums = bandits._State(runs, arms), _Products(runs, arms)
    last = len(world.steps) - 1
    step = np.full(runs, 0 if world.moving else last)
    begun, seen = np.zeros(runs, int), np.zeros((runs, arms))
    arm_of, step_of = np.zeros((runs, units), int), np.zeros((runs, units), int)
    firsts = [np.full((runs, arms - 1), -1) for _ in range(4)]
    backs = np.zeros(runs, int)
    up = down = np.zeros((runs, arms - 1))
    for unit in range(units):
        chance = shares(world, step, arms)
        cut = np.cumsum(chance, axis=1)
        arm = np.minimum((rng.random(runs)[:, None] >= cut).sum(axis=1), arms - 1)
        value = values[rows, unit, arm]
        arm_of[:, unit], step_of[:, unit] = arm, step
        state.close(arm, value, chance, False, unit)
        sums.close(arm, value, chance)
        seen[rows, arm] += 1
        if (unit + 1) % world.every:
            continue
        up, down, pooled_up, pooled_down, effect = evidence(world, state, sums)
        ready = (state.n[:, 1:] >= world.least) & (state.n[:, :1] >= world.least)
        early = (state.n[:, 1:] >= LEAST) & (state.n[:, :1] >= LEAST)
        harm = (down >= bar - np.log(share)) & early
        found = (
            (bandits.closed_average(up) >= bar) & ready,
            harm,
            (bandits.closed_average(pooled_up) >= bar) & ready,
            (pooled_down >= bar - np.log(share)) & early,
        )
        for first, hit in zip(firsts, found, strict=True):
            first[hit & (first < 0)] = unit + 1
        if not world.moving:
            continue
        back = harm.any(axis=1)
        fine = (effect >= -world.tolerated).all(axis=1)
        climbs = fine & (seen[:, 1:] >= world.units).all(axis=1)
        whole = np.array([*world.steps, 0.0])[step + 1] == 1.0  # nothing can show harm there
        climbs &= ~whole | found[0].any(axis=1)
        climbs &= (unit + 1 - begun >= world.days) & (step < last) & ~back
        backs += back & (step > 0)
        new = np.where(back, 0, step + climbs)
        changed = new != step
        step, begun = new, np.where(changed, unit + 1, begun)
        seen[changed] = 0
    return Climbed(*firsts, arm_of, step_of, (up, down), backs)


def shares(world, step, arms):
    """Return each arm's share at a step, the treatments alike."""
    treated = np.array(world.steps)[step][:, None]
    return np.concatenate(
        [1 - treated, np.repeat(treated / (arms - 1), arms - 1, axis=1)], axis=1
    )


def evidence(world, state, sums):
    """Return log e-values for better and worse, those of pooled units, and the effects.

    Of rates, whose pooled means tell of times as well, the effect is what the draw leans to.
    """
    n, mean, sd = state.moments()
    control = shadow.Moments(n[:, :1], mean[:, :1], sd[:, :1] ** 2)
    treated = shadow.Moments(n[:, 1:], mean[:, 1:], sd[:, 1:] ** 2)
    above, below = shadow.log_evidence(control, treated, bar=world.bar)
    pooled = tuple(map(np.nan_to_num, (above, below) if world.rates else (below, above)))
    if world.rates:
        worse = state.exact(-1)
        return state.exact(1), worse, *pooled, np.where(worse > 0, -1.0, 0.0)
    t, df, effective, gap = sums.adjusted()
    greater, less = map(np.nan_to_num, shadow.one_sided(t, df, effective, world.bar))
    up, down = np.minimum(state.exact(-1), less), np.minimum(state.exact(1), greater)
    effect = np.where(np.isfinite(gap), 1 - np.exp(np.clip(gap, -50, 50)), -1.0)
    return up, down, *pooled, effect


class _Products:
    """Sums of the two arms of each comparison, with the share in force as a covariate."""

    def __init__(self, runs, arms):
        # by treatment, then control and treated: n, x, y, xx, xy, yy
        self.sums = np.zeros((6, runs, arms - 1, 2))
        self.arms = arms

    def close(self, arm, value, chance):
        for treatment in range(1, self.arms):
            with np.errstate(all="ignore"):
                x = chance[:, treatment] / (chance[:, 0] + chance[:, treatment])
            for side, own in enumerate((0, treatment)):
                mine = (arm == own).astype(float)
                parts = (np.ones_like(x), x, value, x * x, x * value, value * value)
                for place, part in enumerate(parts):
                    self.sums[place, :, treatment - 1, side] += mine * part

    def adjusted(self):
        """Return t, degrees of freedom, effective size and difference; see `covariates`."""
        n, x, y, xx, xy, yy = self.sums
        with np.errstate(all="ignore"):
            mx, my = x / n, y / n
            dxx, dxy, dyy = xx - n * mx**2, xy - n * mx * my, yy - n * my**2
            among, joint = dxx.sum(axis=-1), dxy.sum(axis=-1)
            gap = mx[..., 1] - mx[..., 0]
            # where the share did not change between any two units of an arm it explains nothing
            constant = among <= 1e-9
            slope = np.where(constant, 0.0, joint / np.where(constant, 1.0, among))
            lost = np.where(constant, 0.0, gap**2 / np.where(constant, 1.0, among))
            q = 1.0 - constant
            total, weight = n.sum(axis=-1), n[..., 0] * n[..., 1] / n.sum(axis=-1)
            grown = (1 + weight * lost) * (total - 2) / (total - 2 - q)
            variance = dyy - 2 * slope[..., None] * dxy + slope[..., None] ** 2 * dxx
            parts = variance / (n - 1) / n * grown[..., None]
            whole = parts.sum(axis=-1)
            df = whole**2 / (parts**2 / (n - 1)).sum(axis=-1) - q
            difference = my[..., 1] - my[..., 0] - slope * np.where(constant, 0.0, gap)
            t = difference / np.sqrt(whole)
        known = (total >= 4 + 2 * q) & (n.min(axis=-1) >= 2) & (df >= 1)
        return np.where(known, t, np.nan), df, weight / (1 + weight * lost), difference
