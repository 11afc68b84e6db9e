"""Graders of the client's `plugin eval`, as criteria of the plain form.

`baseline` is refused: it compares with an output kept from elsewhere, where here the control
runs beside every other variant. So is a grader of the trace or of simulated calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from meta_experiment.errors import UsageError, cite
from meta_experiment.model import fields
from meta_experiment.types.cases import CriterionKind

_COMMON = ("type", "name", "weight", "arm")
_ARMS = ("with-only", "both")
_PASSED_OVER = "gu"  # flags that change nothing here: all matches are looked for, in Unicode
_OUTPUT = "last_message"

_Translated = dict[str, object]


def criterion(item: object, where: str, body: str = "") -> _Translated:
    """Return a grader as a criterion; `body` is the text below the head of its file.

    Raises:
        UsageError: it is none that can be judged here; says where.
    """
    known = dict(fields.mapping(item, where))
    kind = fields.text(known, "type", where)
    if kind == "baseline":
        raise UsageError(
            f"{where}: compares with an output kept before, which is not done here; the "
            "control runs beside each variant.",
            hint="Ask what makes a good output: a grader of type llm.",
        )
    if kind not in _GRADERS:
        raise UsageError(
            f"{where}.type: {cite(kind)} is none of {', '.join(_GRADERS)}.",
            hint=fields.suggestion(kind, _GRADERS),
        )
    keys, takes_body, translated = _GRADERS[kind]
    if body:
        if not takes_body or known.get(takes_body) is not None:
            raise UsageError(f"{where}: expected no text below the head of a grader like this.")
        known[takes_body] = body
    fields.known_keys(known, (*_COMMON, *keys), where)
    if known.get("arm", "both") not in _ARMS:
        raise UsageError(f"{where}.arm: {cite(known['arm'])} is none of {', '.join(_ARMS)}.")
    said = {
        **translated(known, where),
        "name": known.get("name"),
        "weight": known.get("weight"),
    }
    return {key: value for key, value in said.items() if value is not None}


def _regex(known: Mapping[str, Any], where: str) -> _Translated:
    flags = str(known.get("flags") or "")
    return {
        "type": CriterionKind.REGEX,
        "target": known.get("pattern"),
        "flags": "".join(letter for letter in flags if letter not in _PASSED_OVER) or None,
        "match": known.get("match"),
        "file": _file(known, "target", where),
    }


def _file(known: Mapping[str, Any], key: str, where: str) -> object:
    """Return the path whose text is looked at; None for the output."""
    source = known.get(key, _OUTPUT)
    if source == _OUTPUT:
        return None
    if isinstance(source, Mapping) and source.get("source") == "file":
        fields.known_keys(source, ("source", "path"), f"{where}.{key}")
        return fields.text(source, "path", f"{where}.{key}")
    raise UsageError(
        f"{where}.{key}: {fields.shown(source)} is not looked at here; expected {_OUTPUT} or a "
        "file, {source: file, path: PATH}."
    )


def _tool_used(known: Mapping[str, Any], where: str) -> _Translated:
    del where
    return {
        "type": CriterionKind.TOOL_USED,
        "target": known.get("tool"),
        "input": known.get("input_match"),
        "min": known.get("min"),
        "max": known.get("max"),
    }


def _tool_order(known: Mapping[str, Any], where: str) -> _Translated:
    return {
        "type": CriterionKind.TOOL_ORDER,
        "target": fields.text(known, "before", where),
        "before": fields.text(known, "after", where),
    }


def _file_exists(known: Mapping[str, Any], where: str) -> _Translated:
    return {
        "type": CriterionKind.FILE_EXISTS,
        "target": fields.text(known, "path", where),
        "exists": known.get("exists"),
    }


def _llm(known: Mapping[str, Any], where: str) -> _Translated:
    if _file(known, "focus", where) is not None:
        raise UsageError(f"{where}.focus: a judge reads the output alone here.")
    return {"type": CriterionKind.JUDGE, "target": known.get("criteria")}


# type -> its keys, the one that the text below a head stands for, what it is here
_GRADERS: Mapping[
    str, tuple[tuple[str, ...], str, Callable[[Mapping[str, Any], str], _Translated]]
] = {
    "regex": (("target", "pattern", "flags", "match"), "pattern", _regex),
    "tool_used": (("tool", "input_match", "min", "max"), "", _tool_used),
    "tool_order": (("before", "after"), "", _tool_order),
    "file_exists": (("path", "exists"), "", _file_exists),
    "llm": (("criteria", "focus"), "criteria", _llm),
}
