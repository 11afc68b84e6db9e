"""Holdouts of promoted experiments: which there are, what ends them, and what that brings.

A holdout is an experiment of its own on the promoted file. It is served, logged and ended as
any other; what it shows is of the promotion.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meta_experiment.decide.holdout import other_model
from meta_experiment.deploy.apply import observe
from meta_experiment.errors import NotFoundError, as_word
from meta_experiment.model import instants
from meta_experiment.services.serving.placed import stand_in_version
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Action, Experiment, Holdout, ReasonCode, Status, Trial
from meta_experiment.types.results.learning import LaterFinding

WORD = "holdout"


def holdouts_of(experiments: Iterable[Experiment], promoted: str) -> list[Experiment]:
    """Return the holdouts of a promoted experiment, the last one launched last."""
    found = (item for item in experiments if item.plan.holdout is not None)
    mine = [item for item in found if item.plan.holdout and item.plan.holdout.of == promoted]
    return sorted(mine, key=lambda item: item.created)


def open_holdout(experiments: Iterable[Experiment], promoted: str) -> Experiment | None:
    """Return the holdout of a promoted experiment that has not ended."""
    going = (item for item in holdouts_of(experiments, promoted) if item.status.is_open)
    return next(going, None)


def why_over(
    workspace: Workspace, experiment: Experiment, holdout: Holdout, trials: Sequence[Trial]
) -> str | None:
    """Say why a holdout asks nothing any more, whatever it has shown; None while it does."""
    undone = _undone(workspace, holdout.of)
    if undone is not None:
        return undone
    for path, arms in experiment.versions.items():
        found = observe(workspace.root, path)
        control = arms[experiment.plan.control.name]
        served = stand_in_version(workspace, experiment, path) is not None
        if not served and (found and found.sha256) != (control and control.sha256):
            return f"{as_word(path)} is not the promoted text any more"
    model = other_model(holdout, trials)
    if model is not None:
        return f"the model is now {model}, and the promotion was shown on another"
    return None


def _undone(workspace: Workspace, promoted: str) -> str | None:
    try:
        status = workspace.store.experiment(promoted).status
    except NotFoundError:
        return f"there is no experiment {promoted} any more"
    if status is Status.ROLLED_BACK:
        return f"the promotion of {promoted} was taken back"
    return None


def unfinished_reversals(experiments: Sequence[Experiment]) -> list[Experiment]:
    """Return holdouts that ended as reversed, whose promotion their plan lets take back.

    So it is where a process was killed between the two.
    """
    known = {item.experiment_id: item for item in experiments}
    return [
        item
        for item in experiments
        if item.plan.auto
        and item.plan.holdout is not None
        and _is_reversed(item)
        and (of := known.get(item.plan.holdout.of)) is not None
        and of.status is Status.PROMOTED
    ]


def _is_reversed(holdout: Experiment) -> bool:
    outcome = holdout.outcome
    return (
        holdout.status is Status.EXPIRED
        and outcome is not None
        and outcome.action is Action.EXPIRE
        and outcome.reason_code is ReasonCode.REVERSED
    )


def later_findings(experiments: Iterable[Experiment]) -> dict[str, tuple[LaterFinding, ...]]:
    """Return by promoted experiment what its holdouts found, in the order of their end."""
    found = dict[str, tuple[LaterFinding, ...]]()
    ended = (item for item in experiments if item.plan.holdout and not item.status.is_open)
    for item in sorted(ended, key=lambda item: item.ended or item.created):
        if item.plan.holdout is None or item.outcome is None or item.started is None:
            continue
        of, day = item.plan.holdout.of, instants.day(item.ended or item.outcome.at)
        finding = LaterFinding(day, WORD, item.outcome.reason)
        found[of] = (*found.get(of, ()), finding)
    return found
