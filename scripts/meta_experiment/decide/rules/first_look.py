"""The one look fixed in advance: at the first units of every arm, when all have closed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from meta_experiment.decide.order import first_units
from meta_experiment.decide.rules.rule import Look
from meta_experiment.decide.units import given_up_at, is_abandoned, is_closed, places
from meta_experiment.types import Plan, Trial, Unit

_ALWAYS = float("-inf")


def first_look(plan: Plan, trials: Sequence[Trial], as_of: float) -> Look:
    """Return the look at the first `sample_size` assigned units of every arm.

    Of eval cases the first that every arm has. Where it is not known which of several units
    is the last of them, it is at all of these. It is taken at the moment when the last of
    them has closed its first trial; what is assigned or closes later is not in it, so that it
    never changes. Until then everything so far is shown, and nothing may be decided on it.
    """
    chosen = _first_units(plan, trials)
    if chosen is None:
        return Look(tuple(trials), complete=False)
    settled = [_settled_at(group, as_of) for group in chosen]
    waiting = sum(moment is None for moment in settled)
    if waiting:
        return Look(tuple(trials), complete=False, waiting=waiting)
    at = max(moment for moment in settled if moment is not None)
    return Look(
        tuple(
            _as_known(trial, at)
            for group in chosen
            for trial in group
            if trial.assigned_at is None or trial.assigned_at <= at
        ),
        complete=True,
    )


def _first_units(plan: Plan, trials: Iterable[Trial]) -> list[list[Trial]] | None:
    groups: dict[str, dict[str, list[Trial]]] = {item.name: {} for item in plan.variants}
    for trial in trials:
        if trial.variant in groups:
            groups[trial.variant].setdefault(trial.unit, []).append(trial)
    order = [places(units) for units in groups.values()]
    if plan.unit is Unit.CASE:
        order = [_last_begun(order)] * len(groups)
    if min(map(len, order)) < plan.sample_size:
        return None
    return [
        units[unit]
        for units, known in zip(groups.values(), order, strict=True)
        for unit in first_units(known, plan.sample_size)
    ]


def _last_begun(begun: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Return the last of its places for each case that all arms have: it stays so."""
    shared = [unit for unit in begun[0] if all(unit in known for known in begun)]
    return {unit: max(known[unit] for known in begun) for unit in shared}


def _settled_at(group: Sequence[Trial], as_of: float) -> float | None:
    """Return when a unit's first trial closed, was excluded or given up; None if none yet."""
    moments = [moment for trial in group if (moment := _end_of(trial, as_of)) is not None]
    return min(moments, default=None)


def _end_of(trial: Trial, as_of: float) -> float | None:
    """Return when a trial stopped being waited for; one that closes after that stays lost."""
    if is_closed(trial) or trial.excluded is not None:
        return min(given_up_at(trial), _ALWAYS if trial.closed_at is None else trial.closed_at)
    return given_up_at(trial) if is_abandoned(trial, as_of) else None


def _as_known(trial: Trial, at: float) -> Trial:
    if trial.closed_at is None or trial.closed_at <= at:
        return trial
    return replace(trial, status=None, metrics={}, closed_at=None, excluded=None)
