"""Runs that were judged once more, by another judge or by other criteria."""

from __future__ import annotations

from meta_experiment.records import dataclass
from meta_experiment.types.cases import CriterionKind
from meta_experiment.types.results.run_summary import (
    AgreementFigures,
    JudgeFigures,
    PreferenceFigures,
)


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """A criterion by which runs were judged."""

    criterion: str
    kind: CriterionKind
    target: str


@dataclass(frozen=True, slots=True)
class VariantVerdicts:
    """Verdicts on the runs of a variant by a criterion; `open` are those without one."""

    variant: str
    criterion: str
    passed: int
    failed: int
    open: int


@dataclass(frozen=True, slots=True)
class RunJudging:
    """What a further judge says of runs that count. None of it decides anything.

    It lies in `folder`, apart from what was said before. `blocks` of runs on one case were
    judged, `left` are still to be, and `reason` says why they were not. `first_compared` are
    verdicts that the first judge gave as well by a criterion of that name, `first` how far the
    two agree.
    """

    experiment_id: str
    folder: str
    criteria: tuple[JudgedBy, ...]
    blocks: int
    left: int
    reason: str
    verdicts: tuple[VariantVerdicts, ...]
    preferences: tuple[PreferenceFigures, ...]
    judge: JudgeFigures | None
    first_compared: int
    first: AgreementFigures | None
