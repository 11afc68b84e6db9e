"""Criteria of a text: the output, or that of a file in the checkout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from meta_experiment.errors import cite
from meta_experiment.protocol import places
from meta_experiment.runs import expressions
from meta_experiment.runs.criteria import bounded
from meta_experiment.runs.criteria.run_work import Ruling, RunWork
from meta_experiment.types.cases import Criterion

_HERE = __name__
_ENDLESS = "*+?{("  # what a pattern without them does is done in time with the text's length
_FENCES = ("```", "~~~")


def contains(criterion: Criterion, work: RunWork) -> Ruling:
    """Look for the target as it is written."""
    return _in_text(criterion, work, lambda text: _contains(criterion, text))


def _contains(criterion: Criterion, text: str) -> Ruling:
    found = criterion.target in text
    return Ruling(found, "" if found else f"there is no {cite(criterion.target)}")


def matches(criterion: Criterion, work: RunWork) -> Ruling:
    """Look for a regular expression; `match` says whether, or how often, it is to be found."""
    return _in_text(criterion, work, lambda text: _matches(criterion, text))


def _matches(criterion: Criterion, text: str) -> Ruling:
    wanted = str(criterion.options.get("match", "contains"))
    flags = str(criterion.options.get("flags", ""))
    try:
        times = found_times(criterion.target, flags, [text])[0]
    except bounded.NoAnswerError as failure:
        return Ruling(None, f"the pattern {failure}")
    if wanted.startswith("count:"):
        passed = times == int(wanted.removeprefix("count:"))
    else:
        passed = (times > 0) == (wanted == "contains")
    return Ruling(passed, "" if passed else f"found {times:,} times, wanted {wanted}")


def found_times(pattern: str, flags: str, texts: list[str]) -> list[int]:
    """Count the matches of a pattern in each text.

    Raises:
        bounded.NoAnswerError: that takes longer than anybody waits.
    """
    if not any(mark in pattern for mark in _ENDLESS):
        return count(pattern, flags, texts)
    found: Any = bounded.call(f"{_HERE}:count", pattern, flags, texts)
    return list(found)


def count(pattern: str, flags: str, texts: list[str]) -> list[int]:
    """Count the matches of a pattern in each text, however long that takes."""
    found = expressions.compiled(pattern, flags)
    return [sum(1 for _ in found.finditer(text)) for text in texts]


def obeys_schema(criterion: Criterion, work: RunWork) -> Ruling:
    """Read the text as JSON, alone or in a fenced block, and hold it to the schema."""
    return _in_text(criterion, work, lambda text: _obeys_schema(criterion, text))


def _obeys_schema(criterion: Criterion, text: str) -> Ruling:
    try:
        fault = bounded.call(f"{_HERE}:fault_by_schema", criterion.target, text)
    except bounded.NoAnswerError as failure:
        return Ruling(None, f"the schema {failure}")
    return Ruling(not fault, str(fault))


def fault_by_schema(schema: str, text: str) -> str:
    """Say in what way a text is not what a schema wants; "" when it is."""
    import json

    import jsonschema

    documents = [found for block in (text, *_blocks(text)) if (found := _json(block))]
    if not documents:
        return "there is no JSON, neither alone nor in a fenced block"
    known = json.loads(schema)
    kind = jsonschema.validators.validator_for(known, jsonschema.Draft202012Validator)
    error = jsonschema.exceptions.best_match(kind(known).iter_errors(documents[-1][0]))
    return f"{error.json_path}: {error.message}" if error else ""


def _json(text: str) -> tuple[Any] | None:
    """Return what a text of JSON says; None where it is none."""
    import json

    try:
        return (json.loads(text, parse_constant=_refuse),)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _blocks(text: str) -> list[str]:
    """Return what stands in the fenced blocks of a text, whatever language they name."""
    blocks: list[str] = []
    fence, inside = "", list[str]()
    for line in text.split("\n"):
        mark = line.strip()
        if fence and mark.startswith(fence) and not mark.strip(fence[0]):
            blocks.append("\n".join(inside))
            fence = ""
        elif fence:
            inside.append(line)
        elif mark.startswith(_FENCES):
            fence, inside = mark[: len(mark) - len(mark.lstrip(mark[0]))], []
    return blocks


def _in_text(criterion: Criterion, work: RunWork, judge: Callable[[str], Ruling]) -> Ruling:
    """Judge the output, or the file that the criterion names instead."""
    path = criterion.options.get("file")
    if path is None:
        return judge(work.output)
    root, shown = str(work.checkout), cite(path)
    try:
        places.refuse_links(root, f"{root}/{path}")
        data = places.read_whole(f"{root}/{path}")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return Ruling(passed=False, detail=f"there is no file {shown}")
    except OSError as error:
        return Ruling(passed=False, detail=f"{shown} cannot be read: {error.strerror}")
    return judge(data.decode("utf-8", "replace"))
