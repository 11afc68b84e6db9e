"""Actions that a verdict asks for."""

from __future__ import annotations

from meta_experiment.types import Action, Decision, Experiment, Outcome, Status

DUE = {
    Decision.PROMOTE: Action.PROMOTE,
    Decision.REJECT: Action.ROLLBACK,
    Decision.INCONCLUSIVE: Action.EXPIRE,
    Decision.EXTEND: None,
}
AFTER = {
    Action.PROMOTE: Status.PROMOTED,
    Action.ROLLBACK: Status.ROLLED_BACK,
    Action.EXPIRE: Status.EXPIRED,
}
VERBS = {Action.PROMOTE: "promote", Action.ROLLBACK: "rollback", Action.EXPIRE: "stop"}


def recorded_decision(experiment: Experiment) -> Outcome | None:
    """Return what was decided of an experiment that has ended, as it was recorded then.

    What somebody did for a reason of their own says nothing of that.
    """
    done = None if experiment.status.is_open else experiment.outcome
    followed = done and done.decision and DUE[done.decision] is done.action
    return done if followed else None
