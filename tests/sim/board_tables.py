"""The tables of many experiments at once in docs/error-rates.md."""

import numpy as np
from tests.sim.boards import HELD, BoardWorld, simulate

LEVEL = 0.05
WORLDS = {
    "none": BoardWorld(0.0),
    "10%, by 0.3 sd": BoardWorld(0.1, 0.3),
    "10%, by 0.5 sd": BoardWorld(0.1),
    "10%, by 0.8 sd": BoardWorld(0.1, 0.8),
    "50%, by 0.3 sd": BoardWorld(0.5, 0.3),
    "50%, by 0.5 sd": BoardWorld(0.5),
    "50%, by 0.8 sd": BoardWorld(0.5, 0.8),
}
SHARED = {"control": "one control for all", "units": "sessions that take part in all"}


def boards_table(page, factor):
    page.section(
        "Many experiments at once",
        "Boards of 100 experiments on durations, each decided by itself at its α of 5%, looked "
        "at after every unit to 200 per arm. Useless ones that were promoted are told of all "
        "that were tried, of which a board says α at most, and as their mean share of the "
        "promotions; then of those that stand at a false-discovery rate of 5% by e-BH: when "
        f"they are promoted, and after a holdout of {HELD} uses each.",
        "useful", "they share", "boards", "promoted, a board", "useless, of all",
        "of promotions", "useful ones found", "standing: useless", "found",
        "after holdouts: useless", "found",
    )  # fmt: skip
    runs = max(20, int(100 * factor))
    worlds = [(name, "nothing", world) for name, world in WORLDS.items()]
    worlds += [
        (name, told, BoardWorld(world.useful, world.effect, sharing=sharing))
        for sharing, told in SHARED.items()
        for name, world in WORLDS.items()
        if world.effect == BoardWorld.effect
    ]
    for number, (name, told, world) in enumerate(worlds):
        found = simulate(world, runs, seed=9300 + number)
        page.row(
            name, told, runs,
            f"{found.promoted.sum(axis=1).mean():.1f}",
            _useless(page, found, world, runs),
            f"{found.false_rate(found.promoted):.1%}",
            _share(found.found(found.promoted)),
            *_standing(page, found, runs, held=False),
            *_standing(page, found, runs, held=True),
        )  # fmt: skip


def strict_plans_table(page, factor):
    page.section(
        "Many experiments, each at a smaller α",
        "As above, one in ten useful by half a spread, each plan at the α that is named. Units "
        "are the median of both arms until a useful one is promoted; looks are after every "
        "unit, or once a day, which is every 40 units.",
        "α of each plan", "looks", "boards", "useless, of all", "of promotions",
        "useful ones found", "units", "standing: useless", "found",
    )  # fmt: skip
    runs = max(20, int(100 * factor))
    for alpha in (0.05, 0.02, 0.01, 0.005, 0.001):
        for step in (1, 40):
            world = BoardWorld(0.1, alpha=alpha, step=step)
            found = simulate(world, runs, seed=9400)
            promoted = found.promoted
            page.row(
                f"{alpha:g}", "each unit" if step == 1 else "each day", runs,
                _useless(page, found, world, runs),
                f"{found.false_rate(promoted):.1%}",
                _share(found.found(promoted)),
                f"{np.median(found.look[promoted & found.useful]) + 1:.0f}",
                *_standing(page, found, runs, held=False),
            )  # fmt: skip


def _useless(page, found, world, runs):
    """Write how many of all experiments are useless and were promoted."""
    share = found.false(found.promoted) / world.experiments
    return page.check(share, most=world.alpha, runs=runs * world.experiments)


def _standing(page, found, runs, *, held):
    standing = found.standing(LEVEL, held=held)
    rate = page.check(found.false_rate(standing), most=LEVEL, form="{:.1%}", runs=runs)
    return rate, _share(found.found(standing))


def _share(value):
    return "–" if value is None else f"{value:.0%}"
