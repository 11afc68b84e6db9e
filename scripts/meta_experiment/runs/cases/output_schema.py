"""JSON Schemas that an output is to obey: valid, and complete in themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from meta_experiment.errors import UsageError, cite
from meta_experiment.model import strict_json

_DATA = {"const", "enum", "default", "examples"}  # what a schema holds that is no schema
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def canonical(value: object, where: str) -> str:
    """Return the shortest text of a schema, given as such or as a text of JSON.

    Raises:
        UsageError: it is no schema, or refers to what lies outside it.
    """
    import jsonschema

    schema = strict_json.parse(value, where) if isinstance(value, str) else value
    if not isinstance(schema, dict):
        raise UsageError(f"{where}: expected a JSON Schema, an object.")
    draft = schema.get("$schema")
    kind = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    if draft is not None and not _is_of(kind, draft):
        raise UsageError(f"{where}: {cite(draft)} names no draft of JSON Schema known here.")
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise UsageError(f"{where}: no JSON Schema: {cite(error.message)}.") from None
    except RecursionError:
        raise UsageError(f"{where}: no JSON Schema: nested too deeply.") from None
    for name, said in _members(schema):
        _require_whole(name, said, where)
    return json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _is_of(kind: type[Any], draft: object) -> bool:
    """Tell whether a validator is that of a draft, with or without its empty fragment."""
    return str(draft).rstrip("#") == str(kind.META_SCHEMA.get("$schema")).rstrip("#")


def _members(schema: object) -> Iterator[tuple[str, object]]:
    """Yield each name with its value, at any depth, but those of data."""
    if isinstance(schema, Mapping):
        for name, said in schema.items():
            yield name, said
            if name not in _DATA:
                yield from _members(said)
    elif isinstance(schema, list):
        for item in schema:
            yield from _members(item)


def _require_whole(name: str, said: object, where: str) -> None:
    if name in _REFERENCES and isinstance(said, str) and not said.startswith("#"):
        raise UsageError(
            f"{where}: refers to {cite(said)}; expected a schema that is whole in itself."
        )
