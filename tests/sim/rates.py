"""The exact rule on pairs, for many experiments at every look.

Rows are experiments, columns pairs in assignment order. `test_shadow.py` holds the e-values
equal to those of the library.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

from meta_experiment.stats import pairs

CHUNK = 20_000


def looks_of(last):
    """Return the numbers of pairs at which to look: every pair to 200, then each per cent."""
    looks, at = list(range(10, min(last, 200) + 1)), 200
    while at < last:
        at = max(at + 1, int(at * 1.01))
        looks.append(min(at, last))
    return np.unique(looks)


def log_e(lower, upper, m):
    """Return the log e-values for "upper has the higher rate", by the library's guesses."""
    guesses = pairs._guesses()
    weight = np.array([guess.log_weight for guess in guesses])
    gains = np.array(
        [(g.lower_success, g.lower_failure, g.upper_success, g.upper_failure) for g in guesses]
    ).T
    counts = np.stack([lower, m - lower, upper, m - upper], axis=-1).astype(float)
    shape, flat = lower.shape, counts.reshape(-1, 4)
    distinct, back = np.unique(flat, axis=0, return_inverse=True)
    found = np.empty(len(distinct))
    for start in range(0, len(distinct), CHUNK):
        logs = distinct[start : start + CHUNK] @ gains + weight
        top = logs.max(axis=1, keepdims=True)
        total = np.exp(logs - top).sum(axis=1)
        found[start : start + CHUNK] = top[:, 0] + np.log(total)
    return found[back].reshape(shape)


def crossings(rng, control, treatment, *, experiments, last, alpha=0.05):
    """Return the number of pairs at which each experiment is shown up and down; 0 is never."""
    m = looks_of(last)
    k_control = np.cumsum(rng.random((experiments, last)) < control, axis=1)[:, m - 1]
    k_treatment = np.cumsum(rng.random((experiments, last)) < treatment, axis=1)[:, m - 1]
    sizes = np.broadcast_to(m, k_control.shape)
    return tuple(
        np.where(reached.any(axis=1), m[reached.argmax(axis=1)], 0)
        for lower, upper in ((k_control, k_treatment), (k_treatment, k_control))
        for reached in (log_e(lower, upper, sizes) >= np.log(1 / alpha),)
    )


def holds(k_control, k_treatment, m, ratio, alpha=0.05):
    """Say whether the always-valid interval of the ratio of rates holds a ratio.

    That of the likelihood, whose ends pass one exactly when the rule on pairs does.
    """
    bar = np.log(1 / alpha)
    sizes = np.broadcast_to(m, np.shape(k_control))
    k_control, k_treatment = (np.asarray(k, dtype=float) for k in (k_control, k_treatment))
    likely = held_by_likelihood(k_control, k_treatment, m, ratio, alpha)
    one = held_by_likelihood(k_control, k_treatment, m, 1.0, alpha)
    more = log_e(k_control, k_treatment, sizes) >= bar
    less = log_e(k_treatment, k_control, sizes) >= bar
    side = ~one & ((k_treatment > k_control) if ratio >= 1 else (k_treatment < k_control))
    near = np.abs(np.log(ratio)) <= np.abs(
        np.log(np.maximum(k_treatment, 1e-9) / np.maximum(k_control, 1e-9))
    )
    shown = more if ratio >= 1 else less
    likely |= side & near & ~shown
    return likely & ~(more & (ratio <= 1)) & ~(less & (ratio >= 1))


def held_by_likelihood(k_control, k_treatment, m, ratio, alpha):
    """Say whether the interval of the likelihood alone holds a ratio."""
    f_control, f_treatment = m - k_control, m - k_treatment
    total = k_control + k_treatment
    linear = total * (1 + ratio) + f_control + ratio * f_treatment
    square = ratio * 2 * m
    rate = 2 * total / (linear + np.sqrt(np.maximum(linear**2 - 4 * square * total, 0)))
    other = np.minimum(ratio * rate, 1.0)
    highest = (
        xlogy(k_control, rate)
        + xlog1py(f_control, -rate)
        + xlogy(k_treatment, other)
        + xlog1py(f_treatment, -other)
    )
    average = sum(
        gammaln(k + 0.5) + gammaln(f + 0.5) - gammaln(m + 1.0) - np.log(np.pi)
        for k, f in ((k_control, f_control), (k_treatment, f_treatment))
    )
    return highest > average + np.log(alpha)


def covered(rng, control, treatment, *, experiments, last):
    """Return in which experiments the interval holds the true ratio at every look."""
    m = np.union1d(np.arange(1, 10), looks_of(last))
    k_control, k_treatment = (
        np.cumsum(rng.random((experiments, last)) < rate, axis=1)[:, m - 1]
        for rate in (control, treatment)
    )
    return holds(k_control, k_treatment, m, treatment / control).all(axis=1)


def share(crossed, within):
    """Return the share of experiments that crossed within so many pairs."""
    return float(((crossed > 0) & (crossed <= within)).mean())
