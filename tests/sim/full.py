"""Simulate everything that is promised of the rules at full length, and write it down.

Run `python -m tests.sim.full` from the root of the repository. It takes a quarter of an hour,
writes docs/error-rates.md, and ends with 1 when a promise does not hold. A number as argument
scales the replications; below 1 it is a trial run that prints and writes nothing. Names of
tables (`offline_tables`) make these alone anew.
"""

from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import numpy as np  # noqa: E402
from tests.sim import (  # noqa: E402
    agentic_tables,
    bandit_tables,
    beliefs,
    board_tables,
    covariates,
    draw,
    external,
    holdouts,
    late,
    offline_tables,
    preferences,
    quantiles,
    ramp_tables,
    rates,
    ratios,
    scenarios,
    shadow,
    team_tables,
    unequal_rates,
    worlds,
)
from tests.support.bar import bar  # noqa: E402

from meta_experiment.files.headway import steps  # noqa: E402
from meta_experiment.stats.two_quantiles import ALWAYS  # noqa: E402

HEADER = """\
# Error rates, simulated

What the deciding rules promise, measured. Every experiment is looked at after every unit (where
nothing else is said), from ten units per arm on, and stops at its first decision.
`python -m tests.sim.full` makes this page; a small form runs with the tests. The simulated rule
is a vectorised twin of the analysis that the tests hold equal to it.

A rate is followed by its limit. "Per arm" is the horizon, in units of the smallest arm.
"""


class Page:
    """Collects tables and remembers whether every promise held."""

    def __init__(self):
        self.lines, self.held = [HEADER], True

    def section(self, title, text, *columns):
        self.lines += [""] if self.lines[1:] else []
        self.lines += [f"## {title}", "", text, ""]
        self.lines += ["| " + " | ".join(columns) + " |", "| --- " * len(columns) + "|"]

    def row(self, *cells):
        self.lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
        print(self.lines[-1], flush=True)  # noqa: T201

    def check(self, value, *, most=None, least=None, form="{:.2%}", runs=None):
        """Write a value with its limit, and remember when it is broken.

        A share of so many runs is broken beyond what chance brings to one at the limit.
        """
        chance = 3 * (most * (1 - most) / runs) ** 0.5 if runs else 0.0
        good = most is None or value <= most + chance
        good &= least is None or value >= least
        self.held &= good
        limit = f" (≤ {form.format(most)})" if most is not None else ""
        limit += f" (≥ {form.format(least)})" if least is not None else ""
        return form.format(value) + limit + ("" if good else " **BROKEN**")

    def write(self, path, *, alone=False):
        """Write all, or what was made alone in the place of the sections of that title."""
        text = "\n".join(self.lines) + "\n"
        if alone:
            head, *made = re.split(r"^(?=## )", text, flags=re.MULTILINE)
            head, *known = re.split(r"^(?=## )", path.read_text("utf-8"), flags=re.MULTILINE)
            sections = {part.splitlines()[0]: part.strip() for part in (*known, *made)}
            text = "\n\n".join((head.strip(), *sections.values())) + "\n"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def worlds_table(page, factor):
    page.section(
        "One treatment or more, by world",
        "A/A: all arms alike. No improvement threshold; with one, fewer are promoted. All that "
        "may reject shares one α.",
        "world", "per arm", "experiments", "promoted", "rejected",
    )  # fmt: skip
    for number, scenario in enumerate(scenarios.SCENARIOS):
        runs = max(100, int(scenario.experiments * factor))
        found = scenarios.run(scenario, runs, seed=1000 + number)
        page.row(
            scenario.name,
            scenario.per_arm,
            found.experiments,
            page.check(found.promoted, most=scenario.promoted, least=scenario.found),
            page.check(found.rejected, most=scenario.rejected),
        )


def rates_table(page, factor):
    page.section(
        "Success rates, the exact rule on pairs",
        "Both arms alike; looks after every pair to 200, then at every further per cent.",
        "rate of both arms", "pairs", "experiments", "promoted", "rejected",
    )  # fmt: skip
    rng, runs = np.random.default_rng(2000), max(100, int(1000 * factor))
    for rate in (0.01, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.99):
        up, down = rates.crossings(rng, rate, rate, experiments=runs, last=2000)
        page.row(
            rate,
            2000,
            runs,
            page.check(rates.share(up, 2000), most=0.05),
            page.check(rates.share(down, 2000), most=0.05),
        )


def power_table(page, factor):
    page.section(
        "Power",
        "Durations on the log scale; `d` is the true effect in standard deviations.",
        "d", "experiments", "promoted by 50", "by 100", "by 200", "mean pairs, at most 200",
    )  # fmt: skip
    runs = max(100, int(5000 * factor))
    for d in (0.2, 0.5, 0.8, 1.2):
        world = scenarios.shifted(-d)(np.random.default_rng(3000), runs, 400)
        crossed = shadow.decide(**world)
        pairs = np.where(crossed.promoted >= 0, crossed.promoted + 1, 400) / 2
        promised = d == 0.5
        page.row(
            d,
            runs,
            f"{crossed.rate('promote', looks=100):.1%}",
            f"{crossed.rate('promote', looks=200):.1%}",
            page.check(
                crossed.rate("promote"), least=0.98 if promised else None, form="{:.1%}"
            ),
            page.check(pairs.mean(), most=58.0 if promised else None, form="{:.1f}"),
        )


def covariates_table(page, factor):
    page.section(
        "Covariates",
        "Values adjusted for what was known before assignment; both arms alike, looks after "
        "every pair to 300 units per arm (of the smaller arm 150 in the last world).",
        "world", "experiments", "promoted", "rejected",
    )  # fmt: skip
    runs = max(100, int(4000 * factor))
    for number, (name, world) in enumerate(covariates.WORLDS.items()):
        rng = np.random.default_rng(7000 + number)
        shown = covariates.crossings(world, rng, runs, 600)
        page.row(name, runs, *(page.check((side >= 0).mean(), most=0.05) for side in shown))
    page.section(
        "Covariates and a guardrail",
        "A covariate explains half of the variance of both metrics; the treatment is so many "
        "standard deviations better, and its guardrail (margin 10%) so many times as large. "
        "300 pairs, log spread 0.5.",
        "better by", "guardrail", "experiments", "promoted", "rejected",
    )  # fmt: skip
    for number, (better, harm, most, least, wrong) in enumerate(
        ((0, 1, 0.05, None, 0.05), (0.5, 1, None, 0.95, 0.05), (0.5, 1.3, None, None, None))
    ):
        world, rng = covariates.guarded(better, harm), np.random.default_rng(7050 + number)
        found = covariates.decided(*world(rng, runs, 600))
        page.row(
            better,
            harm,
            runs,
            page.check(found.rate("promote"), most=most, least=least),
            page.check(found.rate("reject"), most=wrong),
        )
    page.section(
        "Power with covariates",
        "By the share of the variance that a covariate explains; looks after every pair.",
        "effect", "explained", "experiments", "promoted by 35 pairs", "mean pairs, at most 400",
    )  # fmt: skip
    runs = max(100, int(3000 * factor))
    effects = {
        "0.5 sd": (0.5, {"most": 34.0}, {}),
        "20% faster, log sd 0.5": (np.log(1 / 0.8) / 0.5, {}, {"least": 0.55}),
    }
    for name, (effect, most, least) in effects.items():
        for explained in (0.0, 0.3, 0.5, 0.7):
            promised = explained == 0.5
            world = covariates.linear(explained, effect)
            up, _ = covariates.crossings(world, np.random.default_rng(7100), runs, 800)
            pairs = np.where(up >= 0, up + 1, 800) / 2
            page.row(
                name,
                explained,
                runs,
                page.check((pairs <= 35).mean(), **(least if promised else {}), form="{:.1%}"),
                page.check(pairs.mean(), **(most if promised else {}), form="{:.1f}"),
            )


def coverage_table(page, factor):
    page.section(
        "Always-valid intervals",
        "Share of experiments whose interval held the true effect at every look. Each end may "
        "miss in 5%, as the side that decides may.",
        "scale", "true ratio", "per arm", "experiments", "covered at all looks",
    )  # fmt: skip
    runs = max(100, int(2000 * factor))
    rng = np.random.default_rng(4000)
    for log in (True, False):
        for truth in (1.0, 0.7, 1.5):
            inside = []
            for _ in range(4):
                arm = worlds.blocks(rng, runs // 4, 2000)
                raw = worlds.noise(rng, arm.shape, "lognormal") * np.where(arm == 1, truth, 1)
                inside.append(shadow.covered(raw, arm, truth, log=log).mean())
            page.row(
                "log" if log else "raw",
                truth,
                1000,
                runs,
                page.check(float(np.mean(inside)), least=0.90),
            )
    for control, treatment in ((0.5, 0.5), (0.1, 0.2), (0.05, 0.05), (0.9, 0.98), (0.98, 0.9)):
        kept = rates.covered(rng, control, treatment, experiments=runs, last=1000)
        page.row(
            f"rates of {control} and {treatment}",
            f"{treatment / control:.3g}",
            1000,
            runs,
            page.check(float(kept.mean()), least=0.95),
        )


def guardrail_table(page, factor):
    page.section(
        "Guardrails",
        "A treatment that is 40% better (or alike) on the primary metric, by its guardrails. "
        "Margin 10%, not required; log spread 0.5, 500 units per arm. The share of a harmful "
        "guardrail that slips through is no promise but a fact to know.",
        "primary", "guardrails", "experiments", "promoted", "rejected",
    )  # fmt: skip
    runs = max(100, int(2000 * factor))
    rng = np.random.default_rng(5000)
    cases = [
        (0.6, (1.0,), None, 0.05),
        (0.6, (1.3,), None, None),
        (0.6, (1.0, 1.0, 1.0), None, 0.05),
        (1.0, (1.0,), 0.05, 0.05),
        (1.0, (1.0, 1.0, 1.0), 0.05, 0.05),
    ]
    for primary, guards, promoted, rejected in cases:
        arm = worlds.blocks(rng, runs, 1000)
        raw = worlds.noise(rng, arm.shape, "lognormal") * np.where(arm == 1, primary, 1)
        kept = [
            worlds.noise(rng, arm.shape, "lognormal") * np.where(arm == 1, harm, 1)
            for harm in guards
        ]
        crossed = shadow.decide(raw, arm, guards=kept)
        page.row(
            "40% better" if primary < 1 else "alike",
            ", ".join("unharmed" if harm == 1 else "30% worse" for harm in guards),
            runs,
            page.check(crossed.rate("promote"), most=promoted),
            page.check(crossed.rate("reject"), most=rejected),
        )


def robust_table(page, factor):
    page.section(
        "Robust plans",
        "The evidence averaged with that of the draw; looks after each round of ten units, 400 "
        "in all. Beside it what the t alone finds at the same looks.",
        "world", "experiments", "promoted", "rejected", "promoted by the t alone",
    )  # fmt: skip
    runs = max(100, int(2000 * factor))
    worlds_of = {
        "normal": lambda rng, shape: rng.normal(0, 0.4, shape),
        "a tenth of the values ten times as large": draw.wild,
        "exponential": lambda rng, shape: rng.exponential(0.4, shape),
    }
    for name, world in worlds_of.items():
        for gain in (0.0, 0.3):
            rng = np.random.default_rng(8000)
            arm = draw.arms(rng, runs, 400)
            values = world(rng, arm.shape) - gain * arm
            promised = None if gain else 0.05
            less, greater = draw.crossings(values, arm)
            page.row(
                f"{name}, {'alike' if not gain else 'lower by 0.3'}",
                runs,
                page.check((less >= 0).mean(), most=promised),
                page.check((greater >= 0).mean(), most=promised),
                f"{draw.plain(values, arm):.2%}",
            )


def ratios_table(page, factor):
    page.section(
        "Ratios of sums",
        "Cost per success of skewed costs; looks from 20 units per arm on, after every fifth, "
        "then at every further 3 per cent. The treatment succeeds so many times as often.",
        "treatment", "per arm", "experiments", "promoted", "rejected",
    )  # fmt: skip
    runs = max(50, int(1000 * factor))
    rng = np.random.default_rng(7000)
    for better, promised in ((1.0, 0.05), (1.5, None)):
        up, down = ratios.crossings(rng, experiments=runs, last=1000, better=better)
        page.row(
            better,
            1000,
            runs,
            page.check(up, most=promised),
            page.check(down, most=promised),
        )


def quantiles_table(page, factor):
    page.section(
        "Quantiles",
        "By counts at every cut; both arms alike; looks after every pair from 20 to 200, then "
        "at every further per cent.",
        "world", "per arm", "experiments", "promoted", "rejected",
    )  # fmt: skip
    runs = max(50, int(400 * factor))
    for number, (name, world) in enumerate(quantiles.WORLDS.items()):
        rng = np.random.default_rng(7500 + number)
        shown = quantiles.crossings(*world, rng, experiments=runs, last=2000) > 0
        greater, less = shown.mean(axis=0)
        page.row(name, 2000, runs, page.check(less, most=0.05), page.check(greater, most=0.05))
    page.section(
        "Power with quantiles",
        "Log-normal values, log spread 0.5; the treatment's are so many times the control's. "
        "Looks as before.",
        "quantile", "treatment", "experiments", "promoted by 100", "by 200", "by 400",
        "mean pairs, at most 1000",
    )  # fmt: skip
    runs = max(50, int(200 * factor))
    for q in (0.5, 0.9, 0.95):
        for ratio in (0.85, 0.7, 0.5):
            rng = np.random.default_rng(7600)
            world = partial(quantiles.log_normal, ratio=ratio)
            shown = quantiles.crossings(world, q, ALWAYS, rng, experiments=runs, last=1000)
            pairs = np.where(shown[:, 1] > 0, shown[:, 1], 1000)
            promised = (q, ratio) == (0.9, 0.7)
            page.row(
                f"p{100 * q:g}",
                ratio,
                runs,
                *(f"{(pairs <= n).mean():.1%}" for n in (100, 200)),
                page.check(
                    (pairs <= 400).mean(), least=0.95 if promised else None, form="{:.1%}"
                ),
                page.check(pairs.mean(), most=200.0 if promised else None, form="{:.1f}"),
            )


def preferences_table(page, factor):
    page.section(
        "Preferences of cases",
        "Which work of two a judge prefers, 1, 0 or a tie; both texts alike, or the treatment "
        "wins so often what is no tie. Looks after every case, from the first on.",
        "world", "cases", "experiments", "promoted", "rejected",
    )  # fmt: skip
    runs = max(100, int(4000 * factor))
    for number, (name, world) in enumerate(preferences.WORLDS.items()):
        values = preferences.verdicts(
            np.random.default_rng(7700 + number), (runs, 500), **world
        )
        shown = [
            (preferences.first_shown(found, fewest=1) > 0).mean()
            for found in (values, 1 - values)
        ]
        page.row(name, 500, runs, *(page.check(found, most=0.05) for found in shown))
    page.section(
        "Power with preferences",
        "Three in ten are ties; looks from 10 cases on.",
        "wins of what is no tie", "experiments", "promoted by 20", "by 40", "by 100",
        "mean cases, at most 200",
    )  # fmt: skip
    runs = max(100, int(1000 * factor))
    for wins in (0.6, 0.7, 0.8, 0.9):
        values = preferences.verdicts(np.random.default_rng(7750), (runs, 200), wins=wins)
        first = preferences.first_shown(values)
        first = np.where(first > 0, first, 200)
        page.row(
            f"{wins:.0%}",
            runs,
            *(f"{(first <= most).mean():.1%}" for most in (20, 40)),
            page.check(
                (first <= 100).mean(), least=0.95 if wins == 0.8 else None, form="{:.1%}"
            ),
            f"{first.mean():.1f}",
        )


def beliefs_table(page, factor):
    page.section(
        "A chance to be the best, as a rule for comparison",
        "`--stopping bayesian` shows chances and decides by e-values: its promotions are those "
        "of `sequential`. All arms alike; looks after every unit per arm, from 10 on. Foretold "
        "is what the program says beside a chance of 95% at the last look.",
        "world", "arms", "units per arm", "experiments", "some arm best ≥ 95%",
        "treatment better ≥ 95%", "foretold", "promoted by bayesian",
    )  # fmt: skip
    runs = max(100, int(1000 * factor))
    worlds_of = {
        "normal": lambda rng, shape: rng.normal(size=shape),
        "log-normal σ 0.5, log scale": lambda rng, shape: rng.normal(3, 0.5, shape),
        "exponential, raw scale": lambda rng, shape: rng.exponential(size=shape),
    }
    for number, (name, world) in enumerate(worlds_of.items()):
        for arms in (2, 3, 4, 8) if number == 0 else (2,):
            units = 200 if arms > 2 else 400
            values = world(np.random.default_rng(7800 + number), (runs, units, arms))
            page.row(
                name,
                arms,
                units,
                runs,
                f"{beliefs.reached(values, 0.95):.1%}",
                f"{beliefs.treatment_reached(values, 0.95):.1%}",
                f"{beliefs.foretold(0.95, units):.1%}",
                page.check(beliefs.promoted(values), most=0.05),
            )


def safety_table(page, factor):
    page.section(
        "Safety rollback",
        "Before readiness, from three pairs on, primary metric and error rate watched; log "
        "spread 0.5, 100 units per arm.",
        "treatment", "experiments", "rolled back", "median pairs",
    )  # fmt: skip
    runs = max(100, int(4000 * factor))
    for slower in (1.0, 1.1, 1.3, 2.0, 4.0):
        rng = np.random.default_rng(6000)
        world = scenarios.shifted(np.log(slower) / 0.5)(rng, runs, 200)
        crossed = shadow.decide(**world, minimum=10**6)
        hit = crossed.rejected[crossed.rejected >= 0]
        median = np.median((hit + 1) / 2) if len(hit) > runs / 2 else None
        page.row(
            "alike" if slower == 1 else f"{slower:g} times as slow",
            runs,
            page.check(crossed.rate("reject"), most=0.025 if slower == 1 else None),
            "-" if median is None else f"{median:g}",
        )


TABLES = (
    worlds_table,
    rates_table,
    power_table,
    covariates_table,
    coverage_table,
    guardrail_table,
    safety_table,
    beliefs_table,
    ratios_table,
    quantiles_table,
    preferences_table,
    robust_table,
    bandit_tables.bandit_tables,
    bandit_tables.drifting_rates_table,
    holdouts.holdout_table,
    ramp_tables.ramp_table,
    unequal_rates.unequal_rates_table,
    external.external_table,
    late.gates_table,
    offline_tables.offline_tables,
    agentic_tables.workflows_table,
    board_tables.boards_table,
    board_tables.strict_plans_table,
    team_tables.team_tables,
)


def main(arguments):
    names = [item.__name__ for item in TABLES]
    chosen = [name for name in arguments if name in names]
    factor = next((float(item) for item in arguments if item not in names), 1.0)
    page = Page()
    wanted = [item for item in TABLES if item.__name__ in (chosen or names)]
    with bar():
        for table in steps(wanted, "simulating"):
            table(page, factor)
    if factor >= 1:
        page.write(ROOT / "docs" / "error-rates.md", alone=bool(chosen))
    return 0 if page.held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
