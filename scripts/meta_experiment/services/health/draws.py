"""Every draw worked out again: from the seed, the shares in force and the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_experiment.assign.arms import hashed_arm
from meta_experiment.assign.draw import moving_arm
from meta_experiment.decide.best_chances import closed_first
from meta_experiment.errors import cite
from meta_experiment.services.recording.assigning import mixed_seed
from meta_experiment.services.recording.renewing import weights_of
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.counting import Counting
from meta_experiment.store.local.drawn_units import DrawnUnit, drawn_units
from meta_experiment.store.local.health import trials_in_logs
from meta_experiment.types import Draw, Experiment, Trial

_SHOWN = 5  # of one kind
_RENEWALS = 24  # looked at, of all that there were

Problem = tuple[str, str | None]


def draw_problems(
    counting: Counting, workspace: Workspace, experiment: Experiment
) -> Iterator[Problem]:
    """Yield which draws are missing from the log, and which are not as they had to be.

    Raises:
        StorageError: a log cannot be read.
    """
    name = experiment.experiment_id
    drawn = drawn_units(workspace.layout, counting, name)
    for file, units in drawn.items():
        yield from _missing(file, units)
    if not experiment.plan.moves_shares:
        return
    seed = mixed_seed(workspace, experiment)
    every = [unit for units in drawn.values() for unit in units]
    wrong = [unit for unit in every if not _is_due(experiment, seed, unit)]
    for unit in wrong[:_SHOWN]:
        place = "apart" if unit.position is None else f"at {unit.position + 1}"
        fault = f"the draw of {cite(unit.unit)} {place} does not follow from the seed and the"
        yield f"{fault} shares on record: {unit.variant}", None
    if len(wrong) > _SHOWN:
        yield f"{len(wrong) - _SHOWN:,} more draws that do not follow from these", None


def weight_remarks(
    counting: Counting, workspace: Workspace, experiment: Experiment
) -> Iterator[str]:
    """Yield which shares do not follow from what had closed, as the log has it now.

    That is no fault: a trial may have been given a value, or left out, since.
    """
    if experiment.plan.bandit is None:
        return
    units = drawn_units(workspace.layout, counting, experiment.experiment_id).values()
    draws = {unit.draw for some in units for unit in some if unit.draw and unit.draw.known}
    if not draws:
        return
    ordered = sorted(draws, key=lambda item: item.known)
    chosen = ordered[:: -(-len(ordered) // _RENEWALS)]
    closed = closed_first(trials_in_logs(workspace.layout, counting, experiment).trials)
    other = [draw for draw in chosen if not _follows(experiment, closed, draw)]
    if other:
        yield (
            f"{len(other)} of {len(chosen)} shares looked at do not follow from the trials "
            f"that had closed, as they are now; first those by {other[0].known:,} trials"
        )


def _missing(file: str, units: Sequence[DrawnUnit]) -> Iterator[Problem]:
    places = {unit.position for unit in units if unit.position is not None}
    gone = [place + 1 for place in range(max(places, default=-1) + 1) if place not in places]
    if gone:
        told = ", ".join(map(str, gone[:_SHOWN])) + (" …" if len(gone) > _SHOWN else "")
        fault = f"{file}: {len(gone):,} draws are missing from the sequence, number {told}"
        yield f"{fault}: no evidence rests on their units' draws", None


def _is_due(experiment: Experiment, seed: str, unit: DrawnUnit) -> bool:
    """Say whether a unit has the arm that its draw gives; one drawn before has no draw."""
    plan, draw = experiment.plan, unit.draw
    if draw is None:
        return True
    if len(draw.parts) != len(plan.variants):
        return False
    if unit.position is None:
        return plan.variants[hashed_arm(draw.parts, seed, unit.unit)].name == unit.variant
    return moving_arm(plan, draw.parts, seed, unit.position) == unit.variant


def _follows(experiment: Experiment, closed: Sequence[Trial], draw: Draw) -> bool:
    plan = experiment.plan
    if len(closed) < draw.known or len(draw.parts) != len(plan.variants):
        return False
    pairs = zip(plan.variants, draw.parts, strict=True)
    ended = {item.name for item, part in pairs if not part}
    return tuple(weights_of(plan, closed[: draw.known], ended)) == draw.parts
