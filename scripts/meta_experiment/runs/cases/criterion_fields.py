"""What a criterion of each kind holds: a target, and options beside it.

In the plain form all stand side by side: {"type", "target", "weight", "name", …options}. What
could not be judged later is refused here: a pattern or schema that is none, a path that leaves
the checkout, a weight that weighs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from meta_experiment.errors import UsageError, cite
from meta_experiment.model import fields
from meta_experiment.runs import expressions, globs
from meta_experiment.types.cases import Criterion, CriterionKind

_OWN = ("type", "target", "weight", "name")
_LONGEST_NAME = 200  # characters
_DERIVED = 80  # characters of a name that is made of the target
_LEAST_WEIGHT, _MOST_WEIGHT = 1e-6, 1e6
_MOST = 10**9  # files, lines, uses
_MATCH = re.compile(r"contains|not_contains|count:[0-9]{1,9}")

_Reader = Callable[[fields.Document, str, str], object]


def criteria(entries: list[object], where: str) -> tuple[Criterion, ...]:
    """Read the criteria of a case.

    Raises:
        UsageError: one is none, or two have one name; says where.
    """
    found: list[Criterion] = []
    for number, entry in enumerate(entries):
        inner = f"{where}.criteria[{number}]"
        known = fields.mapping(entry, inner)
        if known.get("name") is not None:
            name = fields.text(known, "name", inner)
            if not name.isprintable() or len(name) > _LONGEST_NAME:
                raise UsageError(f"{inner}.name: expected a name on one line.")
            if any(item.name == name for item in found):
                raise UsageError(f"{inner}.name: two criteria are named {cite(name)}.")
        found.append(_criterion(known, inner, [item.name for item in found]))
    return tuple(found)


def _criterion(known: fields.Document, where: str, taken: list[str]) -> Criterion:
    if "type" not in known:
        raise UsageError(f"{where}: has no type; expected one of {', '.join(CriterionKind)}.")
    kind = fields.word(known, "type", where, CriterionKind, CriterionKind.CONTAINS)
    options = OPTIONS[kind]
    fields.known_keys(known, (*_OWN, *options), where)
    read = {
        key: reader(known, key, where)
        for key, reader in options.items()
        if known.get(key) is not None
    }
    target = _TARGETS.get(kind, _text)(known, "target", where)
    criterion = Criterion(
        name=str(known.get("name") or _derived(kind, str(target), taken)),
        kind=kind,
        target=str(target),
        weight=fields.number(known, "weight", where, 1.0, low=_LEAST_WEIGHT, high=_MOST_WEIGHT),
        options=read,
    )
    _require_sense(criterion, where)
    return criterion


def _derived(kind: CriterionKind, target: str, taken: list[str]) -> str:
    """Name a criterion after what it looks for."""
    words = "".join(mark if mark.isprintable() else "�" for mark in " ".join(target.split()))
    if len(words) > _DERIVED:
        words = words[: _DERIVED - 1] + "…"
    plain = str(kind) if kind is CriterionKind.JSON_SCHEMA else f"{kind} {words}".strip()
    name, number = plain, 1
    while name in taken:
        number += 1
        name = f"{plain} ({number})"
    return name


def _require_sense(criterion: Criterion, where: str) -> None:
    """Refuse what each option allows and all of them together do not."""
    options = criterion.options
    if criterion.kind is CriterionKind.REGEX:
        try:
            expressions.compiled(criterion.target, str(options.get("flags", "")))
        except ValueError as error:
            raise UsageError(f"{where}.target: {cite(criterion.target, 60)} {error}.") from None
    if criterion.kind is CriterionKind.TOOL_ORDER and "before" not in options:
        raise UsageError(f"{where}: has no 'before', the tool that is to follow the target.")
    if criterion.kind is CriterionKind.DIFF and not options:
        raise UsageError(f"{where}: asks nothing; expected one of {', '.join(_DIFF)}.")
    for low, high in (("min", "max"), ("min_files", "max_files"), ("min_lines", "max_lines")):
        if low in options and high in options and options[low] > options[high]:  # type: ignore[operator]
            raise UsageError(f"{where}: {low} is above {high}.")


def _text(known: fields.Document, key: str, where: str) -> str:
    text = fields.text(known, key, where)
    if "\0" in text:
        raise UsageError(f"{where}.{key} holds a zero byte; expected text.")
    return text


def _spare_text(known: fields.Document, key: str, where: str) -> str:
    return _text(known, key, where) if known.get(key) else ""


def _word(known: fields.Document, key: str, where: str) -> str:
    word = _text(known, key, where)
    if not word.isprintable() or word != word.strip():
        raise UsageError(f"{where}.{key}: expected a name, found {cite(word, 60)}.")
    return word


def _pattern(known: fields.Document, key: str, where: str) -> str:
    return _path_pattern(_text(known, key, where), f"{where}.{key}")


def _path(known: fields.Document, key: str, where: str) -> str:
    path = _pattern(known, key, where)
    if globs.has_wildcard(path):
        raise UsageError(f"{where}.{key}: {cite(path)} is a pattern; expected one path.")
    return path


def _patterns(known: fields.Document, key: str, where: str) -> list[str]:
    listed = fields.sequence(known[key], f"{where}.{key}")
    if not listed or not all(isinstance(item, str) for item in listed):
        raise UsageError(f"{where}.{key}: expected a list of paths and patterns.")
    return [_path_pattern(item, f"{where}.{key}[{place}]") for place, item in enumerate(listed)]


def _path_pattern(path: str, where: str) -> str:
    why = globs.fault(path)
    if why:
        raise UsageError(f"{where}: {fields.shown(path)} {why}.")
    return path


def _expression(known: fields.Document, key: str, where: str) -> str:
    pattern = _text(known, key, where)
    try:
        expressions.compiled(pattern)
    except ValueError as error:
        raise UsageError(f"{where}.{key}: {cite(pattern, 60)} {error}.") from None
    return pattern


def _match(known: fields.Document, key: str, where: str) -> str:
    match = _text(known, key, where)
    if not _MATCH.fullmatch(match):
        raise UsageError(
            f"{where}.{key}: expected contains, not_contains or count:N, found {cite(match)}."
        )
    return match


def _flag(known: fields.Document, key: str, where: str) -> bool:
    return fields.flag(known, key, where, default=True)


def _count(known: fields.Document, key: str, where: str) -> int:
    return fields.whole(known, key, where, high=_MOST)


def seconds(known: fields.Document, key: str, where: str) -> float:
    """Return how long something may take: a day at most."""
    return fields.number(known, key, where, low=0.001, high=24 * 3600)


def _schema(known: fields.Document, key: str, where: str) -> str:
    """Read a JSON Schema, given as such or as its text; it is kept as its shortest text."""
    from meta_experiment.runs.cases.output_schema import canonical

    return canonical(known.get(key), f"{where}.{key}")


_DIFF: Mapping[str, _Reader] = {
    "min_files": _count,
    "max_files": _count,
    "min_lines": _count,
    "max_lines": _count,
    "only": _patterns,
    "never": _patterns,
}
OPTIONS: Mapping[CriterionKind, Mapping[str, _Reader]] = {
    CriterionKind.CONTAINS: {"file": _path},
    CriterionKind.REGEX: {"flags": _word, "match": _match, "file": _path},
    CriterionKind.JSON_SCHEMA: {"file": _path},
    CriterionKind.FILE_EXISTS: {"exists": _flag},
    CriterionKind.COMMAND: {"timeout_seconds": seconds},
    CriterionKind.TEST_PASS: {"timeout_seconds": seconds},
    CriterionKind.DIFF: _DIFF,
    CriterionKind.TOOL_USED: {"min": _count, "max": _count, "input": _expression},
    CriterionKind.TOOL_ORDER: {"before": _word},
    CriterionKind.MANUAL: {},
    CriterionKind.JUDGE: {},
    CriterionKind.PREFERENCE: {},
}
_TARGETS: Mapping[CriterionKind, _Reader] = {
    CriterionKind.JSON_SCHEMA: _schema,
    CriterionKind.FILE_EXISTS: _pattern,
    CriterionKind.DIFF: _spare_text,
    CriterionKind.TOOL_USED: _word,
    CriterionKind.TOOL_ORDER: _word,
}
