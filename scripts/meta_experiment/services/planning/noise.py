"""Noise floor: how different two identical arms look on values measured before."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product

from meta_experiment.decide.noise import noise_floor
from meta_experiment.errors import DegenerateDataError, as_word
from meta_experiment.model.metrics import describe
from meta_experiment.services.find import find_in
from meta_experiment.services.planning.past import past_of
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Direction, Metric, Scale, Unit
from meta_experiment.types.results.noise import NoiseFloor, NoiseResult

_UNITS = (10, 20, 50, 100, 200)
_TIMES = ("active_seconds", "duration_seconds")  # of work, or else as somebody took it
_LEAST = 5  # past values


def noise_floor_of(
    values: Sequence[float], metric: Metric, units: int, seed: int
) -> NoiseFloor:
    """Compare identical arms by a seeded chance. Raises DegenerateDataError."""
    chance = random.Random(seed)  # noqa: S311 - nothing here is a secret
    return noise_floor(values, metric, units=units, chance=chance)


def noise(
    workspace: Workspace,
    selector: str | None,
    metric: str | None,
    units: int | None,
    seed: int,
    scale: Scale | None = None,
) -> NoiseResult:
    """Compare identical arms drawn from this project's own past control values.

    Values of all experiments on one prompt count where none is named. The metric is the primary
    of the one that is, or the time, where no metric is named. Runs on cases and live uses vary
    for different reasons: they count as the one that is named has them, else live uses do where
    there are enough.

    Raises:
        DegenerateDataError: there are too few past values, or they are of several prompts.
    """
    experiments = workspace.store.experiments()
    files: tuple[str, ...] = ()
    planned: tuple[Metric, ...] = ()
    sorts: tuple[bool, ...] = (False, True)
    if selector is not None:
        plan = find_in(workspace.store, selector).plan
        files, planned, sorts = plan.files, plan.metrics, (plan.unit is Unit.CASE,)
        metric = metric or plan.primary.name
    for of_cases, name in product(sorts, (metric,) if metric else _TIMES):
        described = next(
            (item for item in planned if item.name == name),
            describe(name, direction=Direction.LOWER, scale=scale),
        )
        past = past_of(workspace, described, files, of_cases=of_cases)
        if len(past.values) >= _LEAST:
            break
    used = [item for item in experiments if item.experiment_id in past.experiments]
    prompts = {item.plan.files for item in used}
    if selector is None and len(prompts) > 1:
        raise DegenerateDataError(
            f"The past values of {name} are of {len(prompts)} different prompts, which are "
            "not alike.",
            hint=f"Name an experiment: meta-experiment noise {past.experiments[0]}",
        )
    if len(past.values) < _LEAST:
        raise DegenerateDataError(
            f"There are {len(past.values)} past values of {as_word(name)}; "
            f"at least {_LEAST} are needed.",
            hint="Record some trials first, or name another metric with --metric.",
        )
    sizes = _UNITS if units is None else (units,)
    floors = tuple(noise_floor_of(past.values, described, size, seed) for size in sizes)
    return NoiseResult(name, len(past.values), past.experiments, floors, of_cases)
