"""Steps that `auto` took with the running experiments."""

from __future__ import annotations

from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.field_marks import ASIDE
from meta_experiment.types.vocabulary import Action, Decision, ReasonCode


@dataclass(frozen=True, slots=True)
class AutoStep:
    """Step taken with one experiment, or to be taken; `action` None is nothing.

    `reason` is that of the decision alone, without what was made of it. `ended` are the
    treatments that get no more units from now on, while the others go on.
    """

    experiment_id: str
    decision: Decision | None
    reason_code: ReasonCode | None
    action: Action | None
    sentence: str
    alerts: tuple[str, ...] = ()
    error: str | None = None
    files: tuple[str, ...] = ()
    reason: str = field(default="", metadata=ASIDE)
    ended: tuple[str, ...] = field(default=(), metadata=ASIDE)


@dataclass(frozen=True, slots=True)
class AutoResult:
    """Steps, one for each running experiment; with `dry_run` none was taken."""

    experiments: tuple[AutoStep, ...]
    dry_run: bool
