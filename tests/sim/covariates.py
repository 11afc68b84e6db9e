"""Worlds with covariates known before assignment, and the adjusted Welch t at every look.

Rows are experiments, columns units in assignment order, the last axis of `x` covariates.
`test_covariates.py` holds the statistic equal to a regression by another program.
"""

from __future__ import annotations

import numpy as np
from tests.sim import shadow, worlds


def linear(explained, effect=0.0):
    """Values of standard deviation one, of which a normal covariate explains a share."""

    def world(rng, experiments, units):
        x, noise = rng.standard_normal((2, experiments, units))
        y = np.sqrt(explained) * x + np.sqrt(1 - explained) * noise
        arm = worlds.pairs(rng, experiments, units)
        return y + effect * arm, arm, x[..., None]

    return world


def made(covariate, value, *, assign=worlds.pairs):
    """Values made of covariates, noise and arm, which has no effect on their mean."""

    def world(rng, experiments, units):
        shape = experiments, units
        x = covariate(rng, shape)
        x = x if x.ndim == 3 else x[..., None]
        arm = assign(rng, *shape)
        return value(rng, x, arm), arm, x

    return world


def normal(rng, shape):
    return rng.standard_normal(shape)


def heavy(rng, shape):
    return rng.standard_t(2, shape)


def skewed(rng, shape):
    return np.exp(rng.standard_normal(shape))


def four(rng, shape):
    """Four covariates that share a part."""
    return rng.standard_normal((*shape, 4)) + 0.5 * rng.standard_normal((*shape, 1))


def missing(rng, shape):
    """A covariate that three in ten units lack: zero there, with an indicator."""
    lacks = rng.random(shape) < 0.3
    return np.stack([np.where(lacks, 0.0, rng.standard_normal(shape)), lacks], axis=-1)


def plus(noise, signal=lambda x: x[..., 0]):
    return lambda rng, x, arm: signal(x) + noise(rng, x, arm)


def gaussian(rng, _, arm):
    return rng.standard_normal(arm.shape)


def quarter(rng, experiments, units):
    """Assign one unit in four to the treatment, in blocks."""
    whole = -(-units // 8)
    drawn = rng.permuted(
        np.broadcast_to([1, 1, 0, 0, 0, 0, 0, 0], (experiments * whole, 8)), axis=1
    )
    return drawn.reshape(experiments, whole * 8)[:, :units]


WORLDS = {
    "explains nothing": linear(0.0),
    "explains half": linear(0.5),
    "explains nine tenths": linear(0.9),
    "heavy tails of the covariate": made(heavy, plus(gaussian)),
    "skewed covariate": made(skewed, plus(gaussian)),
    "quadratic": made(normal, plus(gaussian, lambda x: x[..., 0] ** 2)),
    "step": made(normal, plus(gaussian, lambda x: 2.0 * (x[..., 0] > 0.5))),
    "noise of t3": made(normal, plus(lambda rng, _, arm: rng.standard_t(3, arm.shape))),
    "exponential noise": made(
        normal, plus(lambda rng, _, arm: rng.exponential(1.0, arm.shape))
    ),
    "spread grows with the covariate": made(
        normal, plus(lambda rng, x, arm: np.exp(0.5 * x[..., 0]) * gaussian(rng, x, arm))
    ),
    "slopes differ by arm": made(
        normal, lambda rng, x, arm: 2.0 * arm * x[..., 0] + gaussian(rng, x, arm)
    ),
    "spreads differ by arm": made(
        normal, plus(lambda rng, x, arm: (1.0 + 2.0 * arm) * gaussian(rng, x, arm))
    ),
    "four covariates": made(four, plus(gaussian, lambda x: x.sum(axis=-1))),
    "three in ten missing": made(missing, plus(gaussian, lambda x: x[..., 0] + x[..., 1])),
    "one in four, the small arm wider": made(
        normal,
        plus(lambda rng, x, arm: (1.0 + 2.0 * arm) * gaussian(rng, x, arm)),
        assign=quarter,
    ),
}


class Products:
    """Running sums of products of deviations of one arm, after every look."""

    def __init__(self, y, x, member):
        self.n = np.maximum(np.cumsum(member, axis=1), 1)
        column = member[..., None]
        y, x = np.where(member, y, 0.0), np.where(column, x, 0.0)
        n = self.n[..., None]
        self.y, self.x = np.cumsum(y, axis=1) / self.n, np.cumsum(x, axis=1) / n
        self.yy = np.cumsum(y * y, axis=1) - self.n * self.y**2
        self.xy = np.cumsum(x * y[..., None], axis=1) - n * self.x * self.y[..., None]
        pairs = x[..., :, None] * x[..., None, :]
        means = self.x[..., :, None] * self.x[..., None, :]
        self.xx = np.cumsum(pairs, axis=1) - n[..., None] * means


def adjusted(y, arm, x, null=0.0):
    """Return t against a null difference, degrees of freedom and effective size at every look.

    The difference is treatment minus control.
    """
    control, treated = (Products(y, x, arm == index) for index in (0, 1))
    among, joint = control.xx + treated.xx, control.xy + treated.xy
    diagonal = np.einsum("...ii->...i", among)
    constant = diagonal <= 1e-9
    q = x.shape[-1] - constant.sum(axis=-1)
    among = among + np.eye(x.shape[-1]) * constant[..., None]
    gap = np.where(constant, 0.0, treated.x - control.x)
    early = np.linalg.cond(among) > 1e10
    among = np.where(early[..., None, None], np.eye(x.shape[-1]), among)
    slopes = np.linalg.solve(among, np.where(constant, 0.0, joint)[..., None])[..., 0]
    lost = (gap * np.linalg.solve(among, gap[..., None])[..., 0]).sum(axis=-1)
    total = control.n + treated.n
    weight = control.n * treated.n / total
    with np.errstate(all="ignore"):
        grown = (1 + weight * lost) * (total - 2) / (total - 2 - q)
        parts = [
            (
                own.yy
                - 2 * (slopes * own.xy).sum(axis=-1)
                + np.einsum("...i,...ij,...j->...", slopes, own.xx, slopes)
            )
            / (own.n - 1)
            / own.n
            * grown
            for own in (control, treated)
        ]
        whole = parts[0] + parts[1]
        df = whole**2 / (parts[0] ** 2 / (control.n - 1) + parts[1] ** 2 / (treated.n - 1)) - q
        t = (treated.y - control.y - (slopes * gap).sum(axis=-1) - null) / np.sqrt(whole)
    known = ~early & (total >= 4 + 2 * q) & (np.minimum(control.n, treated.n) >= 2) & (df >= 1)
    return np.where(known, t, np.nan), df, weight / (1 + weight * lost)


def crossings(world, rng, experiments, units, *, alpha=0.05, minimum=10, batch=1_000_000):
    """Return the units per arm at which each experiment is shown above, and below; -1 never.

    Looks after every second unit, from a minimum per arm on.
    """
    found = []
    while experiments > 0:
        size = min(experiments, max(1, batch // units))
        y, arm, x = world(rng, size, units)
        smaller = np.minimum(np.cumsum(arm == 0, axis=1), np.cumsum(arm == 1, axis=1))
        bar = np.log(1 / alpha)
        looks = (smaller >= minimum) & (np.arange(1, units + 1) % 2 == 0)
        sides = shadow.one_sided(*adjusted(y, arm, x), bar)
        found.append([np.where(looks, side, -1.0) >= bar for side in sides])
        experiments -= size
    return tuple(
        np.concatenate([shadow.first(part[side]) for part in found]) for side in (0, 1)
    )


def guarded(better=0.0, harm=1.0, explained=0.5):
    """Return a world of two logs that a covariate explains in part, the second a guardrail's.

    The treatment is lower by so many standard deviations, and its guardrail so many times as
    large.
    """

    def world(rng, experiments, units):
        y, arm, x = linear(explained, -better)(rng, experiments, units)
        own = rng.standard_normal(arm.shape)
        guard = np.sqrt(explained) * x[..., 0] + np.sqrt(1 - explained) * own
        return 0.5 * y, 0.5 * guard + np.log(harm) * arm, arm, x

    return world


def decided(y, guard, arm, x, *, margin=0.1, alpha=0.05, minimum=10):
    """Return when plans with a covariate and one guardrail first promote and reject.

    Of logs of which less is better; the error rate has its share of α, and nothing to tell.
    """
    bar, share = np.log(1 / alpha), shadow.shares(1, 1)
    pairs = np.minimum(np.cumsum(arm == 0, axis=1), np.cumsum(arm == 1, axis=1))
    worse, better = shadow.one_sided(*adjusted(y, arm, x), bar)
    against = adjusted(guard, arm, x, np.log(1 + margin))
    exceeds, within = shadow.one_sided(*against, bar)
    beyond = np.nan_to_num(against[0]) > 0
    means = (shadow.running(np.exp(y), arm == index).mean for index in (1, 0))
    with np.errstate(invalid="ignore"):
        agree = ~np.greater(*means)
    out = (worse >= bar - np.log(share["primary"])) & (pairs >= shadow.FEWEST_PAIRS)
    out |= (exceeds >= bar - np.log(share["guardrail"])) & (pairs >= minimum)
    clear = (better >= bar) & agree & (exceeds < bar) & ~(beyond & (within < bar))
    promoted = clear & ~out & (pairs >= minimum)
    return shadow.Crossings(shadow.first(promoted), shadow.first(out))
