"""Guidance: how far a question is on its way from idea to learning, and what is in its way."""

from __future__ import annotations

from meta_experiment.records import dataclass
from meta_experiment.types.vocabulary import ConflictKind, Lack, Skill, Stage


@dataclass(frozen=True, slots=True)
class Step:
    """Stage that a question has reached, what it lacks for the next, and the skill for that."""

    stage: Stage
    missing: tuple[Lack, ...]
    skill: Skill


@dataclass(frozen=True, slots=True)
class PlanConflict:
    """An experiment that has not ended and is in the way of a plan, and how."""

    kind: ConflictKind
    experiment_id: str
    sentence: str
