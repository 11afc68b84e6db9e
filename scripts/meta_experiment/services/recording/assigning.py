"""Drawing the variant of a unit, on the record."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace

from meta_experiment.assign.arms import hashed_arm
from meta_experiment.assign.draw import (
    arm_for,
    counts_units,
    least_used,
    moving_arm,
    takes_part,
)
from meta_experiment.errors import InvalidStateError
from meta_experiment.model.instants import end_told, to_text
from meta_experiment.records import dataclass
from meta_experiment.services.find import find_in
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Assignment, Experiment, Plan, Status
from meta_experiment.types.results.assignment import AssignmentResult


def assign(workspace: Workspace, selector: str, unit: str | None) -> AssignmentResult:
    """Draw a variant for a unit; a unit seen before gets its variant again.

    Without a unit, each call is a unit of its own. One that is drawn for an arm that has ended
    gets the control and no trial: it counts in no arm, so that the shares of the others stay.

    Raises:
        InvalidStateError: the experiment is not running.
    """
    experiment = find_in(workspace.store, selector)
    if experiment.status is not Status.RUNNING:
        raise InvalidStateError(
            f"{experiment.experiment_id} is {experiment.status.value} and assigns no units.",
            hint=_way_on(workspace, experiment),
        )
    plan = experiment.plan
    if plan.assignment is Assignment.EXTERNAL:
        raise InvalidStateError(
            f"{experiment.experiment_id} takes its assignments from elsewhere (external).",
            hint=f"Record what was run: meta-experiment record {experiment.experiment_id} …",
        )
    key = unit if unit is not None else f"call-{secrets.token_hex(8)}"
    seed = mixed_seed(workspace, experiment)
    now = workspace.clock()
    if not takes_part(plan, seed, key, now, layer_seed(workspace, plan)):
        apart = _result(workspace, experiment, key, plan.control.name, None)
        return replace(apart, reason=_out_of_time(plan, now))
    for variant in plan.variants:
        workspace.store.variant(
            experiment, variant.name
        )  # refuses bytes that are not the plan's
    by = _moving(workspace, experiment, seed, key) if plan.moves_shares else None
    by = by or _Draws(
        _draw(workspace, experiment, seed, key),
        lambda: arm_for(replace(plan, assignment=Assignment.HASH), seed, key, 0),
    )
    drawn = workspace.store.assign(
        experiment.experiment_id,
        key,
        by.sequenced,
        workspace.clock(),
        draw_apart=by.apart,
        drawn_by=by.told,
    )
    if drawn.variant in {item.treatment for item in experiment.ended_arms}:
        return _result(workspace, experiment, key, plan.control.name, None)
    return _result(workspace, experiment, key, drawn.variant, drawn.trial_id)


def _result(
    workspace: Workspace, experiment: Experiment, unit: str, variant: str, trial_id: str | None
) -> AssignmentResult:
    places = workspace.contents(experiment, variant)
    contents = {path: str(place) for path, place in places.items()}
    absent = tuple(path for path in experiment.versions if path not in contents)
    return AssignmentResult(experiment.experiment_id, unit, variant, trial_id, contents, absent)


@dataclass(frozen=True, slots=True)
class _Draws:
    """Ways to draw a unit: at a position of the sequence, and apart; what is told of it."""

    sequenced: Callable[[int], str]
    apart: Callable[[], str]
    told: Callable[[int | None], str] = lambda _: ""


def _moving(workspace: Workspace, experiment: Experiment, seed: str, unit: str) -> _Draws:
    """Draw by the weights that follow from what has closed by now."""
    from meta_experiment.services.recording.renewing import drawn_by, renewed

    plan, weights = experiment.plan, renewed(workspace, experiment)
    names = [variant.name for variant in plan.variants]
    return _Draws(
        lambda position: moving_arm(plan, weights.parts, seed, position),
        lambda: names[hashed_arm(weights.parts, seed, unit)],
        lambda position: drawn_by(plan, weights, position),
    )


def _draw(
    workspace: Workspace, experiment: Experiment, seed: str, unit: str
) -> Callable[[int], str]:
    """Return what gives a new unit its variant, by its position in the sequence."""
    plan = experiment.plan
    if plan.team is not None:
        return _draw_leased(workspace, experiment, seed, unit)
    if not counts_units(plan):
        return lambda position: arm_for(plan, seed, unit, position)
    # counted before the sequence is locked; what others draw meanwhile follows from the seed
    used = workspace.store.used(experiment)
    return lambda position: least_used(plan, seed, used.units, position - used.positions)


def _draw_leased(
    workspace: Workspace, experiment: Experiment, seed: str, unit: str
) -> Callable[[int], str]:
    """Return what gives a unit the variant of its leased position, else that of its hash."""
    held = workspace.checkout.positions(experiment.experiment_id)
    plan = experiment.plan

    def draw(place: int) -> str:
        at = held.of(place)
        by = replace(plan, assignment=Assignment.HASH) if at is None else plan
        return arm_for(by, seed, unit, at or 0)

    return draw


def mixed_seed(workspace: Workspace, experiment: Experiment) -> str:
    """Mix the plan's seed with the checkout's own, or every checkout would start alike.

    Those of a team draw from one sequence, at places of their own.
    """
    team = experiment.plan.team
    whose = "team" if team is not None else workspace.checkout.identity()
    parts = (str(experiment.plan.seed), whose, experiment.experiment_id)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def layer_seed(workspace: Workspace, plan: Plan) -> str:
    """Return the seed of a plan's layer, which all its experiments share; "" without one."""
    if plan.layer is None:
        return ""
    parts = (workspace.checkout.identity(), "layer", plan.layer.name)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _out_of_time(plan: Plan, now: float) -> str | None:
    """Say that no unit takes part yet, or any more; None where the time is that of the plan."""
    if plan.start_date is not None and now < plan.start_date:
        return f"No unit takes part before {to_text(plan.start_date)}: it gets the control."
    if plan.end_date is not None and now >= plan.end_date:
        return f"No unit takes part after {end_told(plan.end_date)}: it gets the control."
    return None


def _way_on(workspace: Workspace, experiment: Experiment) -> str:
    name = experiment.experiment_id
    for other in workspace.store.experiments():
        watched = other.plan.holdout and other.plan.holdout.of
        if watched == name and other.status is Status.RUNNING:
            return f"Its holdout does: meta-experiment assign {other.experiment_id}"
    verb = {Status.DRAFT: "start", Status.PAUSED: "resume", Status.EXPIRED: "resume"}.get(
        experiment.status, "status"
    )
    return f"meta-experiment {verb} {name}"
