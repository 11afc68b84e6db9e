"""Worlds to experiment in: who is assigned what, and what is measured."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri


def blocks(rng, experiments, units, arms=2):
    """Assign in permuted blocks of two units per arm."""
    size = 2 * arms
    pattern = np.tile(np.arange(arms), 2)
    whole = -(-units // size)
    drawn = rng.permuted(np.broadcast_to(pattern, (experiments * whole, size)), axis=1)
    return drawn.reshape(experiments, whole * size)[:, :units]


def pairs(rng, experiments, units):
    """Assign in pairs, the order within a pair at random."""
    first = rng.integers(0, 2, (experiments, units // 2))
    return np.stack([first, 1 - first], axis=2).reshape(experiments, units)


def ramp(rng, experiments, units, share=0.1):
    """Assign to the treatment with a fixed small probability."""
    return (rng.random((experiments, units)) < share).astype(int)


def noise(rng, shape, kind, sigma=0.5):
    """Return positive values of mean size 1 of a kind: normal, lognormal or gamma."""
    if kind == "normal":
        return np.maximum(1 + 0.2 * rng.standard_normal(shape), 1e-6)
    if kind == "lognormal":
        return np.exp(sigma * rng.standard_normal(shape))
    if kind == "gamma":
        return rng.gamma(2.0, 0.5, shape)
    raise ValueError(kind)


def sessions(rng, experiments, units, turns=4, icc=0.5):
    """Return the unit means of log-normal turns that share their session's level."""
    shape = (experiments, units)
    level = np.sqrt(icc) * rng.standard_normal(shape)
    spread = np.sqrt((1 - icc) / turns) * rng.standard_normal(shape)
    return np.exp(0.5 * (level + spread))


def autocorrelated(rng, experiments, units, rho=0.6, sigma=0.5):
    """Return log-normal values whose logarithms follow each other (AR(1))."""
    shocks = rng.standard_normal((experiments, units)) * np.sqrt(1 - rho**2)
    levels = np.empty_like(shocks)
    levels[:, 0] = rng.standard_normal(experiments)
    for index in range(1, units):
        levels[:, index] = rho * levels[:, index - 1] + shocks[:, index]
    return np.exp(sigma * levels)


def drifting(rng, experiments, units, total=2.0, sigma=0.5):
    """Return log-normal values whose level rises by some standard deviations over the run."""
    trend = np.linspace(0, total, units)
    return np.exp(sigma * (rng.standard_normal((experiments, units)) + trend))


def patience(rng, values, mean=300.0):
    """Interrupt units that take longer than their user waits: values so far, and which."""
    wait = rng.exponential(mean, values.shape)
    cut = values > wait
    return np.where(cut, wait, values), cut


def slowest(values, arm, share, sigma=0.5):
    """Say which of the treatment's log-normal values are in so large a slowest share."""
    return (arm == 1) & (values > np.exp(-sigma * ndtri(share)))


def bimodal(rng, arm):
    """Return seconds: 60 for the control, mostly 45 but often 240 for a worse treatment."""
    shape = arm.shape
    treated = np.where(rng.random(shape) < 0.75, 45.0, 240.0)
    centre = np.where(arm == 1, treated, 60.0)
    return centre * np.exp(0.3 * rng.standard_normal(shape))


def rare_price(rng, arm, usual=0.6, rare=4.0):
    """Return values: the treatment's are `usual` times in 85%, `rare` times in the rest."""
    shape = arm.shape
    factor = np.where(rng.random(shape) < 0.85, usual, rare)
    return np.where(arm == 1, factor, 1.0) * np.exp(0.5 * rng.standard_normal(shape))
