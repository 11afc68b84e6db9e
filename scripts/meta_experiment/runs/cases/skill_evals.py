"""Evals of a skill as `evals.json` holds them, in the variants in which people write them.

{skill_name, evals: [...]}, a list alone, or one eval alone (`eval_metadata.json`). What is
expected is for a judge, but where it says how it is checked: an object with `check`, or a
sentence such as "contains 'x' or contains 'y'".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from meta_experiment.errors import UsageError, cite
from meta_experiment.model import fields
from meta_experiment.runs.cases.form import Form, Found, Placed
from meta_experiment.types.cases import CriterionKind

_TOP = ("skill_name", "evals", "version", "description")
_MARKS = {"eval_id", "eval_name", "expected_output", "expectations", "assertions"}
_EVAL = ("id", "name", "mode", "skill", "prompt", "files", *sorted(_MARKS))
_ASSERTION = ("text", "check", "value")

_WORD = r"""(?:'[^']+'|"[^"]+")"""
_CONTAINS = re.compile(f"contains ({_WORD})")
_ALTERNATIVES = re.compile(f"contains {_WORD}(?: or contains {_WORD})+")
_MATCHES = re.compile(r"matches regex /(.+)/([a-z]*)")
_SENTENCES = (  # of one quoted word: what it is a pattern of, and how that is to match
    (re.compile(f"does not contain ({_WORD})"), "{}", "not_contains"),
    (re.compile(f"starts with ({_WORD})"), r"\A\s*{}", "contains"),
    (re.compile(f"ends with ({_WORD})"), r"{}\s*\Z", "contains"),
)


def _recognises(found: Found) -> bool:
    documents = [document for _, document in found.documents or ()]
    if len(documents) == 1 and isinstance(documents[0], Mapping) and "evals" in documents[0]:
        return True
    return any(isinstance(item, Mapping) and _MARKS & item.keys() for item in documents)


def _documents(found: Found) -> Iterator[Placed]:
    for where, document in found.documents or ():
        known = fields.mapping(document, where)
        if "evals" not in known:
            yield where, _plain(known, where)
            continue
        fields.known_keys(known, _TOP, where)
        for number, item in enumerate(fields.sequence(known["evals"], f"{where}.evals")):
            inner = f"{where}.evals[{number}]"
            yield inner, _plain(fields.mapping(item, inner), inner)


def _plain(known: fields.Document, where: str) -> dict[str, object]:
    fields.known_keys(known, _EVAL, where)
    asked = [
        _criterion(item, f"{where}.{key}[{number}]")
        for key in ("expectations", "assertions")
        for number, item in enumerate(fields.sequence(known.get(key), f"{where}.{key}"))
    ]
    if not asked and known.get("expected_output"):
        asked = [_judge(fields.text(known, "expected_output", where))]
    said = {
        "id": _id(known, where),
        "prompt": known.get("prompt"),
        "criteria": _each_once(asked),
        "files": known.get("files"),
        "tags": list(dict.fromkeys(known[key] for key in ("skill", "mode") if known.get(key))),
    }
    return {key: value for key, value in said.items() if value}


def _id(known: fields.Document, where: str) -> object:
    """Return the id; of a number, which many a set counts anew from 0, a name made of it."""
    value = known["id"] if "id" in known else known.get("eval_id")
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return f"eval-{value}"
    if value is None:
        raise UsageError(f"{where}: has no id; expected a name or a number.")
    return value


def _criterion(item: object, where: str) -> dict[str, Any]:
    if isinstance(item, str):
        return _sentence(item.strip())
    known = fields.mapping(item, where)
    fields.known_keys(known, _ASSERTION, where)
    text = fields.text(known, "text", where)
    match known.get("check"):
        case None:
            return _sentence(text.strip())
        case "qualitative":
            value = fields.text(known, "value", where, text)
            return {**_judge(value), "name": text}
        case "string_match":
            found = fields.text(known, "value", where)
            return {"type": CriterionKind.CONTAINS, "target": found, "name": text}
    raise UsageError(
        f"{where}.check: {cite(known['check'])} is none of string_match, qualitative."
    )


def _sentence(text: str) -> dict[str, Any]:
    """Return what a sentence asks, where it is wholly one of the forms that can be checked."""
    if found := _CONTAINS.fullmatch(text):
        return {"type": CriterionKind.CONTAINS, "target": found[1][1:-1], "name": text}
    if _ALTERNATIVES.fullmatch(text):
        words = [re.escape(word[1:-1]) for word in _CONTAINS.findall(text)]
        return _regex("|".join(words), text)
    for sentence, pattern, match in _SENTENCES:
        if found := sentence.fullmatch(text):
            word = re.escape(found[1][1:-1])
            return {**_regex(pattern.replace("{}", word), text), "match": match}
    if found := _MATCHES.fullmatch(text):
        flags = {"flags": found[2]} if found[2] else {}
        return {**_regex(found[1], text), **flags}
    return _judge(text)


def _regex(pattern: str, text: str) -> dict[str, Any]:
    return {"type": CriterionKind.REGEX, "target": pattern, "name": text}


def _judge(text: str) -> dict[str, Any]:
    return {"type": CriterionKind.JUDGE, "target": text}


def _each_once(asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the criteria, those that are said twice once."""
    return [item for place, item in enumerate(asked) if item not in asked[:place]]


FORM = Form(_recognises, _documents)
