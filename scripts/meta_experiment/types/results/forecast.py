"""Forecast of what a plan can and cannot show, before there are data."""

from __future__ import annotations

from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.field_marks import SPARE
from meta_experiment.types.guidance import PlanConflict
from meta_experiment.types.plan import Plan
from meta_experiment.types.results.learning import Learning
from meta_experiment.types.vocabulary import Lack, Skill, Stage


@dataclass(frozen=True, slots=True)
class Spread:
    """Spread of a metric from unit to unit: `centre` and `sd` on its scale.

    `stated` are the words in which it was told, where nothing was measured here.
    """

    centre: float
    sd: float
    assumed: bool
    stated: str | None = field(default=None, metadata=SPARE)


@dataclass(frozen=True, slots=True)
class Reach:
    """Findings that are possible within so many units per arm.

    `improvement` is the smallest relative one that decides in 80% of runs (None: none does);
    `days` how long those units take at the past rate, if that is known.
    """

    units: int
    improvement: float | None
    days: float | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """The reach of a plan at its own size and beyond, and a sentence that says it."""

    spread: Spread
    reach: tuple[Reach, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """The outlook of a plan on this project's own past, and what speaks against the plan.

    `past_values` is how many measured values it rests on; `sooner` says what would decide the
    plan sooner, as far as the past tells. `question` asks for what had to be assumed.
    """

    plan: Plan
    outlook: Outlook
    units_per_day: float | None
    past_values: int
    past_experiments: tuple[str, ...]
    warnings: tuple[str, ...]
    sooner: str | None = None
    question: str | None = field(default=None, metadata=SPARE)


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan before it is created: how far it is, and what it could show.

    `stage` is how far it is, `missing` what it lacks for the next, `skill` who helps with that,
    and `next_action` what to do. `plan` and `outlook` are None where the plan cannot be read
    yet; the rest of the outlook is then empty, and `warnings` says why. `learnings` are what
    earlier experiments on its files taught.
    """

    plan: Plan | None
    outlook: Outlook | None
    units_per_day: float | None
    past_values: int
    past_experiments: tuple[str, ...]
    warnings: tuple[str, ...]
    stage: Stage
    missing: tuple[Lack, ...]
    skill: Skill
    next_action: str
    conflicts: tuple[PlanConflict, ...]
    learnings: tuple[Learning, ...]
    sooner: str | None = None
    question: str | None = field(default=None, metadata=SPARE)
