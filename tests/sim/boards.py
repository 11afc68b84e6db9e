"""Boards of many experiments at once: what is promoted, what of it is useless, what stands.

Every experiment is decided by itself, at its own α, at every look. A board is told e-values of
what was promoted, each as it was when that was decided, and after a holdout multiplied by what
its units say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from tests.sim import shadow, worlds

from meta_experiment.stats.false_discovery import e_benjamini_hochberg

SPREAD = 0.5  # of logarithms
HELD = 300  # uses of a holdout, one in five of which gets the old text


@dataclass(frozen=True)
class BoardWorld:
    """How many of the experiments of a board are useful, by how much, and what they share.

    `effect` is in standard deviations. `sharing` is nothing (""), "control": one control arm
    serves all, or "units": half of the variance is of sessions that take part in all.
    """

    useful: float
    effect: float = 0.5
    sharing: str = ""
    experiments: int = 100
    units: int = 400
    alpha: float = 0.05
    step: int = 1


class Boards(NamedTuple):
    """Arrays of boards by experiments, and their looks; log e-values where it was promoted."""

    useful: np.ndarray
    promoted: np.ndarray
    look: np.ndarray
    evidence: np.ndarray
    held: np.ndarray

    def standing(self, level=0.05, *, held=False):
        """Return what stands of every board at a false-discovery rate."""
        logs = self.evidence + self.held if held else self.evidence
        found = np.zeros_like(self.promoted)
        for stands, promoted, own in zip(found, self.promoted, logs, strict=True):
            levels = e_benjamini_hochberg(own[promoted].tolist(), len(own))
            stands[promoted] = np.array(levels) <= level
        return found

    def false(self, chosen):
        """Return how many useless ones are among the chosen of a board, on average."""
        return float((chosen & ~self.useful).sum(axis=1).mean())

    def false_rate(self, chosen):
        """Return the false-discovery rate: the mean share of useless ones among the chosen."""
        wrong = (chosen & ~self.useful).sum(axis=1)
        return float((wrong / np.maximum(1, chosen.sum(axis=1))).mean())

    def found(self, chosen):
        """Return the share of the useful that are chosen; None where none is."""
        return float(chosen[self.useful].mean()) if self.useful.any() else None


def simulate(world, boards, seed, *, batch=20):
    """Simulate boards, so many at a time."""
    rng = np.random.default_rng(seed)
    parts = [_boards(world, batch, rng) for _ in range(-(-boards // batch))]
    return Boards(*map(np.concatenate, zip(*parts, strict=True)))


def _boards(world, boards, rng):
    shape = (boards, world.experiments, world.units)
    useful = np.zeros(shape[:2], bool)
    useful[:, : round(world.useful * world.experiments)] = True
    arm, logs = _drawn(world, rng, shape)
    logs = logs - SPREAD * world.effect * (useful[..., None] & (arm == 1))
    raw, flat = np.exp(logs).reshape(-1, world.units), arm.reshape(-1, world.units)
    found = shadow.decide(raw, flat, alpha=world.alpha, step=world.step)
    promoted = (found.promoted >= 0) & (
        (found.rejected < 0) | (found.promoted <= found.rejected)
    )
    held = np.zeros(promoted.shape)
    effects = -SPREAD * world.effect * useful.reshape(-1)[promoted]
    held[promoted] = _held(effects, rng)
    evidence = np.full(promoted.shape, -np.inf)
    evidence[promoted] = _evidence_at(raw[promoted], flat[promoted], found.promoted[promoted])
    parts = (promoted, found.promoted, evidence, held)
    return Boards(useful, *(part.reshape(shape[:2]) for part in parts))


def _drawn(world, rng, shape):
    """Return arms and logarithms of values, before any effect."""
    boards, experiments, units = shape
    noise = rng.normal(0, SPREAD, shape)
    if world.sharing == "control":
        arm = np.repeat(worlds.blocks(rng, boards, units)[:, None], experiments, axis=1)
        return arm, np.where(arm == 0, noise[:, :1], noise)
    arm = worlds.blocks(rng, boards * experiments, units).reshape(shape)
    if world.sharing == "units":
        noise = (noise + rng.normal(0, SPREAD, (boards, 1, units))) / np.sqrt(2)
    return arm, noise


def _evidence_at(raw, arm, look):
    """Return the log e-values for better at one look each."""
    seen = np.arange(raw.shape[1]) <= look[:, None]
    control, treated = (_moments(np.log(raw), (arm == it) & seen) for it in (0, 1))
    return shadow.log_evidence(control, treated)[1]


def _held(effects, rng):
    """Return the log e-values for still better of holdouts, at their end."""
    values = rng.normal(0, SPREAD, (len(effects), HELD))
    new = np.arange(HELD) % 5 > 0
    values += effects[:, None] * new
    old, promoted = (_moments(values, np.broadcast_to(it, values.shape)) for it in (~new, new))
    return shadow.log_evidence(old, promoted)[1]


def _moments(values, member):
    n = member.sum(axis=1)
    mean = np.where(member, values, 0).sum(axis=1) / n
    gaps = np.where(member, values - mean[:, None], 0.0)
    return shadow.Moments(n, mean, (gaps**2).sum(axis=1) / (n - 1))
