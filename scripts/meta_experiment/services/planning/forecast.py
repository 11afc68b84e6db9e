"""Forecast of what a plan can and cannot show, before there are data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from meta_experiment.decide.telling.outlook import equivalence_units, outlook
from meta_experiment.services.planning.past import Past, past_in_sessions, past_of
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Plan
from meta_experiment.types.results.forecast import Forecast, Outlook


def forecast(
    workspace: Workspace,
    plan: Plan,
    units_per_day: float | None = None,
    client: Path | None = None,
) -> Forecast:
    """Say what a plan decides in 80% of runs, and warn when it can never decide.

    `units_per_day` (of all arms) overrules the rate of the project's own past. The transcripts
    in the client's folder `client` stand for that past where no experiment has one.
    """
    past = past_of(workspace, plan.primary, plan.files)
    if not past.values and client is not None:
        past = past_in_sessions(workspace, plan.primary, plan.files, plan.unit, client)
    return judged(plan, past, units_per_day)


def judged(plan: Plan, past: Past, units_per_day: float | None = None) -> Forecast:
    """Say what a plan decides on a known past; `units_per_day` overrules its rate."""
    rate = units_per_day if units_per_day is not None else past.units_per_day
    seen = outlook(plan, past=past.values, units_per_day=rate)
    warnings = tuple(_warnings(plan, seen, rate))
    return Forecast(plan, seen, rate, len(past.values), past.experiments, warnings)


def _warnings(plan: Plan, seen: Outlook, rate: float | None) -> Iterator[str]:
    if plan.equivalence_margin is not None:
        units = equivalence_units(plan, seen.spread)
        cost = (
            "no number of units in reach" if units is None else f"about {units:,} units per arm"
        )
        yield (
            f"To show that an effect lies within {plan.equivalence_margin:.0%} takes {cost}, "
            "even when there is none."
        )
    reachable = plan.max_sample
    if rate is not None:
        weights = [item.weight for item in plan.variants]
        share = plan.traffic * min(weights) / sum(weights)
        within = int(rate * share * plan.max_duration_days)
        reachable = within if reachable is None else min(reachable, within)
        if within < plan.sample_size:
            yield (
                f"This plan can never decide: at {rate:.3g} units a day the smallest arm has "
                f"{within} units after {plan.max_duration_days:g} days, and it needs "
                f"{plan.sample_size}. Give it more days, or a smaller --sample-size."
            )
            return
    in_reach = [item for item in seen.reach if reachable is None or item.units <= reachable]
    best = in_reach[-1].improvement if in_reach else None
    if reachable is not None and in_reach and best is None:
        yield (
            f"This plan will hardly ever decide: within {reachable} units per arm no "
            "improvement, however large, is found in 80% of runs."
        )
    elif best is not None and best > 0.5:
        yield (
            f"Within {in_reach[-1].units} units per arm only an improvement of {best:.0%} or "
            "more is found in 80% of runs; a smaller one will mostly stay undecided."
        )
