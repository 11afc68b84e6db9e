"""Conflicts of a plan with experiments that have not ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meta_experiment.errors import as_word
from meta_experiment.services.acting.layering import in_layer
from meta_experiment.types import Assignment, Experiment, Plan, Status, Unit
from meta_experiment.types.guidance import PlanConflict
from meta_experiment.types.vocabulary import ConflictKind

_LIVE_UNITS = (Unit.SESSION, Unit.USER)


def conflicts(
    plan: Plan | None,
    hypothesis: str | None,
    files: Iterable[str],
    experiments: Iterable[Experiment],
) -> Iterator[PlanConflict]:
    """Say which experiments that have not ended are in the way of a plan, and how."""
    mine = set(files)
    for other in experiments:
        name = other.experiment_id
        shared = sorted(mine & {*other.plan.files, *other.versions})
        if not other.status.is_open:
            continue
        if shared and hypothesis and is_same(hypothesis, other.plan.hypothesis):
            yield PlanConflict(
                ConflictKind.SAME_QUESTION,
                name,
                f"{name} ({other.status.value}) asks the same of {as_word(shared[0])}: go on "
                f"with it, meta-experiment status {name}",
            )
        elif shared:
            yield PlanConflict(
                ConflictKind.SAME_FILE,
                name,
                f"{as_word(shared[0])} is already under experiment in {name} "
                f"({other.status.value}): one after the other, or end it first.",
            )
        elif plan is not None and _shares_units(plan, other):
            yield PlanConflict(
                ConflictKind.SAME_UNITS,
                name,
                f"{name} runs on the same {plan.unit.value}s: where "
                f"{as_word(other.plan.files[0])} is used as well, each is noise to "
                "the other. Run one after the other, or create both in one layer (--layer "
                "NAME), which keeps them apart.",
            )


def told(found: Iterable[PlanConflict]) -> Iterator[str]:
    """Say what is in the way of a plan; of many on the same units the first is named."""
    sharing = []
    for item in found:
        if item.kind is ConflictKind.SAME_UNITS:
            sharing.append(item)
        else:
            yield item.sentence
    if sharing:
        more = f" So do {len(sharing) - 1:,} more." if len(sharing) > 1 else ""
        yield sharing[0].sentence + more


def is_same(one: str, other: str) -> bool:
    """Tell whether two hypotheses say the same, but for case, space and a full stop."""
    first, second = (" ".join(text.casefold().split()).rstrip(".") for text in (one, other))
    return first == second


def _shares_units(plan: Plan, other: Experiment) -> bool:
    return (
        other.status is Status.RUNNING
        and bool(other.plan.files)
        and plan.unit is other.plan.unit
        and (plan.layer is None or not in_layer(other, plan.layer.name))
        and plan.unit in _LIVE_UNITS
        and Assignment.EXTERNAL not in (plan.assignment, other.plan.assignment)
    )
