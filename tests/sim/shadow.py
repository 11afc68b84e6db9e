"""The sequential decision of many experiments at every look, as arrays.

A vectorised twin of `decide.analyze` for one continuous metric: `test_shadow.py` holds the
two equal on random cases, so that what is simulated here is what the product does. Arrays
are (experiments, units in assignment order); a look follows every unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, stdtr

from meta_experiment.stats.mixed_prior import EFFECTS

PRIOR_SD = 0.7
FEWEST_PAIRS = 3
STEPS = 0.7 * np.arange(-15, 11)


@dataclass(frozen=True)
class Moments:
    """Running number, mean and variance of one arm after every look."""

    n: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True)
class Crossings:
    """The first look (index) at which each experiment is promoted or rejected; -1 is never."""

    promoted: np.ndarray
    rejected: np.ndarray

    def rate(self, action, looks=None):
        """Return the share of experiments in which an action came first (within some looks)."""
        first, other = (
            (self.promoted, self.rejected)
            if action == "promote"
            else (self.rejected, self.promoted)
        )
        hit = (first >= 0) & ((other < 0) | (first <= other))
        if looks is not None:
            hit &= first < looks
        return float(hit.mean())


def running(values, member):
    """Return the moments of the member units up to every look."""
    n = np.cumsum(member, axis=1)
    shift = values.mean(axis=1, keepdims=True)
    centred = np.where(member, values - shift, 0.0)
    total, squares = np.cumsum(centred, axis=1), np.cumsum(centred**2, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
        variance = np.maximum(squares - total * mean, 0.0) / (n - 1)
    return Moments(n, mean + shift, variance)


def log_grid(t, df, n):
    """Return the log e-values under the grid of effects alone; arrays of one dimension.

    Every expectation by its own trapezoid in log s, centred where its integrand peaks.
    """
    nu = (df + 1)[:, None]
    effects, weights = np.array(EFFECTS).T
    shift = effects * np.sqrt(n)[:, None]
    x = shift * (t / np.sqrt(df + t**2))[:, None]
    peak = (x + np.sqrt(x**2 + 4 * nu)) / 2
    height = weights - shift**2 / 2 + nu * np.log(peak) - peak**2 / 2 + x * peak
    top = height.max(axis=1, keepdims=True)
    rows, columns = np.nonzero(height > top - 25)
    nu_, x_, peak_ = nu[rows, 0], x[rows, columns], peak[rows, columns]
    sd = 1 / np.sqrt(nu_ + peak_**2)
    total = np.zeros(len(rows))
    for step in STEPS:
        grown = np.expm1(step * sd)
        total += np.exp(
            nu_ * step * sd - 0.5 * peak_**2 * grown * (grown + 2) + x_ * peak_ * grown
        )
    total *= np.exp(height[rows, columns] - top[rows, 0]) * sd
    summed = np.bincount(rows, weights=total, minlength=len(t)) * (STEPS[1] - STEPS[0])
    half = 0.5 * nu[:, 0]
    return top[:, 0] + np.log(summed) + (1 - half) * math.log(2) - gammaln(half)


def mixed(half_normal, t, df, n, bar=None):
    """Mix the half-normal's log e-values with those of the grid.

    With a bar only where the grid can tell on which side of it the evidence lies: log e is at
    most t²/2, and the grid takes nothing away.
    """
    found = half_normal + math.log(0.25)
    open_still = np.isfinite(half_normal)
    if bar is not None:
        open_still &= (t >= 0.95 * math.sqrt(2 * bar)) & (found < bar + 5)
    at = np.nonzero(open_still)
    for chunk in np.array_split(np.arange(len(at[0])), 1 + len(at[0]) // 50_000):
        where = tuple(index[chunk] for index in at)
        grid = log_grid(t[where], df[where], n[where]) + math.log(0.75)
        found[where] = np.logaddexp(found[where], grid)
    return found


def log_evidence(control, treatment, null=0.0, bar=None):
    """Return log e-values for treatment above and below the null at every look.

    With a bar only about right where they are far from it (see `mixed`).
    """
    with np.errstate(all="ignore"):
        part_c, part_t = control.variance / control.n, treatment.variance / treatment.n
        total = part_c + part_t
        df = total**2 / (part_c**2 / (control.n - 1) + part_t**2 / (treatment.n - 1))
        t = (treatment.mean - control.mean - null) / np.sqrt(total)
        effective = control.n * treatment.n / (control.n + treatment.n)
    known = np.minimum(control.n, treatment.n) >= 2
    return one_sided(np.where(known, t, np.nan), df, effective, bar)


def one_sided(t, df, n, bar=None):
    """Return log e-values for an effect above the null and below, 0 where t is unknown."""
    with np.errstate(all="ignore"):
        r = 1 / (1 + PRIOR_SD**2 * n)
        share = t**2 / df
        factor = 0.5 * np.log(r) + 0.5 * (df + 1) * (np.log1p(share) - np.log1p(r * share))
        posterior = t * np.sqrt((1 - r) * (df + 1) / (df + r * t**2))
        above, below = (
            mixed(factor + np.log(2 * stdtr(df + 1, side * posterior)), side * t, df, n, bar)
            for side in (1, -1)
        )
    unknown = ~np.isfinite(t)
    return np.where(unknown, 0.0, above), np.where(unknown, 0.0, below)


def decide(
    raw,
    arm,
    *,
    log=True,
    threshold=0.0,
    alpha=0.05,
    minimum=10,
    cut=None,
    gone=None,
    treatments=1,
    watched=(),
    guards=(),
    margin=0.10,
    step=1,
):
    """Return when each experiment is first promoted or rejected; lower is better.

    `raw` are positive values in the metric's unit, `arm` is 0 for the control, 1 … for the
    treatments, `cut` marks units that were interrupted, `gone` those whose value is missing
    (they have one in `raw` all the same). `guards` are values of guardrails, `watched` those of
    safety metrics beside the primary, the first in the place of the error rate, all on the log
    scale (with one treatment). There is a look after every `step` units.
    """
    here = {"arm": arm if gone is None else np.where(gone, -1, arm), "log": log}
    bar = math.log(1 / alpha)
    here |= {"treatments": treatments, "bar": bar}
    better, worse, improvement, pairs = _evidence(raw, **here)
    share = shares(len(guards), len(watched))

    def shown(better, _, improvement, *__):
        return (closed(better) >= bar) & (improvement >= threshold)

    clear = shown(better, worse, improvement)
    if cut is not None and cut.any():
        clear &= shown(*_evidence(np.where(cut, 4 * raw, raw), **here))
    if gone is not None and gone.any():
        beyond = missing_beyond(gone, arm, treatments)
        clear &= shown(*_evidence(raw, **here, ratio=2, units=beyond))
        worst = worst_of_control(np.log(raw) if log else raw, here["arm"], arm, beyond, clear)
        clear &= shown(*_evidence(raw, **here, ratio=2, units=beyond, worst=worst))
    if log:
        clear &= ~_means_disagree(raw, here["arm"], treatments)
    else:
        clear &= shown(*_evidence(raw, **here, ratio=3, units=np.ones((treatments, 1, 1))))
    out = (worse >= bar - math.log(share["primary"])) & (pairs >= FEWEST_PAIRS)
    for place, values in enumerate(watched):
        arms = (running(np.log(values), arm == index) for index in (0, 1))
        harm, _ = log_evidence(*arms, bar=bar)
        own = share["safety" if place else "errors"]
        out |= (harm >= bar - math.log(own)) & (pairs >= FEWEST_PAIRS)
    for guard in guards:
        within, exceeds, beyond = judged(np.log(guard), arm, margin, bar)
        clear &= (exceeds < bar) & ~(beyond & (within < bar))
        out |= (exceeds >= bar - math.log(share["guardrail"])) & (pairs >= minimum)
    rejected = out.all(axis=0)
    ready = np.where(out, np.inf, pairs).min(axis=0) >= minimum
    promoted = ready & (clear & ~out).any(axis=0) & ~rejected
    looked = np.arange(1, raw.shape[1] + 1) % step == 0
    return Crossings(first(promoted & looked), first(rejected & looked))


def shares(guards, watched):
    """Return the shares of α of what may reject, of so many guardrails and safety metrics."""
    weights = {"primary": 4, "errors": 2}
    weights |= {"guardrail": 2} if guards else {}
    weights |= {"safety": 2} if watched > 1 else {}
    among = {"guardrail": guards, "safety": watched - 1}
    whole = sum(weights.values())
    return {kind: part / whole / among.get(kind, 1) for kind, part in weights.items()}


def judged(values, arm, margin, bar):
    """Return log evidence for within and beyond the margin, and whether it seems beyond."""
    control, treated = running(values, arm == 0), running(values, arm == 1)
    edge = math.log(1 + margin)
    exceeds, within = log_evidence(control, treated, edge, bar)
    with np.errstate(invalid="ignore"):
        return within, exceeds, treated.mean - control.mean > edge


def covered(raw, arm, truth, *, log=True, alpha=0.05):
    """Return whether the always-valid interval holds the true effect at every look.

    `truth` is treatment over control: of geometric means on the log scale, else of means.
    """
    values = np.log(raw) if log else raw
    control, treated = running(values, arm == 0), running(values, arm == 1)
    bar = math.log(1 / alpha)
    if log:
        above, below = log_evidence(control, treated, math.log(truth), bar)
    else:
        scaled = Moments(control.n, truth * control.mean, truth**2 * control.variance)
        above, below = log_evidence(scaled, treated, bar=bar)
    inside = np.maximum(above, below) < bar
    return inside.all(axis=1)


def missing_beyond(gone, arm, treatments):
    """Return how many units each treatment misses beyond the control's share."""
    lost, of = (
        [np.cumsum(where & (arm == index), axis=1) for index in range(treatments + 1)]
        for where in (gone, np.ones_like(gone))
    )
    share = lost[0] / np.maximum(of[0], 1)
    beyond = [lost[index] - share * of[index] for index in range(1, treatments + 1)]
    return np.maximum(np.ceil(np.array(beyond) - 1e-9), 0.0)


def worst_of_control(values, measured, arm, beyond, clear):
    """Return the mean of the control's largest values, of half the share that is missing.

    Only at looks where the rest is clear for a treatment; a worse value makes nothing clear.
    """
    found = np.full(beyond.shape, -np.inf)
    for place, row, look in zip(*np.nonzero(clear.any(axis=0) & (beyond > 0)), strict=True):
        own = values[row, : look + 1][measured[row, : look + 1] == 0]
        of = np.count_nonzero(arm[row, : look + 1] == place + 1)
        most = math.ceil(0.5 * beyond[place, row, look] / of * len(own))
        found[place, row, look] = np.partition(own, len(own) - most)[len(own) - most :].mean()
    return found


def _means_disagree(raw, arm, treatments):
    """Say by treatment where its arithmetic mean is above the control's."""
    control = running(raw, arm == 0).mean
    with np.errstate(invalid="ignore"):
        return np.array(
            [running(raw, arm == index).mean > control for index in range(1, treatments + 1)]
        )


def joined(arm, value, units):
    """Return the moments with so many more units at a value."""
    with np.errstate(all="ignore"):
        n = arm.n + units
        gap = value - arm.mean
        squares = arm.variance * (arm.n - 1) + gap**2 * arm.n * units / n
        return Moments(n, arm.mean + gap * units / n, squares / (n - 1))


def _evidence(raw, arm, *, log, treatments, bar, ratio=1, units=None, worst=None):
    """Weigh all treatments, each with `units` more at a ratio to the control's centre.

    With `worst` these are at least as large.
    """
    values = np.log(raw) if log else raw
    control = running(values, arm == 0)
    better, worse, improvement, pairs = [], [], [], []
    for index in range(1, treatments + 1):
        treated = running(values, arm == index)
        if units is not None:
            bad = control.mean + math.log(ratio) if log else ratio * control.mean
            bad = bad if worst is None else np.maximum(bad, worst[index - 1])
            treated = joined(treated, bad, units[index - 1])
        above, below = log_evidence(control, treated, bar=bar)
        better.append(below)
        worse.append(above)
        with np.errstate(all="ignore"):
            improvement.append(
                -np.expm1(treated.mean - control.mean)
                if log
                else (control.mean - treated.mean) / np.abs(control.mean)
            )
        pairs.append(np.minimum(control.n, treated.n))
    return tuple(map(np.array, (better, worse, improvement, pairs)))


def closed(logs):
    """Return the log e-values adjusted by closed testing with averages."""
    if len(logs) == 1:
        return logs
    top = logs.max(axis=0)
    e = np.exp(logs - top)
    adjusted = []
    for index, own in enumerate(e):
        smallest_others = np.cumsum(np.sort(np.delete(e, index, axis=0), axis=0), axis=0)
        means = [own]
        means += [(own + total) / (count + 2) for count, total in enumerate(smallest_others)]
        adjusted.append(np.min(means, axis=0))
    return np.log(np.array(adjusted)) + top


def first(mask):
    """Return the index of the first True along the looks, -1 where there is none."""
    return np.where(mask.any(axis=1), mask.argmax(axis=1), -1)
