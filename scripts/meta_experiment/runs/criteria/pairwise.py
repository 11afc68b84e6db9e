"""Criteria that a model decides on two works: asked in both orders, it agrees or it is a tie.

Which variant a work is of stands nowhere, and each is the first one once.
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
from meta_experiment.runs.criteria.run_work import Ask, ShownWork
from meta_experiment.types.cases import Criterion, CriterionKind
from meta_experiment.types.runs import PreferenceResult

TIE = 0.5
_RULE = f"You judge which of two works on one task is the better one by a criterion. {DATA}"
_FIRST, _SECOND, _NEITHER = "first", "second", "neither"
_ORDERS = ((_FIRST, _SECOND, _NEITHER), (_SECOND, _FIRST, _NEITHER))


def preferred(
    criterion: Criterion,
    task: str,
    treatment: str,
    works: tuple[ShownWork | None, ShownWork | None],
    ask: Ask,
) -> PreferenceResult:
    """Say whether a treatment's work is preferred to the control's, which comes first.

    A work that is none loses, and works that are the same are a tie; nobody is asked then.
    """
    known = _without_asking(*works)
    if known is not None:
        return _result(criterion, treatment, *known, [])
    answers: list[float | None] = []
    reasons: list[str] = []
    for turned, choices in enumerate(_ORDERS):
        shown = works[::-1] if turned else works
        better, why = _read(ask(_question(criterion, task, shown, choices)))
        first = {_FIRST: 1.0, _SECOND: 0.0, _NEITHER: TIE}.get(better)
        share = first if first is None or turned else 1.0 - first
        answers.append(share)
        reasons.append(why)
        if share is None:
            return _result(criterion, treatment, None, why, answers)
    if answers[0] == answers[1]:
        return _result(criterion, treatment, answers[0], reasons[0], answers)
    why = " against ".join(quoted(reason) for reason in reasons)
    return _result(criterion, treatment, TIE, f"the judge contradicts itself: {why}", answers)


def _result(
    criterion: Criterion,
    treatment: str,
    share: float | None,
    detail: str,
    answers: list[float | None],
) -> PreferenceResult:
    return PreferenceResult(
        criterion.name, treatment, criterion.weight, share, detail, tuple(answers)
    )


def _without_asking(
    control: ShownWork | None, treatment: ShownWork | None
) -> tuple[float, str] | None:
    if control is None and treatment is None:
        return TIE, "neither run ended well"
    if control is None:
        return 1.0, "the control's run did not end well"
    if treatment is None:
        return 0.0, "the treatment's run did not end well"
    return (TIE, "both works are the same") if control == treatment else None


def _question(
    criterion: Criterion,
    task: str,
    works: tuple[ShownWork | None, ...],
    choices: tuple[str, ...],
) -> str:
    parts = [
        _RULE,
        f"The task that was given:\n{as_string(task, MOST['task'])}",
        f"The criterion:\n{as_string(criterion.target, MOST['target'])}",
    ]
    for title, work in zip(("first", "second"), works, strict=True):
        assert work is not None  # noqa: S101 - for the type checker
        parts += [
            f"The answer of the {title} work:\n{as_string(work.answer, MOST['answer'])}",
            f"What the {title} work changed, as a patch:\n"
            + as_string(work.changes, MOST["changes"]),
        ]
    listed = ", ".join(f'"{word}"' for word in choices[:-1])
    parts.append(
        "Which work is better by the criterion? Answer with one JSON object and nothing else, "
        f'{{"better": …, "why": "…"}}, where better is {listed} or "{choices[-1]}", with your '
        "reason in a sentence."
    )
    return "\n\n".join(parts) + "\n"


def _read(answer: str | None) -> tuple[str, str]:
    """Return which work is better and why; no word where the answer is not what was asked."""
    if answer is None:
        return "", "the judge gave no answer"
    found = single_object(answer)
    better, why = found.pop("better", None), found.pop("why", "")
    if found or better not in _ORDERS[0] or not isinstance(why, str):
        return "", f"the judge's answer is no verdict: {quoted(answer[:LONGEST_REASON])}"
    return str(better), why[:LONGEST_REASON]


PROMPT = "".join(
    _question(
        Criterion("", CriterionKind.PREFERENCE, ""), "", (ShownWork("", ""),) * 2, choices
    )
    for choices in _ORDERS
)
