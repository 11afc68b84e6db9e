"""Experiments whose units somebody else draws, in shares nobody here knows, while levels drift.

The program's own samples and evidence, on sums of days as an engine tells them, looked at after
every day.
"""

import math
from dataclasses import dataclass

import numpy as np
from tests.sim import rates
from tests.support.warehouse_rows import plan_of

from meta_experiment.decide.collected import MetricSums, SumsOfDays
from meta_experiment.decide.metrics import design_of, family_of
from meta_experiment.errors import DegenerateDataError
from meta_experiment.stats.joint_moments import JointMoments
from meta_experiment.types import MetricKind, Scale

BAR = math.log(20)
LEAST = 10  # units of either arm before a decision
DAYS, A_DAY = 20, 60
SHARES = 0.5, 0.3, 0.1  # of the treatment
WORLDS = {
    "steady": np.zeros_like,
    "rising": np.positive,
    "falling": np.negative,
}


@dataclass(frozen=True)
class Measure:
    """A metric, how far its level drifts, and by how much a useful treatment is better."""

    name: str
    draw: object  # values of (generator, levels, whether treated, effect), a column a part
    drift: float
    effect: float
    look_every: int = 1


def _outcome(rng, level, treated, effect):
    rate = np.clip(0.5 + level, 0.02, 0.98) * np.where(treated, 1 + effect, 1.0)
    return [(rng.random(len(level)) < np.minimum(rate, 1.0)).astype(float)]


def _seconds(rng, level, treated, effect):
    return [np.exp(rng.normal(2 + level - effect * treated, 0.6))]


def _cost(rng, level, treated, effect):
    return [rng.lognormal(level, 1.0) * (1 - effect * treated)]


def _calls(rng, level, treated, effect):
    mean = 4 * np.exp(level) * (1 - effect * treated)
    return [rng.negative_binomial(2, 2 / (2 + mean)).astype(float)]


def _cost_and_success(rng, level, treated, effect):
    return [*_cost(rng, level, treated, effect), *_outcome(rng, level / 3, treated, 0.0)]


MEASURES = {
    "proportion": Measure("success", _outcome, 0.6, 0.2),
    "mean, log scale": Measure("duration_seconds", _seconds, 1.2, 0.2),
    "sum": Measure("cost_usd", _cost, 1.2, 0.3),
    "count": Measure("tool_calls", _calls, 1.2, 0.3),
    "ratio": Measure("cost_usd.per.success", _cost_and_success, 1.2, 0.4),
    "median": Measure("duration_seconds.p50", _seconds, 1.2, 0.3, 4),
    "p90": Measure("duration_seconds.p90", _seconds, 1.2, 0.5, 4),
}


def sums_of(values, metric):
    """Return what an engine tells of the units of one arm and day."""
    if metric.scale is Scale.LOG:
        values = [np.log(item) for item in values]
    table = np.array(values)
    n = table.shape[1]
    if not n:
        return MetricSums(JointMoments(0, (), (), ()), None, True, {})
    centres = table.mean(axis=1)
    apart = table - centres[:, None]
    joint = JointMoments(
        n, tuple(map(float, centres)), (0.0,) * len(values),
        tuple(tuple(map(float, row)) for row in apart @ apart.T),
    )  # fmt: skip
    counted = ()
    if metric.kind is MetricKind.QUANTILE:
        counted = tuple((float(value), 1) for value in table[0])
    return MetricSums(joint, None, set(table[0]) <= {0.0, 1.0}, {}, counted)


def first_shown(measure, rng, *, share, world, useful=False, days=DAYS, a_day=A_DAY):
    """Return the first day on which "better" convinces, and "worse"; 0 is never."""
    plan = plan_of(measure.name, assignment={"method": "external"})
    metric = plan.primary
    design, family = design_of(plan, metric), family_of(metric)
    arms, convinced = ([], []), [0, 0]
    for day in range(1, days + 1):
        n = rng.poisson(a_day)
        place = (day - 1 + rng.random(n)) / days - 0.5
        level = measure.drift * WORLDS[world](place)
        treated = rng.random(n) < share
        values = measure.draw(rng, level, treated, measure.effect if useful else 0.0)
        for arm, kept in zip(arms, (~treated, treated), strict=True):
            arm.append(sums_of([item[kept] for item in values], metric))
        if day % measure.look_every or all(convinced):
            continue
        control, treatment = (
            family.sample_of_sums(SumsOfDays(arm, range(day)), metric) for arm in arms
        )
        if min(len(control), len(treatment)) < LEAST:
            continue
        try:
            found = design.evidence(control, treatment, metric, 0.0)
        except DegenerateDataError:
            continue
        for place, log_e in enumerate((found.better, found.worse)):
            if log_e >= BAR and not convinced[place]:
                convinced[place] = day
    return convinced


def shown(measure, *, seed, experiments, **course):
    """Return the days of `first_shown` for so many experiments."""
    made = [
        first_shown(measure, np.random.default_rng([seed, number]), **course)
        for number in range(experiments)
    ]
    return np.array(made)


def pairs_shown(rng, *, share, world, runs, days=DAYS, a_day=A_DAY):
    """Return how often pairs of the first units of each arm show better, and worse."""
    n = days * a_day
    level = MEASURES["proportion"].drift * WORLDS[world](np.linspace(-0.5, 0.5, n))
    wrong = np.zeros(2)
    for _ in range(runs):
        treated = rng.random(n) < share
        values = _outcome(rng, level, treated, 0.0)[0]
        looks = [
            _first_pairs(values[:end], treated[:end]) for end in range(a_day, n + 1, a_day)
        ]
        control, treatment, pairs = np.array([it for it in looks if it[2] >= LEAST]).T
        better = rates.log_e(control, treatment, pairs)
        worse = rates.log_e(treatment, control, pairs)
        wrong += [(better >= BAR).any(), (worse >= BAR).any()]
    return wrong / runs


def _first_pairs(values, treated):
    one, other = values[~treated], values[treated]
    pairs = min(len(one), len(other))
    return one[:pairs].sum(), other[:pairs].sum(), pairs


def external_table(page, factor):
    page.section(
        "Drawn elsewhere",
        "Units that another system draws, in shares that are not known here; sums of "
        f"{DAYS} days of about {A_DAY} units, looked at after every day (quantiles: every "
        "fourth). Both arms are alike while levels stand, rise or fall: rates by .6 in all, "
        "other values by a factor of 3.3. Beside rates what pairs of each arm's first units "
        "would do.",
        "metric", "share of the treatment", "level", "experiments", "promoted", "rejected",
        "pairs: promoted", "pairs: rejected",
    )  # fmt: skip
    for number, (name, measure) in enumerate(MEASURES.items()):
        runs = max(30, int((200 if measure.look_every == 1 else 60) * factor))
        for share in SHARES:
            for place, world in enumerate(WORLDS):
                seed = 9700 + 10 * number + place
                course = {"experiments": runs, "share": share, "world": world}
                better, worse = (shown(measure, seed=seed, **course) > 0).mean(axis=0)
                paired = ("–", "–")
                if number == 0:
                    rng = np.random.default_rng(seed)
                    found = pairs_shown(rng, share=share, world=world, runs=runs)
                    paired = [f"{it:.1%}" for it in found]
                page.row(
                    name, f"{share:.0%}", world, runs,
                    page.check(better, most=0.05, runs=runs),
                    page.check(worse, most=0.05, runs=runs),
                    *paired,
                )  # fmt: skip
    _power_table(page, factor)


def _power_table(page, factor):
    page.section(
        "Proof where another system draws",
        "The same, levels rising and the treatment better: rates by a fifth of themselves, "
        "durations by 18% (the median 26%, p90 39%), costs and counts by 30%, cost per "
        "success by 40%. How many are shown within the days, by the treatment's share.",
        "metric", "experiments", *(f"{share:.0%}" for share in SHARES),
    )  # fmt: skip
    for number, (name, measure) in enumerate(MEASURES.items()):
        runs = max(20, int((100 if measure.look_every == 1 else 40) * factor))
        course = {"seed": 9800 + number, "experiments": runs, "world": "rising", "useful": True}
        found = [(shown(measure, share=share, **course)[:, 0] > 0).mean() for share in SHARES]
        page.row(name, runs, *(f"{it:.0%}" for it in found))
