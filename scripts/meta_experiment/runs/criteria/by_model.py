"""Criteria that a model decides: asked twice, it agrees with itself, or there is no verdict.

Which variant the work is of stands nowhere.
"""

from __future__ import annotations

from meta_experiment.errors import quoted
from meta_experiment.runs.criteria.question_text import (
    DATA,
    LONGEST_REASON,
    MOST,
    as_string,
    single_object,
)
from meta_experiment.runs.criteria.run_work import Ruling, RunWork
from meta_experiment.types.cases import Criterion

_RULE = f"You judge whether a piece of work meets a target. {DATA}"
_YES, _NO = '{"met": true, "why": "…"}', '{"met": false, "why": "…"}'
# the same question in both orders: of what is read, and of what may be answered
_ORDERS = (
    (("task", "target", "answer", "changes"), (_YES, _NO)),
    (("changes", "answer", "target", "task"), (_NO, _YES)),
)
_TITLES = {
    "task": "The task that was given",
    "target": "The target",
    "answer": "The answer of whoever did the task",
    "changes": "What they changed in the project, as a patch",
}


def meets_target(criterion: Criterion, work: RunWork) -> Ruling:
    """Ask whether the work meets the target, in both orders: answers that differ are none."""
    if work.ask is None:
        return Ruling(None, "not judged yet")
    texts = {
        "task": work.task,
        "target": criterion.target,
        "answer": work.shown.answer,
        "changes": work.shown.changes,
    }
    answers: list[bool | None] = []
    reasons: list[str] = []
    for order in _ORDERS:
        met, why = _read(work.ask(_question(texts, *order)))
        answers.append(met)
        reasons.append(why)
        if met is None:
            return Ruling(None, why, tuple(answers))
    if answers[0] != answers[1]:
        why = " against ".join(quoted(reason) for reason in reasons)
        return Ruling(None, f"the judge contradicts itself: {why}", tuple(answers))
    return Ruling(answers[0], reasons[0], tuple(answers))


def _question(texts: dict[str, str], names: tuple[str, ...], choice: tuple[str, str]) -> str:
    parts = [f"{_TITLES[name]}:\n{as_string(texts[name], MOST[name])}" for name in names]
    asked = (
        "Does the work meet the target? Answer with one JSON object and nothing else, "
        f"{choice[0]} or {choice[1]}, with your reason in a sentence."
    )
    return "\n\n".join((_RULE, *parts, asked)) + "\n"


def _read(answer: str | None) -> tuple[bool | None, str]:
    """Return the verdict and its reason; none where the answer is not what was asked for."""
    if answer is None:
        return None, "the judge gave no answer"
    found = single_object(answer)
    met = found.pop("met", None)
    why = found.pop("why", "")
    if found or not isinstance(met, bool) or not isinstance(why, str):
        return None, f"the judge's answer is no verdict: {quoted(answer[:LONGEST_REASON])}"
    return met, why[:LONGEST_REASON]


PROMPT = "".join(_question(dict.fromkeys(_TITLES, ""), *order) for order in _ORDERS)
