"""Holdouts of promoted experiments by what the registry says: which there are, and of what.

A holdout is an experiment of its own on the promoted file. It is served, logged and ended as
any other; what it shows is of the promotion.
"""

from __future__ import annotations

from collections.abc import Iterable

from meta_experiment.decide.holdout import PREVIOUS, PROMOTED
from meta_experiment.errors import InvalidStateError, RefusedError, as_word
from meta_experiment.model import instants
from meta_experiment.types import Action, Experiment, FileReplacement, Outcome, ReasonCode
from meta_experiment.types.results.learning import LaterFinding

WORD = "holdout"
_ANSWERS = (ReasonCode.STILL_BETTER, ReasonCode.REVERSED, ReasonCode.DECAYED)


def holdouts_of(experiments: Iterable[Experiment], promoted: str) -> list[Experiment]:
    """Return the holdouts of a promoted experiment, the last one launched last."""
    found = (item for item in experiments if item.plan.holdout is not None)
    mine = [item for item in found if item.plan.holdout and item.plan.holdout.of == promoted]
    return sorted(mine, key=lambda item: item.created)


def open_holdout(experiments: Iterable[Experiment], promoted: str) -> Experiment | None:
    """Return the holdout of a promoted experiment that has not ended."""
    going = (item for item in holdouts_of(experiments, promoted) if item.status.is_open)
    return next(going, None)


def watched(experiments: Iterable[Experiment]) -> set[str]:
    """Return the promoted experiments of which a holdout has not ended."""
    return {
        item.plan.holdout.of
        for item in experiments
        if item.plan.holdout is not None and item.status.is_open
    }


def promotion_of(promoted: Experiment) -> Outcome:
    """Return the promotion of an experiment, the last one. Raises InvalidStateError."""
    done = (it for it in reversed(promoted.outcomes) if it.action is Action.PROMOTE)
    found = next(done, None)
    if found is None:
        name = promoted.experiment_id
        raise InvalidStateError(f"The registry does not say what was promoted in {name}.")
    return found


def changed_by(promotion: Outcome) -> dict[str, FileReplacement]:
    """Return what a promotion changed; what it left as it was is no business of a way back."""
    return {path: pair for path, pair in promotion.files.items() if pair.before != pair.after}


def launched_on(holdout: Experiment) -> dict[str, FileReplacement]:
    """Return what the promotion changed on which a holdout was launched, as it holds that."""
    pairs = {
        path: FileReplacement(arms[PREVIOUS], arms[PROMOTED])
        for path, arms in holdout.versions.items()
    }
    return {path: pair for path, pair in pairs.items() if pair.before != pair.after}


def require_launched_on(holdout: Experiment, promoted: Experiment) -> None:
    """Refuse where the registry says another promotion than a holdout was launched on.

    The promoted experiment bears no seal any more, and a pull may change it; its holdout does.

    Raises:
        RefusedError: names the file.
    """
    told, kept = changed_by(promotion_of(promoted)), launched_on(holdout)
    if told == kept:
        return
    paths = sorted(told.keys() | kept.keys())
    path = next(path for path in paths if told.get(path) != kept.get(path))
    raise RefusedError(
        f"The registry says of {as_word(path)} another promotion of {promoted.experiment_id} "
        f"than {holdout.experiment_id} was launched on here; nothing was rolled back.",
        hint="See who changed it: git log -- .claude/meta/experiments.json. To follow what it "
        f"says: meta-experiment stop {holdout.experiment_id}, then meta-experiment rollback "
        f"{promoted.experiment_id} --dry-run",
    )


def later_findings(experiments: Iterable[Experiment]) -> dict[str, tuple[LaterFinding, ...]]:
    """Return by promoted experiment what its holdouts found, in the order of their end."""
    found = dict[str, tuple[LaterFinding, ...]]()
    ended = (item for item in experiments if item.plan.holdout and not item.status.is_open)
    for item in sorted(ended, key=lambda item: item.ended or item.created):
        if item.plan.holdout is None or item.outcome is None or item.started is None:
            continue
        of, day = item.plan.holdout.of, instants.day(item.ended or item.outcome.at)
        code, reason = item.outcome.reason_code, item.outcome.reason
        answer = f"{code.value}: {reason}" if code in _ANSWERS else reason
        finding = LaterFinding(day, WORD, answer)
        found[of] = (*found.get(of, ()), finding)
    return found
