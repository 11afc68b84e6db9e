"""Forecast of what a plan can and cannot show, before there are data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from meta_experiment.decide.horizon import in_days, longest_days
from meta_experiment.decide.metrics import family_of
from meta_experiment.decide.opening import opens_at
from meta_experiment.decide.ramp import expected_units
from meta_experiment.decide.telling.outlook import (
    FEWEST_PAST,
    equivalence_units,
    outlook,
    units_at_end,
)
from meta_experiment.services.planning.offers import explained_before, sooner_by
from meta_experiment.services.planning.past import Past, past_in_sessions, past_of
from meta_experiment.services.planning.stated_control import of_hypothesis, question
from meta_experiment.services.workspace import Workspace
from meta_experiment.stats.figures import chosen
from meta_experiment.types import Plan, Ramp, Unit
from meta_experiment.types.results.forecast import Forecast, Outlook, Spread

_LARGE = 0.5  # an improvement that no new text of a prompt should be counted on for


def forecast(
    workspace: Workspace,
    plan: Plan,
    units_per_day: float | None = None,
    client: Path | None = None,
    stated: Spread | None = None,
) -> Forecast:
    """Say what a plan decides in 80% of runs, and warn when it can never decide.

    `units_per_day` (of all arms) overrules the rate of the project's own past. The transcripts
    in the client's folder `client` stand for that past where no experiment has one. What is
    `stated` of the control stands in its place, and where nothing was measured what the
    hypothesis names; else what is usual is assumed.
    """
    past = past_of(workspace, plan.primary, plan.files, of_cases=plan.unit is Unit.CASE)
    if len(past.values) < FEWEST_PAST and client is not None:
        lived = past_in_sessions(workspace, plan.primary, plan.files, plan.unit, client)
        past = max(past, lived, key=lambda one: len(one.values))
    if stated is None and len(past.values) < FEWEST_PAST:
        stated = of_hypothesis(plan)
    seen = judged(plan, past, units_per_day, stated)
    return replace(
        seen,
        sooner=sooner_by(plan, past, seen.units_per_day),
        question=question(plan.primary) if seen.outlook.spread.assumed else None,
    )


def judged(
    plan: Plan, past: Past, units_per_day: float | None = None, stated: Spread | None = None
) -> Forecast:
    """Say what a plan decides on a known past; `units_per_day` overrules its rate."""
    rate = units_per_day if units_per_day is not None else past.units_per_day
    known = explained_before(plan, past, plan.primary, plan.covariates)
    seen = outlook(plan, past=past.values, units_per_day=rate, explained=known, stated=stated)
    warnings = tuple(_warnings(plan, seen, rate))
    return Forecast(plan, seen, rate, len(past.values), past.experiments, warnings)


def _climb(plan: Plan, ramp: Ramp, rate: float | None) -> str:
    """Say how long a ramp takes to its last step, if nothing holds it."""
    steps = expected_units(ramp, len(plan.treatments))
    units, least = sum(steps), ramp.days * len(steps)
    days = f"and takes at least {in_days(least)} days" if least else ""
    if rate:
        each = [max(ramp.days, step / (rate * plan.share_of_units)) for step in steps]
        days = f"and takes about {in_days(sum(each))} days at {rate:.3g} units a day"
    counted = " + ".join(f"{step:,}" for step in steps)
    sums = f" ({counted})" if len(steps) > 1 else ""
    return (
        f"The last step of the ramp, {100 * ramp.steps[-1]:.4g}%, comes after about {units:,} "
        f"units of all{sums} {days}".rstrip()
        + f", later where the evidence holds a step.{_too_long(plan, ramp, steps, rate)} What "
        "this plan finds is told for equal shares; on a ramp it takes longer."
    )


def _too_long(plan: Plan, ramp: Ramp, steps: Sequence[int], rate: float | None) -> str:
    """Say that the plan ends before the last step, or how many units a day that asks for."""
    lasts, least = longest_days(plan), ramp.days * len(steps)
    if rate:
        least = sum(max(ramp.days, step / (rate * plan.share_of_units)) for step in steps)
    if least >= lasts:
        return f" The plan ends before that, after {lasts:g} days: no unit gets there."
    if rate:
        return ""
    fewest = math.ceil(sum(steps) / lasts / plan.share_of_units)
    return f" In the {lasts:g} days of the plan that takes {fewest:,} units a day or more."


def _warnings(plan: Plan, seen: Outlook, rate: float | None) -> Iterator[str]:
    if plan.equivalence_margin is not None:
        units = equivalence_units(plan, seen.spread)
        cost = (
            "no number of units in reach" if units is None else f"about {units:,} units per arm"
        )
        if not family_of(plan.primary).compares_means:
            cost = "a number of units that is not known beforehand"
        yield (
            f"To show that an effect lies within {chosen(plan.equivalence_margin)} takes "
            f"{cost}, even when there is none."
        )
    if plan.bandit is not None:
        yield (
            "What this plan finds is told for equal shares: a bandit takes longer to prove as "
            "much, the longer the lower its floor is."
        )
    if plan.ramp is not None:
        yield _climb(plan, plan.ramp, rate)
    end = units_at_end(plan, rate)
    if end is None:
        return
    needed = opens_at(plan)
    if rate is not None and end < needed:
        yield (
            f"This plan can never decide: at {rate:.3g} units a day the smallest arm has "
            f"{end} units when it ends, and it needs {needed}. Give it more days, "
            + (
                "or a smaller --sample-size."
                if needed == plan.sample_size
                else f"or another metric than {plan.primary.name}."
            )
        )
        return
    best = seen.reach[-1]
    if best.improvement is None:
        yield (
            f"This plan will hardly ever decide: with {best.units} units per arm, where it "
            "ends, no improvement, however large, is found in 80% of runs."
        )
    elif best.improvement > _LARGE:
        yield (
            f"With {best.units} units per arm, where the plan ends, only an improvement of "
            f"{best.improvement:.0%} or more is found in 80% of runs; a smaller one will "
            "mostly stay undecided."
        )
