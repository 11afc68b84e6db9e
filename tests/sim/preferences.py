"""Preferences of cases, looked at after every one, by a vectorised twin of the rule."""

from collections import Counter

import numpy as np

from meta_experiment.stats.bounded_mean import _STAKES, log_e_above

BAR = np.log(20)


def verdicts(rng, shape, *, ties=0.3, wins=0.5, of_case=0.0, repeats=1):
    """Draw what cases prefer: 1, 0 or ½, or the mean of repeats, alike or not in each case."""
    logit = np.log(wins / (1 - wins)) + of_case * rng.normal(size=shape)
    chance = (1 / (1 + np.exp(-logit)))[..., None]
    drawn = rng.random((*shape, repeats)) < chance
    tied = rng.random((*shape, repeats)) < ties
    return np.where(tied, 0.5, drawn).mean(axis=-1)


def log_e(values):
    """Return the log e-values for more than ½, of every beginning of each row."""
    stakes = np.array(_STAKES)[:, None, None]
    grown = np.log1p(stakes * (2 * values - 1)).cumsum(axis=-1)
    return np.logaddexp.reduce(grown, axis=0) - np.log(len(_STAKES))


def first_shown(values, fewest=10):
    """Return after how many cases each row shows more than ½; 0 where it never does."""
    shown = log_e(values) >= BAR
    shown[:, : fewest - 1] = False
    return np.where(shown.any(axis=1), shown.argmax(axis=1) + 1, 0)


def by_the_program(values):
    """Return the same of one row, as the program has it."""
    return [log_e_above(Counter(values[: n + 1].tolist()), 0.5) for n in range(len(values))]


WORLDS = {
    "no ties": {"ties": 0.0},
    "three in ten are ties": {},
    "nine in ten are ties": {"ties": 0.9},
    "three repeats": {"repeats": 3},
    "each case has its own": {"of_case": 2.0, "repeats": 3},
}
