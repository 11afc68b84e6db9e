"""Promotions by the rows of the board: what they save, and what they may owe to chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from meta_experiment.decide.reporting.discoveries import (
    TriedExperiment,
    false_discoveries,
)
from meta_experiment.decide.reporting.savings import StandingTime, savings
from meta_experiment.model.impact_document import impact_from_document
from meta_experiment.model.instants import from_text
from meta_experiment.model.result_document import to_document
from meta_experiment.store.local.marks import impact_digest
from meta_experiment.types import Action, OutcomeImpact

Row = Mapping[str, Any]


def saved_a_month(rows: Sequence[Row], measured: AbstractSet[str]) -> dict[str, Any] | None:
    """Return what the promotions that stand save a month; None where none was made.

    `measured` are the digests of impacts that this checkout measured itself.
    """
    found = savings(tuple(standing_times(rows, measured)), 0.0)
    if found is None:
        return None
    return {
        "promotions": found.promotions,
        "known": found.known,
        "elsewhere": len(found.elsewhere),
        "items": [
            {"label": it.label, "unit": it.unit, **to_document(it.month)} for it in found.items
        ],
    }


def owed_to_chance(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Return how many promotions may be of what changes nothing; None without one."""
    found = false_discoveries(tuple(tried_experiments(rows)))
    return None if found is None else to_document(found)


def standing_times(rows: Sequence[Row], measured: AbstractSet[str]) -> Iterator[StandingTime]:
    """Yield what was promoted; where a holdout came to its end, by that one's estimate.

    What is not among the `measured` came with a commit, which may hold any number.
    """
    brought = set(_brought(rows, measured))
    own = dict[str, OutcomeImpact]()
    for row in sorted(rows, key=lambda row: str(row["outcome"] and row["outcome"]["at"])):
        if row["watches"] is not None and (found := _impact(row)) is not None:
            own[row["watches"]] = found
    for row in rows:
        outcome, at = row["outcome"], row["promoted"]
        if at is None or outcome is None:
            continue
        name, taken_back = row["id"], outcome["action"] == Action.ROLLBACK
        path = next(iter(row["files"]), name)
        yield StandingTime(
            prompt=path,
            at=from_text(at),
            until=from_text(outcome["at"]) if taken_back else None,
            before=outcome["files"].get(path, {}).get("after" if taken_back else "before"),
            impact=_by_holdout(_impact(row), own.get(name)),
            watched=name in own,
            elsewhere=name if name in brought else None,
        )


def tried_experiments(rows: Sequence[Row]) -> Iterator[TriedExperiment]:
    """Yield what was started on a prompt, each with what its holdouts showed on their own."""
    later: dict[str, list[float]] = {}
    for row in rows:
        if row["watches"] is not None and (value := _still_better(row)) is not None:
            later.setdefault(row["watches"], []).append(value)
    for row in rows:
        if row["started"] is None or row["watches"] is not None or not row["files"]:
            continue
        outcome = row["outcome"]
        yield TriedExperiment(
            experiment_id=row["id"],
            alpha=row["alpha"],
            promoted=row["promoted"] is not None,
            evidence=row["promoted_e_value"],
            later=tuple(later.get(row["id"], ())),
            overridden=bool(outcome and outcome["override"]),
        )


def _still_better(holdout: Row) -> float | None:
    """Return the e-value of a holdout as it is now, also while it runs; None without one.

    It ends when enough speaks for it: counted only then, the good ones would come first.
    """
    outcome, now = holdout["outcome"], holdout["holdout"]
    if outcome is not None:
        value: float | None = outcome["e_value"]
    else:
        value = None if now is None else now["still_better"]
    return value


def _by_holdout(told: OutcomeImpact | None, own: OutcomeImpact | None) -> OutcomeImpact | None:
    """Take of each metric the holdout's own estimate, where it has one."""
    if told is None or own is None:
        return own or told
    level, uses = min(told.level, own.level), own.uses or told.uses
    return OutcomeImpact(uses, level, {**told.per_use, **own.per_use})


def _brought(rows: Sequence[Row], measured: AbstractSet[str]) -> Iterator[str]:
    """Yield the promotions of which, or of whose holdout, figures were not measured here."""
    for row in rows:
        told = row["outcome"] and row["outcome"].get("impact")
        at = row["promoted"] or (told and row["outcome"]["at"])
        if told and impact_digest(row["id"], at, told) not in measured:
            yield row["watches"] or row["id"]


def _impact(row: Row) -> OutcomeImpact | None:
    outcome = row["outcome"]
    return impact_from_document(outcome.get("impact"), row["id"]) if outcome else None
