"""Quantiles under repeated looks: a twin of `stats.two_quantiles` that counts along the way.

For every value that the control comes to have, it keeps how many values of either arm lie
beyond it, and looks up what these counts are worth. Tests hold it equal to the program.
"""

from functools import cache, partial

import numpy as np

from meta_experiment.stats.two_quantiles import ALWAYS, ALWAYS_DEPENDENT, log_e_values

BAR = np.log(20)


def log_normal(rng, n, ratio=1.0):
    return rng.lognormal(0, 0.5, n), ratio * rng.lognormal(0, 0.5, n)


def two_heaps(share, rng, n):
    """Return arms whose values lie in two heaps, such a share of them in the lower one."""
    lower = rng.random((2, n)) < share
    return np.where(lower, 1.0, 10.0) * rng.lognormal(0, 0.02, (2, n))


def ties(rng, n):
    """Return arms that have few values, most of them the same."""
    return np.minimum(rng.poisson(2, (2, n)), 4).astype(float)


def drift(rng, n):
    """Return arms whose values double along the way."""
    return rng.lognormal(0, 0.5, (2, n)) * 2 ** (np.arange(n) / n)


def opposed_cases(rng, n):
    """Return the same cases in both arms: what is long in one is short in the other."""
    values = rng.normal(0, 0.5, n)
    return np.exp(values), np.exp(-values)


WORLDS = {
    "log-normal, p50": (log_normal, 0.5, ALWAYS),
    "log-normal, p90": (log_normal, 0.9, ALWAYS),
    "log-normal, p95": (log_normal, 0.95, ALWAYS),
    "two heaps of equal size, p50": (partial(two_heaps, 0.5), 0.5, ALWAYS),
    "two heaps, nine in ten in the lower, p90": (partial(two_heaps, 0.9), 0.9, ALWAYS),
    "five values, p50": (ties, 0.5, ALWAYS),
    "five values, p90": (ties, 0.9, ALWAYS),
    "log-normal, doubling along the way, p90": (drift, 0.9, ALWAYS),
    "cases that are opposed, p50": (opposed_cases, 0.5, ALWAYS_DEPENDENT),
}


def looks(last):
    """Look after every pair from 20 to 200, then at every further per cent."""
    found = list(range(20, min(last, 200) + 1))
    while found[-1] * 1.01 < last:
        found.append(int(found[-1] * 1.01) + 1)
    return found


@cache
def strengths(n, q):
    return np.array(log_e_values.__wrapped__(n, q))


def path(control, treatment, q, weighing, at):
    """Return the log evidence for greater and for less at every look, at `at` pairs."""
    join = (
        np.add
        if weighing is ALWAYS
        else lambda one, other: np.logaddexp(one, other) - np.log(2)
    )
    return np.array([
        _path(-np.asarray(control), -np.asarray(treatment), 1.0 - q, join, at),
        _path(np.asarray(control), np.asarray(treatment), q, join, at),
    ])  # fmt: skip


def _path(control, treatment, q, join, at):
    cuts = np.append(-np.inf, np.unique(control))
    begin = np.searchsorted(cuts, control)  # cuts from the value itself on take it in
    after = np.searchsorted(cuts, treatment, side="right")  # those beyond it alone do
    up_to, below = np.zeros(len(cuts), int), np.zeros(len(cuts), int)
    found, seen = [], 0
    for n in at:
        up_to += _added(begin[seen:n], len(cuts))
        below += _added(after[seen:n], len(cuts))
        seen = n
        logs = join(strengths(n, 1.0 - q)[up_to], strengths(n, q)[n - below])
        found.append(logs.min())
    return found


def _added(first, cuts):
    """Return by how many more values each cut is passed, of which each passes from one on."""
    return np.bincount(first, minlength=cuts + 1)[:cuts].cumsum()


def crossings(world, q, weighing, rng, *, experiments, last):
    """Return by experiment the pairs at which greater, and less, is shown; 0 for never."""
    at = looks(last)
    shown = np.zeros((experiments, 2), int)
    for row in shown:
        crossed = path(*world(rng, last), q, weighing, at) >= BAR
        row[:] = np.where(crossed.any(axis=1), np.array(at)[crossed.argmax(axis=1)], 0)
    return shown
