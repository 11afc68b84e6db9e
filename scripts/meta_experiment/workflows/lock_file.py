"""A compiled workflow, `.lock.yml`: the declarations as its picking step carries them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from meta_experiment.errors import UsageError
from meta_experiment.model import strict_json
from meta_experiment.types.workflows import (
    Oddity,
    OddityLevel,
    StateStorage,
    WorkflowSpecification,
)
from meta_experiment.workflows.compiled_values import compiled_value
from meta_experiment.workflows.declarations import specification_of
from meta_experiment.workflows.field_values import FieldReader
from meta_experiment.workflows.picking.specifications import SPECIFICATION, VERSION
from meta_experiment.workflows.yaml_tree import Node, Pairs

_THRESHOLD = "threshold"
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")
_CACHED = re.compile(r"^\s*key:\s*['\"]?(?:[\w-]+-)?experiments-", re.MULTILINE)


def read_compiled(data: bytes) -> WorkflowSpecification:
    """Read the bytes of a compiled workflow; all of it stands in the line of its step."""
    text = data.decode("utf-8", "replace")
    found = compiled_value(text, SPECIFICATION)
    if found is None:
        return WorkflowSpecification(())
    place = Node(None, "", found.start, found.start, found.end, found.line, found.column)
    read = FieldReader([])
    try:
        document = strict_json.parse(found.value, f"{SPECIFICATION} of the compiled workflow")
    except UsageError as error:
        oddity = Oddity(found.line, found.column, OddityLevel.ERROR, error.message)
        return WorkflowSpecification((), oddities=(oddity,))
    version = compiled_value(text, VERSION)
    return replace(
        specification_of(_node(document, place), read, None, None),
        storage=StateStorage.CACHE if _CACHED.search(text) else StateStorage.REPO,
        harness_version=version.value if version else None,
    )


def _node(value: object, place: Node) -> Node:
    """Return a JSON value as a tree whose every part stands at one place.

    The compiler writes a threshold that is a number as a text.
    """
    if isinstance(value, Mapping):
        threshold = value.get(_THRESHOLD)
        if isinstance(threshold, str) and _NUMBER.fullmatch(threshold):
            value = {**value, _THRESHOLD: json.loads(threshold)}
        pairs = ((_at(place, key), _node(item, place)) for key, item in value.items())
        return _at(place, Pairs(pairs), "flow")
    if isinstance(value, list):
        return _at(place, tuple(_node(item, place) for item in value), "flow")
    return _at(place, value)


def _at(place: Node, value: object, style: str = '"') -> Node:
    where = (place.outer, place.start, place.end, place.line, place.column)
    return Node(value, style, *where)
