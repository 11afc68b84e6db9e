"""Teams: one experiment over many machines, looked at whenever something new has arrived.

Every machine has a level of its own, measures at its own rate and draws from whole blocks that
it leased, or apart by chance when it has none left. What it measured arrives when it is online:
late, and all at once. The order of arrival is the order in which anybody can look; here a look
follows every unit that arrived, which is more often than any machine looks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tests.sim import shadow, worlds

from meta_experiment.assign.permuted_blocks import block_arm, whole_round


@dataclass(frozen=True)
class TeamWorld:
    """A team: how many machines, how long each is offline, and what part draws apart.

    `uneven` is the spread of the logarithms of their rates, `level` that of what they measure,
    in standard deviations of a unit; `offline` is in units of a machine, on average.
    """

    machines: int
    uneven: float = 1.0
    level: float = 1.0
    offline: float = 0.0
    apart: float = 0.0
    lasting: float = 1.0  # the part of the time that a machine is there, from some moment on


WORLDS = {
    "2 machines": TeamWorld(2, offline=5.0),
    "16 machines": TeamWorld(16, offline=5.0),
    "16 machines, offline for long, a fifth drawn apart": TeamWorld(
        16, offline=30.0, apart=0.2
    ),
    "64 machines that come and go": TeamWorld(64, offline=5.0, apart=0.05, lasting=0.3),
}


def arrivals(rng, world, experiments, units):
    """Return by experiment whose each unit is, in the order of arrival."""
    shape = experiments, world.machines
    rates = np.exp(world.uneven * rng.standard_normal(shape))
    begins = rng.random(shape) * (1.0 - world.lasting)
    cumulated = np.cumsum(rates, axis=1) / rates.sum(axis=1, keepdims=True)
    at = np.sort(rng.random((experiments, units)), axis=1)
    drawn = rng.random((experiments, units))
    who = (drawn[:, :, None] > cumulated[:, None, :-1]).sum(axis=2)
    # of a machine that is not there another does the work, which is
    there = np.take_along_axis(begins, who, axis=1)
    gone = (at < there) | (at > there + world.lasting)
    who = np.where(gone, rng.integers(0, world.machines, who.shape), who)
    if not world.offline:
        return who
    # online at the ends of spans of its own; all that it measured since comes then
    share = np.take_along_axis(rates / rates.sum(axis=1, keepdims=True), who, axis=1)
    span = world.offline / (share * units)
    phase = np.take_along_axis(rng.random(shape), who, axis=1)
    online = (np.floor(at / span + phase) + 1 - phase) * span
    order = np.lexsort((at, online), axis=1)
    return np.take_along_axis(who, order, axis=1)


def arms_of(rng, world, who):
    """Return the arm of every unit: by its machine's own blocks, or apart."""
    experiments, units = who.shape
    arm = np.zeros(who.shape, dtype=int)
    for machine in range(world.machines):
        blocks = worlds.blocks(rng, experiments, units)
        mine = who == machine
        place = np.cumsum(mine, axis=1) - 1
        own = np.take_along_axis(blocks, np.maximum(place, 0), axis=1)
        arm = np.where(mine, own, arm)
    alone = rng.random(who.shape) < world.apart
    return np.where(alone, rng.integers(0, 2, who.shape), arm)


def measured(rng, world, experiments, units, better=0.0, sigma=0.5):
    """Return what `shadow.decide` is asked of: arms and values in the order of arrival."""
    who = arrivals(rng, world, experiments, units)
    arm = arms_of(rng, world, who)
    levels = world.level * rng.standard_normal((experiments, world.machines))
    own = np.take_along_axis(levels, who, axis=1)
    noise = rng.standard_normal(who.shape) + own - better * arm
    return {"arm": arm, "raw": np.exp(sigma * noise)}


def imbalance(rng, world, units, repeats):
    """Return the mean and the largest difference of the arms, by the program's own blocks."""
    apart = []
    for repeat in range(repeats):
        (who,) = arrivals(rng, world, 1, units)
        size, free, own, used = whole_round(2), 0, {}, [0, 0]
        for machine in who:
            if rng.random() < world.apart:
                used[int(rng.integers(0, 2))] += 1
                continue
            left = own.setdefault(machine, [])
            if not left:
                left += range(free + size - 1, free - 1, -1)
                free += size
            used[block_arm(2, f"team {repeat}", left.pop())] += 1
        apart.append(abs(used[0] - used[1]))
    return float(np.mean(apart)), max(apart)


def team_tables(page, factor):
    """Write what is promised of teams, and how balanced their arms are."""
    page.section(
        "Teams",
        "Both arms alike on every machine; levels are apart by a standard deviation, rates "
        "by a factor of e. 100 units per arm in all, which arrive when their machines are "
        "online; a look after every unit that arrives. In the last column the treatment is "
        "0.5 standard deviations better.",
        "team", "experiments", "promoted", "rejected", "promoted where better",
    )  # fmt: skip
    runs = max(100, int(4000 * factor))
    for number, (name, world) in enumerate(WORLDS.items()):
        rng = np.random.default_rng(9100 + number)
        found = shadow.decide(**measured(rng, world, runs, 200))
        true = shadow.decide(**measured(rng, world, runs, 200, better=0.5))
        page.row(
            name,
            runs,
            page.check(found.rate("promote"), most=0.05),
            page.check(found.rate("reject"), most=0.05),
            f"{true.rate('promote'):.0%}",
        )
    page.section(
        "Balance over the machines of a team",
        "How far the numbers of two arms are apart after 200 units, on average and at most of "
        "so many experiments; drawn by a coin it is 11.3 on average.",
        "team", "experiments", "apart on average", "at most",
    )  # fmt: skip
    repeats = max(50, int(1000 * factor))
    for number, (name, world) in enumerate(WORLDS.items()):
        rng = np.random.default_rng(9200 + number)
        mean, worst = imbalance(rng, world, 200, repeats)
        page.row(name, repeats, f"{mean:.1f}", worst)
