"""Two registries that grew apart from one, as on two branches, brought together.

Experiments are merged, not lines: what one side alone has, or alone changed, is taken. Of what
both changed differently the later stands, and that is told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from meta_experiment.errors import ConflictError
from meta_experiment.records import dataclass
from meta_experiment.types import EndedArm, Experiment

_PLAN = ("plan", "plan_sha256", "versions", "created", "amendments", "inline_trials")
_STATE = ("status", "started", "ended", "outcomes")

Reached = Callable[[Experiment], float]
"""Tell when an experiment came to the state that it has."""


@dataclass(frozen=True, slots=True)
class MergedRegistry:
    """All experiments of two sides, and a sentence on each that both had changed."""

    experiments: tuple[Experiment, ...]
    notes: tuple[str, ...]


def merge_registries(
    base: Iterable[Experiment] | None,
    ours: Iterable[Experiment],
    theirs: Iterable[Experiment],
    reached: Reached,
    put_away: Collection[str] = (),
) -> MergedRegistry:
    """Bring two sides together, in the order of ours.

    What one side took out and the other left as it was is out: that side put it away. Without
    a base, `put_away` alone tells it.

    Raises:
        ConflictError: both made an experiment of the same id, and not the same one.
    """
    before, mine, other = _by_id(base or ()), _by_id(ours), _by_id(theirs)
    merged, notes = list[Experiment](), list[str]()
    for name in {**mine, **other}:
        known = before.get(name)
        if name in mine and name in other:
            one, said = _merged(known, mine[name], other[name], reached)
            merged.append(one)
            notes += said
            continue
        alone = mine.get(name) or other[name]
        taken_out = name in put_away if base is None else alone == known
        if not taken_out:
            merged.append(alone)
    return MergedRegistry(tuple(merged), tuple(notes))


def _by_id(experiments: Iterable[Experiment]) -> dict[str, Experiment]:
    return {item.experiment_id: item for item in experiments}


def _merged(
    known: Experiment | None, mine: Experiment, other: Experiment, reached: Reached
) -> tuple[Experiment, Sequence[str]]:
    name, notes = mine.experiment_id, list[str]()
    if known is None and mine.created != other.created:
        raise ConflictError(
            f"Both branches made an experiment {name}, and these are two. Nothing was merged.",
            hint="Keep one of them: git checkout --ours -- .claude/meta (or --theirs), then "
            "git add .claude/meta. Make the other anew under another name (create --name).",
        )
    planned, contested = _side(_PLAN, known, mine, other, _amended)
    if contested:
        notes.append(f"{name}: both branches changed its plan; the later change stands.")
    stands, contested = _side(_STATE, known, mine, other, reached)
    if contested and mine.status is not other.status:
        left = other if stands is mine else mine
        notes.append(
            f"{name}: both branches changed where it stands; {stands.status.value} came last "
            f"and stands, not {left.status.value}."
        )
    elif contested:
        notes.append(f"{name}: both branches made it {stands.status.value}; the later stands.")
    one = replace(
        mine,
        **_fields(planned, _PLAN),
        **_fields(stands, _STATE),
        ended_arms=_arms(mine, other),
    )
    begun = [item.started for item in (mine, other) if item.started is not None]
    if one.started is not None:  # begun on both: then since the first of these
        one = replace(one, started=min(begun))
    return one, notes


def _side(
    names: Sequence[str],
    known: Experiment | None,
    mine: Experiment,
    other: Experiment,
    when: Reached,
) -> tuple[Experiment, bool]:
    """Return the side whose fields stand, and whether both had changed them."""
    if _fields(mine, names) == _fields(other, names):
        return mine, False
    if known is not None:
        if _fields(mine, names) == _fields(known, names):
            return other, False
        if _fields(other, names) == _fields(known, names):
            return mine, False
    return max((mine, other), key=when), True


def _fields(experiment: Experiment, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(experiment, name) for name in names}


def _amended(experiment: Experiment) -> float:
    return max((item.at for item in experiment.amendments), default=experiment.created)


def _arms(mine: Experiment, other: Experiment) -> tuple[EndedArm, ...]:
    """Return all arms that have ended on either side, each by what was said of it first."""
    ended = {item.treatment: item for item in mine.ended_arms}
    for item in other.ended_arms:
        ended.setdefault(item.treatment, item)
    return tuple(ended.values())
