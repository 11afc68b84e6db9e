"""Holdouts under a look at every use: a vectorised twin, and its tables.

Arrays are (experiments, uses as they were drawn). Values are logarithms, less is better;
effects are in standard deviations of the old text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, ndtri
from tests.sim import shadow, unequal_rates

from meta_experiment.decide.metrics.held_spread import WIDER
from meta_experiment.stats.mixed_prior import EFFECTS

BAR = np.log(20)
LEAST = 10  # units of either arm before an answer
_SHARES = (0.1, 0.2)
ANCHOR = "Holdouts"
EFFECT, KEPT = 0.45, 0.225


@dataclass
class Answers:
    """The use at which each answer came, by experiment; the length of the course is never."""

    still_better: np.ndarray
    reversed: np.ndarray
    decayed: np.ndarray
    uses: int

    def share(self, found):
        """Return the share of experiments in which an answer came."""
        return float((found < self.uses).mean())


def normal(rng, shape):
    return rng.standard_normal(shape)


def heavy(rng, shape):
    """Return what is ten times as dear in a tenth of uses, in units of the usual spread."""
    return rng.standard_normal(shape) + np.where(rng.random(shape) < 0.1, np.log(10) / 0.5, 0.0)


def rarely_cheap(rng, shape):
    """Return what is a tenth as dear in a tenth of uses, as where all of it was cached."""
    return -heavy(rng, shape)


def wandering(rng, shape):
    """Return a level that wanders by two spreads over the course, for both texts alike."""
    steps = rng.standard_normal(shape) / np.sqrt(shape[1])
    return rng.standard_normal(shape) + 2 * np.cumsum(steps, axis=1)


def weekly(rng, shape):
    """Return a level that falls and rises with the hour, whoever gets what."""
    level = 1.5 * np.sin(np.arange(shape[1]) / 40)
    return rng.standard_normal(shape) + level


WORLDS = {
    "durations": normal,
    "cost, a tenth ten times as high": heavy,
    "a level that wanders": wandering,
    "a level that falls and rises": weekly,
}


def blocks(rng, experiments, uses, share):
    """Return which uses keep the old text: one in every so many, at random places."""
    size = round(1 / share)
    places = rng.integers(size, size=(experiments, -(-uses // size)))
    return (places[:, :, None] == np.arange(size)).reshape(experiments, -1)[:, :uses]


def courses(rng, world, *, experiments, uses, share, effect, wider=1.0):
    """Return values and which uses kept the old text, whose spread is so much wider."""
    previous = blocks(rng, experiments, uses, share)
    values = world(rng, (experiments, uses))
    return np.where(previous, wider * values, values - effect), previous


def log_draws(values, previous, size):
    """Return the log e-values of the draw for dearer promoted units, after every block."""
    effects, weights = np.array(EFFECTS).T
    totals, found = np.zeros((len(values), len(effects))), []
    for end in range(size, values.shape[1] + 1, size):
        now, past = values[:, end - size : end], values[:, None, :end]
        below = (past < now[:, :, None]).sum(axis=2)  # no two values are alike
        u = ndtri((below + 0.5) / end)
        lone = np.where(previous[:, end - size : end], u, 0).sum(axis=1)
        # of a block all but one are promoted: the mean over which one that is
        alone = np.exp(-u[:, :, None] * effects).mean(axis=1)
        totals += -lone[:, None] * effects - np.log(alone)
        found.append(logsumexp(totals + weights, axis=1))
    held = np.repeat(np.array(found).T, size, axis=1)
    shown = np.zeros_like(values)
    shown[:, size - 1 :] = held[:, : values.shape[1] - size + 1]
    return shown


def log_evidence(values, previous, kept, bar=BAR, size=5):
    """Return the log e-values of still better, reversed and decayed at every use."""
    old, new = shadow.running(values, previous), shadow.running(values, ~previous)
    worse, _ = shadow.log_evidence(old, new, 0.0, bar)
    better = log_better(old, new, bar)
    decayed, _ = shadow.log_evidence(old, new, -kept, bar)
    there = np.where(previous, values - kept, values)
    worse = np.minimum(worse, log_draws(values, previous, size))
    decayed = np.minimum(decayed, log_draws(there, previous, size))
    ready = np.minimum(old.n, new.n) >= LEAST
    return tuple(np.where(ready, found, 0.0) for found in (better, worse, decayed))


def log_better(old, new, bar=BAR):
    """Return the log e-values of still better by the moments of both texts at every use.

    Where the promoted text's values spread much wider, the old one's count as if they did.
    """
    _, better = shadow.log_evidence(old, new, 0.0, bar)
    with np.errstate(all="ignore"):
        spread = np.sqrt(new.variance * (1 / old.n + 1 / new.n))
        t, n = (new.mean - old.mean) / spread, old.n * new.n / (old.n + new.n)
        wide = new.variance > WIDER * old.variance
    _, at_one_spread = shadow.one_sided(np.where(wide, t, np.nan), new.n - 1.0, n, bar)
    return np.where(wide, np.minimum(better, at_one_spread), better)


def answers(values, previous, kept, share):
    """Return when each answer comes, were none of the others to end it."""
    found = log_evidence(values, previous, kept, size=round(1 / share))
    return Answers(*map(first_shown, found), values.shape[1])


def first_shown(found):
    """Return the use at which an e-value (its log) reached the bar, else the last one."""
    there = found >= BAR
    return np.where(there.any(axis=1), there.argmax(axis=1) + 1, found.shape[1])


def until_still_better(values, previous):
    """Return the use at which that is shown, for which the draw is not asked."""
    old, new = shadow.running(values, previous), shadow.running(values, ~previous)
    better = log_better(old, new)
    return first_shown(np.where(np.minimum(old.n, new.n) >= LEAST, better, 0.0))


def holdout_table(page, factor):
    page.section(
        ANCHOR,
        "What a holdout says wrongly, looked at after every use to 600, each answer by itself. "
        "The promoted text has lost all, so that nothing is still better or reversed; or it "
        f"keeps just what it was to keep ({KEPT} sd), so that nothing has decayed.",
        "world", "share", "experiments", "still better", "reversed", "decayed",
    )  # fmt: skip
    runs = max(40, int(200 * factor))
    cases = [(name, world, share, 1.0) for name, world in WORLDS.items() for share in _SHARES]
    cases += [("old text half as wide again", normal, 0.2, 1.5)]
    cases += [("cost, a tenth a tenth as high", rarely_cheap, it, 1.0) for it in _SHARES]
    for number, (name, world, share, wider) in enumerate(cases):
        rng = np.random.default_rng(9000 + number)
        course = {"experiments": runs, "uses": 600, "share": share, "wider": wider}
        gone = answers(*courses(rng, world, effect=0.0, **course), KEPT, share)
        kept = answers(*courses(rng, world, effect=KEPT, **course), KEPT, share)
        page.row(
            name,
            f"{share:.0%}",
            runs,
            page.check(gone.share(gone.still_better), most=0.05),
            page.check(gone.share(gone.reversed), most=0.05),
            page.check(kept.share(kept.decayed), most=0.05),
        )
    unequal_rates.holdout_rates_table(page, factor)
    uses_table(page, factor)


def uses_table(page, factor):
    page.section(
        "Uses that a holdout takes",
        f"Mean uses to an answer, and the share of holdouts that have it by then. Still "
        f"better: the effect stays at {EFFECT} sd (ten times as many experiments). Reversed: "
        f"it has turned into its opposite. Decayed: it is gone, and {KEPT} sd were to be kept.",
        "share", "experiments", "still better", "reversed", "decayed", "decayed within",
    )  # fmt: skip
    runs = max(30, int(200 * factor))
    for number, share in enumerate((0.1, 0.2)):
        rng = np.random.default_rng(9100 + number)
        uses = round(260 / (share * (1 - share)))
        course = {"experiments": runs, "uses": uses, "share": share}
        turned, gone = (
            answers(*courses(rng, normal, effect=effect, **course), KEPT, share)
            for effect in (-EFFECT, 0.0)
        )
        course["experiments"] *= 10
        stays = until_still_better(*courses(rng, normal, effect=EFFECT, **course))
        page.row(
            f"{share:.0%}",
            runs,
            page.check(
                stays.mean(),
                most=225 if share == 0.2 else None,
                form="{:.0f}",
            ),
            f"{turned.reversed.mean():.0f}",
            f"{gone.decayed.mean():.0f}",
            f"{gone.share(gone.decayed):.0%} of {uses:,}",
        )
