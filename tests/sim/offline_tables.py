"""Tables of the offline loop: how often a whole series of runs errs, finds and saves."""

from __future__ import annotations

from dataclasses import replace

from tests.sim import offline
from tests.sim.offline import World, series

from meta_experiment.types import Decision, Scale
from meta_experiment.types.results.run import RunEnd

UNEQUAL = World(offline.unequal)
HANGS = World(offline.hanging)
WITHOUT_ORDER = {"ordered": False, "doubtful": False}
WORLDS = {
    "unequal run times, one at a time": (UNEQUAL, {}),
    "the same, 8 at once": (replace(UNEQUAL, at_once=8), {}),
    "the same, 16 at once": (replace(UNEQUAL, at_once=16), {}),
    "the same from 6 cases on": (replace(UNEQUAL, at_once=16, minimum=6), {}),
    "effects that differ by case, 6 × 5": (World(offline.opposed, 6, 5, minimum=6), {}),
    "the same, 10 × 5": (World(offline.opposed, 10, 5), {}),
    "the same, 40 × 1": (World(offline.opposed), {}),
    "unequal run times, a tenth of the pairs set aside": (
        World(offline.set_aside, at_once=16), {},
    ),
    "success, 5% errors, 4% time-outs": (
        World(offline.rates, metric="success", at_once=8), {},
    ),
    "raw tokens, 20 × 3": (
        World(offline.alike, 20, 3, metric="total_tokens", scale=Scale.RAW, at_once=8), {},
    ),
    "three treatments": (World(offline.alike, arms=4, at_once=8), {}),
    "21% faster in 88% of runs, else 5.8 times as long": (HANGS, {}),
}  # fmt: skip
CONTROLS = {
    "unequal run times, 8 at once, in the order in which pairs end": (
        replace(UNEQUAL, at_once=8), WITHOUT_ORDER,
    ),
    "the same, 16 at once in that order": (replace(UNEQUAL, at_once=16), WITHOUT_ORDER),
    "21% faster in 88% of runs, not held against one more that hangs": (
        HANGS, {"doubtful": False},
    ),
}  # fmt: skip


def offline_tables(page, factor):
    """Write how often series of runs err, what they find, and what futility saves."""
    runs = max(20, int(400 * factor))
    page.section(
        "Offline runs, the whole loop",
        "Schedule, runner and rule as they are, with runs whose end is drawn; a look after "
        "every pair of the complete beginning of the schedule, 40 cases × 1 repeat where "
        "nothing else is said. No arm is better; futility is left out, which can only promote "
        "less. The last rows are what the loop does not do, and what that would cost.",
        "world", "series", "promoted", "rejected",
    )  # fmt: skip
    for number, (name, (world, how)) in enumerate({**WORLDS, **CONTROLS}.items()):
        ends = [series(world, 10_000 * number + seed, **how) for seed in range(runs)]
        promoted, rejected = (
            _share(ends, item) for item in (Decision.PROMOTE, Decision.REJECT)
        )
        limits = {} if name in CONTROLS else {"most": 0.05}
        if name in CONTROLS and world.at_once != 8:  # the yardstick shows what is wrong
            limits = {"least": 0.05}
        page.row(name, runs, page.check(promoted, **limits), f"{rejected:.2%}")
    _power(page, factor)
    _price(page, factor)


def _power(page, factor):
    runs = max(20, int(100 * factor))
    page.section(
        "Offline runs: what they find, and what futility saves",
        "Log spread 0.3 of a run within a case; 12 × 3 from 6 cases on, 40 × 1 from 10. "
        "Stopped as futile: by what is left of the schedule.",
        "cases × repeats", "time of the treatment", "series", "promoted", "cases until then",
        "stopped as futile", "runs saved by all", "promoted without futility",
    )  # fmt: skip
    for cases, repeats, minimum in ((12, 3, 6), (40, 1, 10)):
        for ratio in (1.0, 0.7, 0.5):
            world = World(offline.better(ratio), cases, repeats, minimum=minimum)
            ends = [series(world, seed, futility=True) for seed in range(runs)]
            plain = [series(world, seed) for seed in range(runs)]
            found = [item for item in ends if item.decision is Decision.PROMOTE]
            futile = sum(item.ended is RunEnd.FUTILE for item in ends) / runs
            saved = sum(item.saved for item in ends) / sum(item.runs for item in ends)
            alike, wide = ratio == 1, cases == 40
            page.row(
                f"{cases} × {repeats}",
                "alike" if alike else f"{ratio:g} times",
                runs,
                page.check(_share(ends, Decision.PROMOTE), most=0.05 if alike else None),
                f"{_cases(found):.1f}" if found else "-",
                page.check(futile, most=0.05 if wide and not alike else None),
                page.check(saved, least=1 / 3 if wide and alike else None),
                f"{_share(plain, Decision.PROMOTE):.2%}",
            )


def _price(page, factor):
    runs = max(20, int(50 * factor))
    page.section(
        "Offline runs: the price of standing one more that hangs",
        "Mean pairs until the promotion, at most 60; log spread 0.3 of a run within a case.",
        "time of the treatment", "series", "pairs", "pairs without it",
    )  # fmt: skip
    for ratio in (0.8, 0.7, 0.5):
        world = World(offline.better(ratio), cases=60)
        pairs = [
            sum(series(world, seed, doubtful=held).counted for seed in range(runs)) / 2 / runs
            for held in (True, False)
        ]
        page.row(f"{ratio:g} times", runs, *(f"{item:.1f}" for item in pairs))


def _share(ends, decision):
    return sum(item.decision is decision for item in ends) / len(ends)


def _cases(found):
    """Return after how many cases, on average, a series was promoted."""
    seen = [item.analysis.readiness.smallest_arm for item in found]
    return sum(seen) / len(seen)
