"""The tables of bandits in docs/error-rates.md."""

import numpy as np
from scipy.stats import ttest_ind
from tests.reference.regret import regret_constant
from tests.sim import bandits

UNITS = 2000
AIMS = ("few_bad_uses", "find_best")
ANCHOR = "Bandits"
EVERY_LOOK = {2: 600, 3: 600, 4: 300, 8: 300}  # experiments of so many arms
LATE = 40  # units


def logs(rng, shape):
    return rng.normal(3, 0.5, shape)


def heavy(rng, shape):
    """Return logarithms of costs of which a tenth are ten times as high."""
    return logs(rng, shape) + np.where(rng.random(shape) < 0.1, np.log(10), 0.0)


def wandering(rng, shape):
    """Return logarithms whose level wanders by two spreads over the run, for all arms alike."""
    runs, units, _ = shape
    steps = rng.standard_normal((runs, units, 1)) / np.sqrt(units)
    return logs(rng, shape) + np.cumsum(steps, axis=1)


def rising(rng, shape):
    return logs(rng, shape) + np.linspace(0, 1, shape[1])[None, :, None]


def spread(rng, shape):
    """Return logarithms of one mean whose spread is up to three times as large by arm."""
    return 3 + rng.standard_normal(shape) * np.linspace(0.3, 0.9, shape[2])


def halves(rng, shape):
    return (rng.random(shape) < 0.5).astype(float)


def better_with_time(rng, shape):
    rate = 0.2 + 0.6 * np.linspace(0, 1, shape[1])[None, :, None]
    return (rng.random(shape) < rate).astype(float)


WORLDS = {
    "rate of .5": (halves, {"rates": True}),
    "rate from .2 to .8 in time": (better_with_time, {"rates": True}),
    "durations": (logs, {}),
    "durations, closed 40 units later": (logs, {"lag": 40}),
    "durations that rise by two spreads": (rising, {}),
    "durations that wander": (wandering, {}),
    "spreads of 1 to 3": (spread, {}),
    "cost, a tenth ten times as high": (heavy, {}),
}


def bandit_tables(page, factor):
    errors_table(page, factor)
    every_look_table(page, factor)
    regret_table(page, factor)
    proof_table(page, factor)
    plain_table(page, factor)


def errors_table(page, factor):
    page.section(
        ANCHOR,
        f"Arms that are alike, drawn by a bandit with the usual floor; shares are renewed and "
        f"the evidence looked at every 20 units, to {UNITS:,} in all. Promoted is any arm, "
        "rejected the share of treatments that are. Beside them, what would decide otherwise: "
        "the t alone, and a chance of .95 to be the best.",
        "arms", "world", "aim", "experiments", "promoted", "rejected", "t alone",
        "chance of .95",
    )  # fmt: skip
    for arms, full in ((2, 600), (3, 400), (4, 300), (8, 100)):
        runs = max(40, int(full * factor))
        for number, (name, (world, given)) in enumerate(WORLDS.items()):
            rng = np.random.default_rng(8000 + 10 * arms + number)
            for aim in AIMS[: 1 if arms == 2 else 2]:
                lower = not given.get("rates", False)
                experiments = runs if lower else 3 * runs  # of rates closer to the limit
                values = world(rng, (experiments, UNITS, arms))
                made = bandits.World(values, aim=aim, lower=lower, every=20, **given)
                played = bandits.play(made, rng)
                page.row(
                    arms,
                    name,
                    "either" if arms == 2 else aim,
                    experiments,
                    page.check((played.promoted >= 0).any(axis=1).mean(), most=0.05),
                    page.check((played.rejected >= 0).mean(), most=0.05),
                    f"{(played.welch >= 0).any(axis=1).mean():.1%}",
                    f"{played.p_best.mean():.1%}",
                )


def every_look_table(page, factor):
    page.section(
        "Bandits looked at after every unit",
        f"As above, but looked at after every unit to {UNITS:,}, each unit closed at once, or "
        f"{LATE} units after it was drawn (late). Of rates the promise is held by arithmetic "
        "and nearly used up where rates drift, so that shares lie around it by chance: as "
        "broken counts what lies above 5% by three standard errors.",
        "arms", "world", "aim", "experiments", "promoted", "rejected", "promoted, late",
        "rejected, late",
    )  # fmt: skip
    for arms, full in EVERY_LOOK.items():
        for number, (name, (world, given)) in enumerate(WORLDS.items()):
            if "lag" in given:
                continue
            rng = np.random.default_rng(8900 + 10 * arms + number)
            lower = not given.get("rates", False)
            runs = max(40, int((full if lower else 3 * full) * factor))
            for aim in AIMS[: 1 if arms == 2 else 2]:
                wrong = []
                for lag in (0, LATE):
                    values = world(rng, (runs, UNITS, arms))
                    made = bandits.World(
                        values, aim=aim, lower=lower, every=20, each=True, lag=lag, **given
                    )
                    played = bandits.play(made, rng)
                    shares = (played.promoted >= 0).any(axis=1), played.rejected >= 0
                    wrong += [page.check(it.mean(), most=0.05, runs=runs) for it in shares]
                page.row(arms, name, "either" if arms == 2 else aim, runs, *wrong)


def drifting_rates_table(page, factor):
    name = "rate from .2 to .8 in time"
    page.section(
        "Bandits of rates that drift, by many experiments",
        f"Arms that are alike, of a {name}, where bandits come closest to 5%: {AIMS[0]}, "
        f"looked at after every unit to {UNITS:,}, each closed at once.",
        "arms", "experiments", "promoted", "rejected",
    )  # fmt: skip
    world, given = WORLDS[name]
    parts, runs = 5, max(40, int(2000 * factor))
    for arms in (2, 3):
        promoted, rejected = [], []
        for part in range(parts):
            rng = np.random.default_rng([8950, arms, part])
            values = world(rng, (runs, UNITS, arms))
            made = bandits.World(values, aim=AIMS[0], every=20, each=True, **given)
            played = bandits.play(made, rng)
            promoted.append((played.promoted >= 0).any(axis=1).mean())
            rejected.append((played.rejected >= 0).mean())
        page.row(
            arms,
            parts * runs,
            *(page.check(np.mean(it), most=0.05) for it in (promoted, rejected)),
        )


RATES = {(0.5, 0.6): 17.0, (0.5, 0.5, 0.5, 0.65): 48.0}


def regret_table(page, factor):
    page.section(
        "Uses that bandits spare",
        "Successes that were missed in 1,000 uses against always using the best arm. "
        "Lai and Robbins: c·ln T, the slope that no rule beats in the long run. Shares renewed "
        "after every use in the first 100, then after every fifth.",
        "rates", "floor", "aim", "experiments", "equal shares", "bandit", "of which its floor",
        "Lai–Robbins",
    )  # fmt: skip
    runs, uses = max(50, int(1000 * factor)), 1000
    for rates, most in RATES.items():
        gaps = max(rates) - np.array(rates)
        floors = (0.1, 0.05) if len(rates) == 2 else (0.05,)
        for floor in floors:
            for aim in AIMS[: 1 if len(rates) == 2 else 2]:
                rng = np.random.default_rng(8600)
                values = (rng.random((runs, uses, len(rates))) < rates).astype(float)
                world = bandits.World(values, rates=True, aim=aim, every=5, floor=floor)
                drawn = bandits.draws(world, rng)
                lost = gaps[drawn].sum(axis=1).mean()
                promised = floor == 0.05 and aim == AIMS[0]
                page.row(
                    ", ".join(f"{rate:g}" for rate in rates),
                    f"{floor:.0%}",
                    "either" if len(rates) == 2 else aim,
                    runs,
                    f"{uses * gaps.mean():.1f}",
                    page.check(lost, most=most if promised else None, form="{:.1f}"),
                    f"{floor * gaps.sum() * uses:.1f}",
                    f"{regret_constant(rates) * np.log(uses):.1f}",
                )


def proof_table(page, factor):
    page.section(
        "Proof that bandits cost",
        "Experiments that promote the better arm within so many units, moving shares beside "
        "equal ones under the same evidence. Looks every 10 units.",
        "arms", "floor", "units", "experiments", "bandit", "equal shares",
    )  # fmt: skip
    runs, units = max(50, int(600 * factor)), 400
    cases = {
        "durations, .5 spreads less": ((0.0, -0.5), {"lower": True}),
        "rates .5, .65": ((0.5, 0.65), {"rates": True}),
        "rates .5, .5, .5, .7": ((0.5, 0.5, 0.5, 0.7), {"rates": True}),
    }
    for name, (levels, given) in cases.items():
        shape = (runs, units, len(levels))
        for floor in (0.05, 0.1):
            found = []
            for moving in (True, False):
                rng = np.random.default_rng(8700)
                if given.get("rates"):
                    values = (rng.random(shape) < levels).astype(float)
                else:
                    values = rng.standard_normal(shape) + np.array(levels)
                world = bandits.World(values, floor=floor, moving=moving, **given)
                promoted = bandits.play(world, rng).promoted[:, -1]
                found.append(f"{(promoted >= 0).mean():.1%}")
            page.row(name, f"{floor:.0%}", units, runs, *found)


def plain_table(page, factor):
    page.section(
        "A plain test on what a bandit drew",
        "Two arms that are alike, 400 units of a normal metric: how often Welch's t at 5%, of "
        "two sides, calls them different, and by how many spreads the arm that was drawn less "
        "looks worse than it is.",
        "floor", "experiments", "called different", "leans by",
    )  # fmt: skip
    runs = max(100, int(2000 * factor))
    for floor in (1e-9, 0.05, 0.1):
        rng = np.random.default_rng(8800)
        values = rng.standard_normal((runs, 400, 2))
        drawn = bandits.draws(bandits.World(values, floor=floor, every=5), rng)
        taken = np.take_along_axis(values, drawn[:, :, None], axis=2)[..., 0]
        wrong, lean = 0, []
        for row, arm in zip(taken, drawn, strict=True):
            one, other = row[arm == 0], row[arm == 1]
            wrong += ttest_ind(one, other, equal_var=False).pvalue < 0.05
            lean.append(-min(one, other, key=len).mean())
        page.row(
            "none" if floor < 0.01 else f"{floor:.0%}",
            runs,
            f"{wrong / runs:.1%}",
            f"{np.mean(lean):.3f}",
        )
