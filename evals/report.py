"""What a result of `claude plugin eval --json` says of the skills, one by one.

A run that broke off counts as one without an answer, whatever its graders say: what must not
happen has not happened there either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]

_TRIGGERS = ("asked", "near")
_HEAD = (
    "Skill",
    "asked",
    "fired",
    "missed",
    "wrong sibling",
    "near",
    "false fire",
    "no answer",
)


def report(results: Iterable[Document]) -> str:
    """Return tables of the triggers and of the behaviour that are in the results."""
    cases = [case for result in results for case in result["cases"]]
    triggers = [case for case in cases if _skill(case)]
    behaviour = [case for case in cases if not _skill(case)]
    parts = []
    if triggers:
        parts += [_table([_HEAD, *_trigger_rows(triggers)])]
    if behaviour:
        head = ("Case", "score", "without the pack", "skill loaded", "no answer", "failed")
        parts += [_table([head, *map(_behaviour_row, behaviour)])]
    return "\n\n".join(parts)


def broken(results: Iterable[Document]) -> list[str]:
    """Return the first error of each case of which a run broke off."""
    found = []
    for result in results:
        for case in result["cases"]:
            errors = (run["error"] for runs in case["arms"].values() for run in runs)
            found += [f"{case['name']}: {error}" for error in errors if error][:1]
    return found


def _skill(case: Document) -> str | None:
    """Return the skill that a case of a trigger is about."""
    skill, kind = f"--{case['name']}".rsplit("-", 2)[:2]
    return skill.removeprefix("--") if kind in _TRIGGERS else None


def _trigger_rows(cases: Iterable[Document]) -> Iterator[tuple[object, ...]]:
    counts: dict[str, Counter[str]] = {}
    for case in cases:
        count = counts.setdefault(str(_skill(case)), Counter())
        for run in case["arms"]["with"]:
            count.update(_happened(run))
    for skill, count in counts.items():
        yield (skill, *(count[name] for name in _HEAD[1:]))


def _happened(run: Document) -> Iterator[str]:
    """Yield what counts of one run, by the heads of the columns."""
    passed = _passed(run)
    if run["error"]:
        yield "no answer"
    elif "silent" in passed:
        yield "near"
        if not passed["silent"]:
            yield "false fire"
    else:
        yield "asked"
        if passed["fired"]:
            yield "fired"
        else:
            yield "missed" if passed["no sibling"] else "wrong sibling"


def _behaviour_row(case: Document) -> tuple[object, ...]:
    runs = case["arms"]["with"]
    whole = [run for run in runs if not run["error"]]
    loaded = sum(_passed(run)["loaded"] for run in whole)
    failed = {name for run in whole for name, passed in _passed(run).items() if not passed}
    return (
        case["name"],
        _share(case["aggregates"].get("score")),
        _share(case["aggregates"].get("scoreWithout")),
        f"{loaded} of {len(runs)}",
        len(runs) - len(whole),
        ", ".join(sorted(failed)) or "-",
    )


def _passed(run: Document) -> dict[str, bool]:
    return {grader["name"]: grader["passed"] for grader in run["graders"]}


def _share(score: float | None) -> str:
    return "-" if score is None else f"{score:.2f}"


def _table(rows: Iterable[tuple[object, ...]]) -> str:
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in texts
    )
