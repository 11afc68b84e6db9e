"""What comes late, and shares that change: how often a gate holds back what is well."""

import numpy as np
from tests.support.warehouse_rows import plan_of

from meta_experiment.decide.collected import ArmDay, CollectedSums, MetricSums, RetoldDays
from meta_experiment.decide.lateness import lateness
from meta_experiment.decide.quality import ALPHA, sample_ratio
from meta_experiment.decide.shares_over_time import shares_over_time
from meta_experiment.decide.units import Arm
from meta_experiment.stats.joint_moments import JointMoments
from meta_experiment.types import Variant

DAYS, A_DAY = 14, 100
ARMS = "control", "treatment"
PLAN = plan_of("cost_usd", assignment={"method": "external"})


def _day(arm, day, costs):
    n, mean = len(costs), costs.mean() if len(costs) else 0.0
    joint = JointMoments(n, (mean,), (0.0,), ((float(((costs - mean) ** 2).sum()),),))
    return ArmDay(arm, day, n, 0, {"cost_usd": MetricSums(joint, None, False, {})})


def held_back(rng, *, share, late, cheaper=0.0, days=DAYS, a_day=A_DAY):
    """Say whether the gate closes at any daily collection.

    Each unit's cost is that of four events, each of which comes after its day was taken with
    the arm's chance in `late`; all have come with the next collection.
    """
    first, again = [], []
    for day in range(days):
        for place, arm in enumerate(ARMS):
            n = rng.binomial(a_day, share if place else 1 - share)
            events = rng.lognormal(0, 1, (n, 4)) * (1 - cheaper * place)
            there = rng.random((n, 4)) >= late[place]
            first.append(_day(arm, day, (events * there).sum(axis=1)))
            again.append(_day(arm, day, events.sum(axis=1)))
        if day:
            told = RetoldDays(tuple(again[:-2]), day - 1, day)
            if not lateness(PLAN, CollectedSums(tuple(first), {}, told)).ok:
                return True
    return False


def shares_alarm(rng, *, shares, days=DAYS, a_day=A_DAY):
    """Say whether shares by day pass for changed at any day."""
    counts = [{}, {}]
    for day in range(days):
        n = rng.poisson(a_day)
        treated = rng.binomial(n, shares[day % len(shares)])
        counts[0][day], counts[1][day] = n - treated, treated
        arms = {
            name: Arm(name, (), {}, counted=sum(of.values()), by_day=dict(of))
            for name, of in zip(ARMS, counts, strict=True)
        }
        if not shares_over_time(arms, ALPHA).ok:
            return True
    return False


def tainted_alarm(rng, *, share, again, halves=True, units=5_000, looks=25):
    """Say whether the sample ratio alarms where units are drawn again with such a chance."""
    plan = plan_of("cost_usd", assignment={"method": "block"})
    variants = Variant("control", 1 - share), Variant("treatment", share)
    plan = type(plan)(**{**_fields(plan), "variants": variants})
    first = rng.random(units) < share
    second = np.where(rng.random(units) < again, rng.random(units) < share, first)
    for end in np.linspace(0, units, looks + 1, dtype=int)[1:]:
        one, other = first[:end], second[:end]
        tainted = int((one != other).sum())
        arms = {
            name: Arm(
                name, (), {},
                counted=int(((one == place) | (other == place)).sum()),
                tainted=tainted if halves else 0,
            )
            for place, name in enumerate(ARMS)
        }  # fmt: skip
        if not sample_ratio(plan, arms).ok:
            return True
    return False


def _fields(plan):
    return {name: getattr(plan, name) for name in plan.__dataclass_fields__}


def often(found, runs, seed, **world):
    """Return the share of so many experiments in which that is so."""
    made = (found(np.random.default_rng([seed, number]), **world) for number in range(runs))
    return sum(made) / runs


def gates_table(page, factor):
    page.section(
        "Gates of collected days",
        f"How often a gate says that nothing can be decided, looked at after each of {DAYS} "
        f"days of {A_DAY} units (the sample ratio 25 times in 5,000). A unit's cost comes in "
        "four events; a late one is there with the next collection.",
        "gate", "world", "share of the treatment", "experiments", "closed",
    )  # fmt: skip
    runs = max(40, int(1000 * factor))
    for share in (0.5, 0.3, 0.1):
        told = f"{share:.0%}"
        for name, late, cheaper, most in (
            ("a tenth late in both arms", (0.1, 0.1), 0.0, 0.01),
            ("the same, the treatment costs 30% less", (0.1, 0.1), 0.3, 0.01),
            ("half late in both arms", (0.5, 0.5), 0.0, 0.01),
            ("a tenth late, a fifth of the treatment's", (0.1, 0.2), 0.0, None),
        ):
            seen = often(held_back, runs, 1, share=share, late=late, cheaper=cheaper)
            page.row(
                "lateness", name, told, runs, page.check(seen, most=most, runs=most and runs)
            )
        for name, shares, most in (
            ("shares that stand", (share,), 0.01),
            ("shares that go up by half of themselves", (share, 1.5 * share), None),
        ):
            seen = often(shares_alarm, runs, 2, shares=shares)
            page.row(
                "shares", name, told, runs, page.check(seen, most=most, runs=most and runs)
            )
        for again in (0.05, 0.3):
            few = max(20, runs // 5)
            seen = often(tainted_alarm, few, 3, share=share, again=again)
            whole = often(tainted_alarm, few, 3, share=share, again=again, halves=False)
            page.row(
                "sample ratio",
                f"{again:.0%} drawn again (counted whole in both arms: {whole:.0%})",
                told, few, page.check(seen, most=0.01, runs=few),
            )  # fmt: skip
