"""What would come of it if a chance to be the best were a rule: equal arms, looked at again.

Arrays are (experiments, rounds, arms): a look follows every round, in which each arm has one
more unit.
"""

import numpy as np
from scipy.special import ndtr, ndtri
from tests.sim import shadow

from meta_experiment.stats.reaching import reached_by_equal_arms

FIRST = 10
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


def moments(values):
    """Return means and standard errors of all arms after every round."""
    n = np.arange(1, values.shape[1] + 1)[:, None]
    mean = values.cumsum(axis=1) / n
    m2 = (values**2).cumsum(axis=1) - n * mean**2
    return mean, np.sqrt(np.maximum(m2, 1e-300) / np.maximum(n - 1, 1) / n)


def best(mean, error):
    """Return each arm's chance to be highest, its mean being normal, by quadrature."""
    found = []
    for arm in range(mean.shape[-1]):
        z = 7.0 * _NODES
        x = mean[..., arm, None] + error[..., arm, None] * z
        below = np.ones_like(x)
        for other in range(mean.shape[-1]):
            if other != arm:
                below *= ndtr((x - mean[..., other, None]) / error[..., other, None])
        weights = 7.0 * _WEIGHTS * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
        found.append((below * weights).sum(axis=-1))
    return np.stack(found, axis=-1)


def reached(values, chance, first=FIRST):
    """Return how many experiments have an arm with such a chance to be best at some look."""
    mean, error = moments(values)
    seen = best(mean[:, first - 1 :], error[:, first - 1 :])
    return (seen >= chance).any(axis=(1, 2)).mean()


def treatment_reached(values, chance, first=FIRST):
    """Return how many experiments have a treatment that is better with such a chance."""
    mean, error = moments(values[..., :2])
    z = (mean[..., 1] - mean[..., 0]) / np.hypot(error[..., 0], error[..., 1])
    return (z[:, first - 1 :] >= ndtri(chance)).any(axis=1).mean()


def foretold(chance, rounds, first=FIRST):
    """Return what the program says of that beside the chance."""
    return reached_by_equal_arms(chance, first, rounds)


def promoted(values, first=FIRST, alpha=0.05):
    """Return how many experiments promote a treatment by e-values, as this rule decides."""
    experiments, rounds, arms = values.shape
    logs = []
    for treatment in range(1, arms):
        pair = values[..., [0, treatment]].reshape(experiments, -1)
        arm = np.broadcast_to(np.arange(2 * rounds) % 2, pair.shape)
        control, treated = (shadow.running(pair, arm == which) for which in (0, 1))
        up, _ = shadow.log_evidence(control, treated)
        logs.append(np.nan_to_num(up)[:, 2 * first - 1 :: 2])
    together = shadow.closed(np.array(logs))
    bar = -np.log(alpha)
    return np.max([(item >= bar).any(axis=1) for item in together], axis=0).mean()
