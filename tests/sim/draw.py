"""Robust plans under repeated looks: a vectorised twin of the averaged evidence.

Arrays are (experiments, units in assignment order); a look follows every round of ten units.
"""

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata
from tests.sim import shadow

from meta_experiment.stats.mixed_prior import EFFECTS

ROUND = 10


def arms(rng, experiments, count):
    """Draw rounds of a block of four and one of six, in either order."""
    short, long = [0, 0, 1, 1], [0, 0, 0, 1, 1, 1]
    first = rng.random((experiments, count // ROUND)) < 0.5
    rows = first.shape
    four = rng.permuted(np.broadcast_to(short, (*rows, 4)), axis=2)
    six = rng.permuted(np.broadcast_to(long, (*rows, 6)), axis=2)
    one = np.concatenate([four, six], axis=2)
    other = np.concatenate([six, four], axis=2)
    return np.where(first[..., None], one, other).reshape(experiments, -1)


def log_draw(values, arm, sign):
    """Return the log e-values of the draw after every round, for greater values or less."""
    effects, weights = np.array(EFFECTS).T
    totals, found = np.zeros((len(values), len(effects))), []
    for end in range(ROUND, values.shape[1] + 1, ROUND):
        ranks = rankdata(values[:, :end], axis=1)[:, -ROUND:]
        u = ndtri((ranks - 0.5) / end)
        z = arm[:, end - ROUND : end]
        theta = sign * effects[:, None]
        x = np.exp(theta * u[:, None, :])
        mean = 0.5 * (
            _two_of_four(x[..., :4]) * _three_of_six(x[..., 4:])
            + _three_of_six(x[..., :6]) * _two_of_four(x[..., 6:])
        )
        totals += sign * effects * (u * z).sum(axis=1)[:, None] - np.log(mean)
        top = (totals + weights).max(axis=1, keepdims=True)
        found.append(top[:, 0] + np.log(np.exp(totals + weights - top).sum(axis=1)))
    return np.stack(found, axis=1)


def _power_sums(x):
    return (x**power for power in (1, 2, 3))


def _two_of_four(x):
    one, two = (item.sum(axis=-1) for item in (x, x**2))
    return (one**2 - two) / 2 / 6


def _three_of_six(x):
    one, two, three = (item.sum(axis=-1) for item in _power_sums(x))
    return (one**3 - 3 * one * two + 2 * three) / 6 / 20


def log_robust(values, arm):
    """Return the averaged log e-values for treatment above and below, after every round."""
    looks = slice(ROUND - 1, None, ROUND)
    control, treatment = (shadow.running(values, arm == which) for which in (0, 1))
    up, down = (
        np.nan_to_num(item[:, looks]) for item in shadow.log_evidence(control, treatment)
    )
    halves = np.log(0.5)
    return (
        np.logaddexp(up, log_draw(values, arm, 1)) + halves,
        np.logaddexp(down, log_draw(values, arm, -1)) + halves,
    )


def wild(rng, shape):
    """Return logarithms of which a tenth are ten times as large on the raw scale."""
    return rng.normal(3, 0.4, shape) + np.where(rng.random(shape) < 0.1, np.log(10), 0)


def plain(values, arm, alpha=0.05):
    """Return the share of experiments in which the t alone ever shows less."""
    control, treatment = (shadow.running(values, arm == which) for which in (0, 1))
    down = shadow.log_evidence(control, treatment)[1][:, ROUND - 1 :: ROUND]
    return (np.nan_to_num(down) >= -np.log(alpha)).any(axis=1).mean()


def crossings(values, arm, alpha=0.05):
    """Return by direction (less first) the look at which evidence convinces, -1 for never."""
    up, down = log_robust(values, arm)
    first = []
    for found in (down, up):
        hit = found >= -np.log(alpha)
        first.append(np.where(hit.any(axis=1), hit.argmax(axis=1), -1))
    return first
