"""The tables of ramps in docs/error-rates.md."""

import numpy as np
from tests.sim import bandit_tables, ramps

UNITS = 2000


def falling(rng, shape):
    """Return logarithms that fall by four spreads over the run, for all arms alike."""
    return bandit_tables.logs(rng, shape) - np.linspace(0, 2, shape[1])[None, :, None]


def rising_late(rng, shape):
    """Return logarithms that jump up by two spreads when a tenth of the run is over."""
    late = np.arange(shape[1]) >= shape[1] // 10
    return bandit_tables.logs(rng, shape) + late[None, :, None]


def rate_falling(rng, shape):
    rate = 0.8 - 0.6 * np.linspace(0, 1, shape[1])[None, :, None]
    return (rng.random(shape) < rate).astype(float)


WORLDS = {
    "durations, no drift": (bandit_tables.logs, {}),
    "durations that fall by four spreads": (falling, {}),
    "durations that rise by two spreads": (bandit_tables.rising, {}),
    "durations that jump up": (rising_late, {}),
    "durations that wander": (bandit_tables.wandering, {}),
    "rate from .8 to .2 in time": (rate_falling, {"rates": True}),
    "rate from .2 to .8 in time": (bandit_tables.better_with_time, {"rates": True}),
}
RAMPS = {"5, 25, 50, 100": (0.05, 0.25, 0.5, 1.0), "5, 25, 50": (0.05, 0.25, 0.5)}


def ramp_table(page, factor):
    page.section(
        "Ramps",
        f"Arms that are alike, while all of them drift in time, on a ramp whose steps follow "
        f"the evidence (5 units of each treatment at a step, back to the first on harm). Looks "
        f"every 20 units, to {UNITS:,} in all; promoted is any treatment, rejected the share "
        "of the treatments. Beside it what an analysis of the pooled units would do at the "
        "same looks.",
        "world", "arms", "ramp", "experiments", "promoted", "rejected", "pooled: promoted",
        "pooled: rejected",
    )  # fmt: skip
    runs = max(50, int(600 * factor))
    for number, (name, (world, given)) in enumerate(WORLDS.items()):
        for arms, (ramp, steps) in (
            *((2, item) for item in RAMPS.items()),
            (3, ("5, 25, 50", RAMPS["5, 25, 50"])),
        ):
            rng = np.random.default_rng(8900 + number)
            values = world(rng, (runs, UNITS, arms))
            found = ramps.climb(ramps.World(values, steps=steps, every=20, **given), rng)
            promoted, pooled = (
                (first >= 0).any(axis=1).mean()
                for first in (found.promoted, found.pooled_promoted)
            )
            rejected, against = (
                (first >= 0).mean() for first in (found.rejected, found.pooled_rejected)
            )
            page.row(
                name,
                arms,
                ramp,
                runs,
                page.check(promoted, most=0.05),
                page.check(rejected, most=0.05),
                f"{pooled:.1%}",
                f"{against:.1%}",
            )
    proof_table(page, factor)


def proof_table(page, factor):
    page.section(
        "Proof on a ramp",
        "A treatment half a spread better, or worse, while all fall by two spreads: how many "
        "experiments are promoted, and rejected, within so many units, and at which unit "
        "(median) the ramp came to its last step. Looks every 20 units.",
        "effect", "ramp", "experiments", "promoted by 400", "by 1,000", "rejected by 400",
        "by 1,000", "last step at",
    )  # fmt: skip
    runs = max(50, int(300 * factor))
    ramps_of = {**RAMPS, "half from the first unit on": None}
    for effect in (-0.5, 0.5):
        for ramp, steps in ramps_of.items():
            rng = np.random.default_rng(8990)
            values = bandit_tables.logs(rng, (runs, 1000, 2))
            values = values - np.linspace(0, 1, 1000)[None, :, None]
            values += 0.5 * effect * np.arange(2)
            world = ramps.World(
                values, steps=steps or (0.5,), every=20, moving=steps is not None
            )
            found = ramps.climb(world, rng)
            cells = [
                f"{((first[:, 0] >= 0) & (first[:, 0] <= units)).mean():.1%}"
                for first in (found.promoted, found.rejected)
                for units in (400, 1000)
            ]
            last = found.step == len(world.steps) - 1
            came = np.where(last.any(axis=1), last.argmax(axis=1), np.inf)
            median = np.median(came)
            page.row(
                f"{'better' if effect < 0 else 'worse'} by half a spread",
                ramp,
                runs,
                *cells,
                "–" if steps is None or not np.isfinite(median) else f"{median:.0f}",
            )
