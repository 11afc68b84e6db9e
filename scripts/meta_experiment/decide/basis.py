"""Basis of a decision: the plan, its rule, and what it may look at."""

from __future__ import annotations

from meta_experiment.decide.rules.rule import Look, Rule
from meta_experiment.decide.samples import Samples
from meta_experiment.records import dataclass
from meta_experiment.types import Plan


@dataclass(frozen=True, slots=True)
class Basis:
    """What a decision rests on; `as_of` is its moment, in seconds since the epoch."""

    plan: Plan
    rule: Rule
    look: Look
    samples: Samples
    as_of: float
