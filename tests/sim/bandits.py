"""Bandits under repeated looks: a vectorised twin of drawing, renewing and deciding.

Arrays are (experiments, arms); units come one after the other. A value is known `lag` units
after its unit was drawn, weights are renewed every `every` units, and the evidence is looked at
then, or after every unit (`each`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaln, gammaln, stdtr
from tests.sim import shadow

from meta_experiment.assign.adaptive import default_floor
from meta_experiment.stats.mixed_prior import EFFECTS

BURN_IN = 5
CLIP = 3.0
NODES, WEIGHTS = np.polynomial.legendre.leggauss(128)
EFFECT, LOG_WEIGHT = np.array(EFFECTS).T


@dataclass
class World:
    """What arms are like: values of (experiments, units, arms), a bandit, and its plan."""

    values: np.ndarray
    rates: bool = False
    aim: str = "few_bad_uses"
    lag: int = 0
    every: int = 10
    each: bool = False
    floor: float | None = None
    lower: bool = False
    moving: bool = True  # else the arms are drawn alike to the end
    least: int = 10  # units of either arm before a promotion
    bar: float | None = 3.0  # evidence is right near it (see `shadow.mixed`); None: everywhere

    @property
    def least_share(self):
        return default_floor(self.values.shape[2]) if self.floor is None else self.floor


@dataclass
class Played:
    """What came of it: the first look at which evidence convinced, and what it cost.

    `promoted`, `rejected` and `welch` (what the t alone would promote) are (experiments,
    treatments), -1 for never, `p_best` is whether an arm ever had a chance of .95 to be the
    best. `arm` and `chance` are the draws, `log_e` the evidence for better and for worse at
    the end. Where every unit is followed by a look, the last of these and `welch` are left out.
    """

    promoted: np.ndarray
    rejected: np.ndarray
    welch: np.ndarray
    p_best: np.ndarray
    arm: np.ndarray
    chance: np.ndarray
    log_e: tuple
    moments: tuple


def chances_of_rates(successes, trials):
    """Return by arm the chance of the highest rate, Beta(1, 1) before."""
    a, b = successes + 1.0, trials - successes + 1.0
    x = 0.5 * (NODES + 1)
    # where some arm has mass: between the lowest and the highest of all arms
    mid, sd = a / (a + b), np.sqrt(a * b / (a + b + 1)) / (a + b)
    low = np.clip((mid - 7 * sd).max(axis=1) - 0.02, 0, 1)[:, None]
    high = np.clip((mid + 7 * sd).max(axis=1) + 0.02, 0, 1)[:, None]
    at = low + (high - low) * x
    return _chances(
        lambda arm: np.exp(
            (a[:, arm, None] - 1) * np.log(at)
            + (b[:, arm, None] - 1) * np.log1p(-at)
            - betaln(a[:, arm, None], b[:, arm, None])
        ),
        lambda arm: betainc(a[:, arm, None], b[:, arm, None], at),
        trials.shape[1],
    )


def chances_of_means(n, mean, sd):
    """Return by arm the chance of the highest mean, t about what was seen."""
    scale = np.maximum(sd, 1e-12) / np.sqrt(n)
    low = (mean - 7 * scale).max(axis=1)[:, None]
    high = (mean + 7 * scale).max(axis=1)[:, None]
    at = low + (high - low) * 0.5 * (NODES + 1)
    z = (at[:, None, :] - mean[:, :, None]) / scale[:, :, None]
    df = n[:, :, None] - 1.0
    height = np.exp(gammaln((df + 1) / 2) - gammaln(df / 2)) / np.sqrt(np.pi * df)
    density = height * (1 + z**2 / df) ** (-(df + 1) / 2) / scale[:, :, None]
    below = stdtr(df, z)
    return _chances(lambda arm: density[:, arm], lambda arm: below[:, arm], n.shape[1])


def _chances(density, below, arms):
    distribution = [below(arm) for arm in range(arms)]
    found = []
    for arm in range(arms):
        product = density(arm) * WEIGHTS
        for other in range(arms):
            if other != arm:
                product = product * distribution[other]
        found.append(product.sum(axis=1))
    chances = np.stack(found, axis=1)
    return chances / chances.sum(axis=1, keepdims=True)


def shares(p_best, aim, floor):
    """Return the shares in force, as `assign.adaptive` has them."""
    arms = p_best.shape[1]
    drawn = p_best
    if aim == "find_best" and arms > 2:
        sure = np.clip(p_best, 0, 1 - 1e-12)
        odds = sure / (1 - sure)
        drawn = sure * (0.5 + 0.5 * (odds.sum(axis=1, keepdims=True) - odds))
        drawn = drawn / drawn.sum(axis=1, keepdims=True)
    return floor + (1 - arms * floor) * drawn


def play(world, rng, alpha=0.05):
    """Draw, close, renew and look to the end."""
    values = world.values
    runs, units, arms = values.shape
    bar = -np.log(alpha)
    state = _State(runs, arms)
    weights = np.full((runs, arms), 1.0 / arms)
    arm_of = np.zeros((runs, units), int)
    chance = np.zeros((runs, units, arms))
    turns = rng.permuted(np.tile(np.arange(arms), (runs, BURN_IN, 1)), axis=2)
    burnt = turns.reshape(runs, -1)
    rows = np.arange(runs)
    promoted = np.full((runs, arms - 1), -1)
    rejected, welch_first = promoted.copy(), promoted.copy()
    sure = np.zeros(runs, bool)
    up = down = None
    for unit in range(units + world.lag):
        if unit < units:
            if unit < burnt.shape[1]:
                arm = burnt[:, unit]
                chance[:, unit] = 1.0 / arms
            else:
                cut = np.cumsum(weights, axis=1)
                arm = (rng.random(runs)[:, None] * cut[:, -1:] >= cut).sum(axis=1)
                arm = np.minimum(arm, arms - 1)
                chance[:, unit] = weights
            arm_of[:, unit] = arm
        closed = unit - world.lag
        if closed < 0:
            continue
        arm = arm_of[:, closed]
        pi = chance[:, closed]
        state.close(arm, values[rows, closed, arm], pi, closed < burnt.shape[1], closed)
        if closed + 1 < burnt.shape[1]:
            continue
        renewed = (closed + 1) % world.every == 0
        if renewed:
            p_best = _chances_now(world, state)
            sure |= (p_best >= 0.95).any(axis=1)
            weights = shares(p_best, world.aim, world.least_share) if world.moving else weights
        if world.each:
            note_crossings(world, state, promoted, rejected, closed + 1, bar)
        elif renewed:
            up, down, welch = evidence(world, state)
            ready = _is_ready(world, state)
            for first, found in (
                (promoted, closed_average(up)),
                (welch_first, closed_average(welch)),
                (rejected, down),
            ):
                first[(found >= bar) & ready & (first < 0)] = closed + 1
    return Played(
        promoted,
        rejected,
        welch_first,
        sure,
        arm_of,
        chance,
        (up, down),
        state.moments(),
    )


def note_crossings(world, state, promoted, rejected, place, bar):
    """Note what convinces now; it is weighed in full only where the draw alone convinces."""
    sign, ready = -1 if world.lower else 1, _is_ready(world, state)
    for first, way, combined in ((promoted, sign, closed_average), (rejected, -sign, np.array)):
        still = (state.exact(way) >= bar) & ready & (first < 0)
        rows = np.nonzero(still.any(axis=1))[0]
        if not len(rows):
            continue
        found = state.exact(way)[rows]
        if not world.rates:
            found = np.minimum(found, _of_values(world, state, rows)[int(way == -1)])
        hit = np.zeros_like(still)
        hit[rows] = combined(found) >= bar
        first[hit & still] = place


def _is_ready(world, state):
    return (state.n[:, 1:] >= world.least) & (state.n[:, :1] >= world.least)


def _chances_now(world, state):
    n, mean, sd = state.moments()
    if world.rates:
        counts = state.total if not world.lower else state.n - state.total
        return chances_of_rates(counts, state.n)
    return chances_of_means(n, -mean if world.lower else mean, sd)


def draws(world, rng):
    """Return the arms that are drawn, (experiments, units), without weighing any evidence."""
    runs, units, arms = world.values.shape
    rows = np.arange(runs)
    n, total, squares = (np.zeros((runs, arms)) for _ in range(3))
    turns = rng.permuted(np.tile(np.arange(arms), (runs, BURN_IN, 1)), axis=2)
    first = turns.reshape(runs, -1)
    weights, drawn = np.full((runs, arms), 1.0 / arms), np.zeros((runs, units), int)
    for unit in range(units):
        burning = unit < first.shape[1]
        if not burning and (unit % world.every == 0 or unit < 100):
            if world.rates:
                p_best = chances_of_rates(total, n)
            else:
                mean = total / n
                sd = np.sqrt(np.maximum(squares - n * mean**2, 0) / (n - 1))
                p_best = chances_of_means(n, -mean if world.lower else mean, sd)
            weights = shares(p_best, world.aim, world.least_share)
        cut = np.cumsum(weights, axis=1)
        fresh = (rng.random(runs)[:, None] * cut[:, -1:] >= cut).sum(axis=1)
        arm = first[:, unit] if burning else np.minimum(fresh, arms - 1)
        value = world.values[rows, unit, arm]
        drawn[:, unit] = arm
        n[rows, arm] += 1
        total[rows, arm] += value
        squares[rows, arm] += value**2
    return drawn


def closed_average(log_es):
    """Return log e-values adjusted by closed testing with averages, row by row."""
    if log_es.shape[1] == 1:
        return log_es
    places = np.argsort(log_es, axis=1)
    order = np.take_along_axis(log_es, places, axis=1)
    found = np.empty_like(log_es)
    for k in range(log_es.shape[1]):
        own = log_es[:, k : k + 1]
        others = order[places != k].reshape(len(order), -1)
        sums = np.logaddexp.accumulate(np.concatenate([own, others], axis=1), axis=1)
        found[:, k] = (sums - np.log(np.arange(1, order.shape[1] + 1))).min(axis=1)
    return found


def evidence(world, state):
    """Return the log e-values for better and worse, and those of the Welch t for better."""
    sign = -1 if world.lower else 1
    exact_up, exact_down = state.exact(sign), state.exact(-sign)
    above, below = _of_values(world, state)
    welch_up, welch_down = (below, above) if world.lower else (above, below)
    if world.rates:
        return exact_up, exact_down, welch_up
    return np.minimum(exact_up, welch_up), np.minimum(exact_down, welch_down), welch_up


def _of_values(world, state, rows=slice(None)):
    """Return the log e-values of the Welch t: for greater means of the treatments, for less."""
    n, mean, sd = (item[rows] for item in state.moments())
    control = shadow.Moments(n[:, :1], mean[:, :1], sd[:, :1] ** 2)
    treated = shadow.Moments(n[:, 1:], mean[:, 1:], sd[:, 1:] ** 2)
    return [np.nan_to_num(e) for e in shadow.log_evidence(control, treated, bar=world.bar)]


class _Sums:
    """Sums of the two arms of a comparison, by which the next value is scored."""

    def __init__(self, runs):
        self.n, self.total = np.zeros((2, runs)), np.zeros((2, runs))
        self.squares = np.zeros(runs)

    def score(self, value):
        n = self.n.sum(axis=0) + 1
        total, squares = self.total.sum(axis=0) + value, self.squares + value**2
        with np.errstate(all="ignore"):
            middle = (self.total / self.n).mean(axis=0)
            sd = np.sqrt(np.maximum(squares - total**2 / n, 0) / (n - 1))
            u = np.clip((value - middle) / sd, -CLIP, CLIP)
        return np.where(np.isfinite(u), u, 0.0)

    def add(self, value, z, mine):
        for arm in (0, 1):
            which = mine & (z == arm)
            self.n[arm][which] += 1
            self.total[arm][which] += value[which]
        self.squares[mine] += value[mine] ** 2


class _State:
    """Sums of every arm, and the factors of the draw for every treatment."""

    def __init__(self, runs, arms):
        self.n = np.zeros((runs, arms))
        self.total, self.squares = np.zeros((runs, arms)), np.zeros((runs, arms))
        self.factors = {sign: np.zeros((runs, arms - 1, len(EFFECT))) for sign in (1, -1)}
        self.log_e = {sign: np.zeros((runs, arms - 1)) for sign in (1, -1)}
        self.waiting = {}
        self.sums = [_Sums(runs) for _ in range(arms - 1)]
        self.rows = np.arange(runs)
        self.arms = arms

    def close(self, arm, value, pi, burning, place):
        self.n[self.rows, arm] += 1
        self.total[self.rows, arm] += value
        self.squares[self.rows, arm] += value**2
        for treatment in range(1, self.arms):
            self._weigh(treatment, arm, value, pi, burning, place)

    def _weigh(self, treatment, arm, value, pi, burning, place):
        mine = (arm == 0) | (arm == treatment)
        if not mine.any():
            return
        z = (arm == treatment).astype(float)
        sums = self.sums[treatment - 1]
        with np.errstate(all="ignore"):
            p = pi[:, treatment] / (pi[:, 0] + pi[:, treatment])
        if burning:
            key = (treatment, place // self.arms)
            before = self.waiting.get(key)
            if before is None:
                before = self.waiting[key] = [np.full(len(z), np.nan), np.zeros(len(z))]
            fresh = mine & np.isnan(before[0])
            second = mine & ~fresh
            first, first_z = before[0].copy(), before[1].copy()
            before[0][fresh], before[1][fresh] = value[fresh], z[fresh]
            u = sums.score(first) - sums.score(value)
            sums.add(first, first_z, second)
            sums.add(value, z, second)
            z, p, mine = first_z, np.full(len(z), 0.5), second
        else:
            u = sums.score(value)
            sums.add(value, z, mine)
        u, z, p = u[mine], z[mine], p[mine]
        for sign, factors in self.factors.items():
            x = sign * EFFECT * u[:, None]
            found = factors[mine, treatment - 1] + x * z[:, None]
            found -= np.log(p[:, None] * np.exp(x) + 1 - p[:, None])
            factors[mine, treatment - 1] = found
            terms = found + LOG_WEIGHT
            top = terms.max(axis=1)
            total = np.exp(terms - top[:, None]).sum(axis=1)
            self.log_e[sign][mine, treatment - 1] = top + np.log(total)

    def exact(self, sign):
        return self.log_e[sign]

    def moments(self):
        with np.errstate(all="ignore"):
            mean = self.total / self.n
            variance = np.maximum(self.squares - self.n * mean**2, 0) / (self.n - 1)
        return self.n, mean, np.sqrt(variance)
