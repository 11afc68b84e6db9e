"""Basis of a decision: the plan, its rule, and what it may look at."""

from __future__ import annotations

from meta_experiment.decide.rules.rule import Look, Rule
from meta_experiment.decide.samples import Samples
from meta_experiment.records import dataclass
from meta_experiment.types import LatenessCheck, Plan


@dataclass(frozen=True, slots=True)
class Basis:
    """What a decision rests on; `as_of` is its moment, in seconds since the epoch.

    Where days are collected, `heard` is the end of the last that has come in, `settles` the
    seconds from a day's end until it does, and `lateness` what came of days after they were
    taken.
    """

    plan: Plan
    rule: Rule
    look: Look
    samples: Samples
    as_of: float
    heard: float | None = None
    settles: float = 0.0
    lateness: LatenessCheck | None = None
