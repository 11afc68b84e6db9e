"""Write the schema of every verb's JSON from the types of its result: a command for developers.

Run it after a change of results: python -m tests.schemas.generate

Answers may gain fields, so that no schema closes their objects; the tests do, to see each field
described. What stands in files as well (plans, experiments, outcomes) is taken from the schema
of the registry, so that each schema holds all that it refers to.
"""

from __future__ import annotations

import inspect
import json
import types
import typing
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from meta_experiment.table import entry
from meta_experiment.types import Amendment, Experiment, Outcome, Plan
from meta_experiment.types.field_marks import ASIDE, MOMENT, SPARE
from meta_experiment.types.results import RESULTS, board

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
BASE = "https://meta-experiment.dev/schemas"

SCHEMA_OF = {verb: name for name, (_, verbs) in RESULTS.items() for verb in verbs}

_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": 0},  # all whole numbers of results are counts
    float: {"type": "number"},
    type(None): {"type": "null"},
    object: {},
    board.Instant: {"type": "string", "format": "date-time"},
}
_ENTRY = ("properties", "experiments", "items")
_FILED = {  # -> its place in the schema of the registry
    Experiment: _ENTRY,
    Plan: (*_ENTRY, "properties", "plan"),
    Amendment: (*_ENTRY, "properties", "amendments", "items"),
    Outcome: (*_ENTRY, "properties", "outcomes", "items"),
    board.OutcomeDocument: (*_ENTRY, "properties", "outcomes", "items"),
}


class _Types:
    """The types that one schema has come across, described once each."""

    def __init__(self) -> None:
        self.described: dict[str, dict[str, Any]] = {}

    def of(self, hint: Any) -> dict[str, Any]:
        """Describe a type."""
        if hint in _PLAIN:
            return _PLAIN[hint]
        if typing.get_args(hint):
            return self._composed(typing.get_origin(hint), typing.get_args(hint))
        if hint in _FILED:
            return self._named(hint.__name__, lambda: _in_the_registry(_FILED[hint]))
        if issubclass(hint, Enum):
            words = {"enum": [item.value for item in hint]}
            return self._named(hint.__name__, lambda: words)
        return self._named(hint.__name__, lambda: self._object(hint))

    def _composed(self, origin: Any, inner: tuple[Any, ...]) -> dict[str, Any]:
        if origin in (types.UnionType, typing.Union):
            return {"anyOf": [self.of(item) for item in inner]}
        if origin in (tuple, list):
            return {"type": "array", "items": self.of(inner[0])}
        return {"type": "object", "additionalProperties": self.of(inner[1])}

    def _named(self, name: str, described: Any) -> dict[str, Any]:
        if name not in self.described:
            self.described[name] = {}  # it may be met again within itself
            self.described[name] = described()
        return {"$ref": f"#/$defs/{name}"}

    def _object(self, described: type) -> dict[str, Any]:
        hints = typing.get_type_hints(described)
        known = fields(described) if is_dataclass(described) else ()
        marks = {item.name: item.metadata for item in known}
        properties = {
            name: self._moment(hint) if marks.get(name) == MOMENT else self.of(hint)
            for name, hint in hints.items()
            if marks.get(name) != ASIDE
        }
        return {
            "description": _said(described),
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if marks.get(name) != SPARE],
        }

    def _moment(self, hint: Any) -> dict[str, Any]:
        return self.of(board.Instant if hint is float else board.Instant | None)


def schema(name: str) -> dict[str, Any]:
    """Return the schema of one result."""
    result, verbs = RESULTS[name]
    known = _Types()
    root = known.of(entry(result))
    *others, last = (f"`{verb} --json`" for verb in verbs)
    listed = f"{', '.join(others)} or {last}" if others else last
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{BASE}/{name}/v1",
        "title": f"What {listed} prints",
        **root,
        "$defs": dict(sorted(known.described.items())),
    }


def written(name: str) -> str:
    """Return the schema of one result as it stands in its file."""
    return json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"


def file_of(name: str) -> Path:
    """Return the file of a schema."""
    return SCHEMAS / f"{name}.v1.schema.json"


def _in_the_registry(place: tuple[str, ...]) -> dict[str, Any]:
    found = json.loads(file_of("experiments").read_bytes())
    for part in place:
        found = found[part]
    return dict(found)


def _said(described: type) -> str:
    return (inspect.getdoc(described) or "").partition("\n\n")[0].replace("\n", " ")


if __name__ == "__main__":
    for each in RESULTS:
        file_of(each).write_text(written(each))
