"""The kinds of criteria, and the score of a run that they make together.

A further kind is a word in `types/cases`, its line in `KINDS`, and what it holds in
`runs/cases/criterion_fields`. What holds two runs against each other is not among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from meta_experiment.runs.criteria.run_work import Ruling, RunWork
from meta_experiment.table import entry
from meta_experiment.types.cases import Case, Criterion, CriterionKind, CriterionResult

_HERE = "meta_experiment.runs.criteria"
KINDS: Mapping[CriterionKind, str] = {
    CriterionKind.CONTAINS: f"{_HERE}.in_text:contains",
    CriterionKind.REGEX: f"{_HERE}.in_text:matches",
    CriterionKind.JSON_SCHEMA: f"{_HERE}.in_text:obeys_schema",
    CriterionKind.FILE_EXISTS: f"{_HERE}.in_checkout:file_exists",
    CriterionKind.COMMAND: f"{_HERE}.by_command:succeeds",
    CriterionKind.TEST_PASS: f"{_HERE}.by_command:succeeds",
    CriterionKind.DIFF: f"{_HERE}.changes:within_bounds",
    CriterionKind.TOOL_USED: f"{_HERE}.tool_uses:used",
    CriterionKind.TOOL_ORDER: f"{_HERE}.tool_uses:in_order",
    CriterionKind.MANUAL: f"{_HERE}.judging:left_open",
    CriterionKind.JUDGE: f"{_HERE}.by_model:meets_target",
}
VERDICTS = _SCORE, _SUCCESS = "score", "success"  # the metrics that criteria make
_LONGEST_DETAIL = 800  # characters


def judged(case: Case, work: RunWork) -> tuple[CriterionResult, ...]:
    """Judge a run by the criteria of its case, in their order."""
    return tuple(_judged(criterion, work) for criterion in case.checks)


def _judged(criterion: Criterion, work: RunWork) -> CriterionResult:
    verdict: Ruling = entry(KINDS[criterion.kind])(criterion, work)
    return CriterionResult(
        name=criterion.name,
        kind=criterion.kind,
        weight=criterion.weight,
        passed=verdict.passed,
        detail=_shortened(verdict.detail),
        answers=verdict.answers,
    )


def _shortened(detail: str) -> str:
    """Keep the beginning and the end of a long text, where what matters mostly stands."""
    if len(detail) <= _LONGEST_DETAIL:
        return detail
    half = _LONGEST_DETAIL // 2
    return f"{detail[: half - 1]}…{detail[-half:]}"


def left_open(criterion: Criterion, work: RunWork) -> Ruling:
    """Leave it to a person, who has not judged yet."""
    del criterion, work
    return Ruling(None, "not judged yet")


def score(results: Iterable[CriterionResult]) -> float | None:
    """Return the weight of what passed, of 1, among what has a verdict.

    None where nothing has one: that no criterion failed is no merit. What weighs nothing is
    refused where cases are read; among results from elsewhere it weighs 1.
    """
    known = [(item.weight if item.weight > 0 else 1.0, item.passed) for item in results]
    total = sum(weight for weight, passed in known if passed is not None)
    return sum(weight for weight, passed in known if passed) / total if total else None


def final_score(results: Sequence[CriterionResult]) -> float | None:
    """Return the score, None while a verdict may still come: some of them are another task."""
    return None if any(item.is_open for item in results) else score(results)


def verdicts(results: Sequence[CriterionResult]) -> dict[str, float]:
    """Return the metrics that the criteria of a run which came to its end make.

    Nothing is known while a verdict may still come; what can never be judged leaves the score
    of the rest.
    """
    reached = final_score(results)
    if reached is None:
        return {}
    if any(item.passed is None for item in results):
        return {_SCORE: reached}
    return {_SCORE: reached, _SUCCESS: float(all(item.passed for item in results))}
