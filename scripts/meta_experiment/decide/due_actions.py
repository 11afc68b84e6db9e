"""Actions that a verdict asks for."""

from __future__ import annotations

from meta_experiment.types import Action, Decision

DUE = {
    Decision.PROMOTE: Action.PROMOTE,
    Decision.REJECT: Action.ROLLBACK,
    Decision.INCONCLUSIVE: Action.EXPIRE,
    Decision.EXTEND: None,
}
VERBS = {Action.PROMOTE: "promote", Action.ROLLBACK: "rollback", Action.EXPIRE: "stop"}
