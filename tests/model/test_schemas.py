"""The published schemas know every word that the program writes."""

import json
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import get_args

import jsonschema
import pytest

from meta_experiment import types
from meta_experiment.errors import ErrorKind

SCHEMAS = sorted((Path(__file__).resolve().parents[2] / "schemas").glob("*.json"))
ROOMS = [
    import_module(found.name)
    for found in pkgutil.walk_packages(types.__path__, f"{types.__name__}.")
]
WORDS = [
    [item.value for item in words]
    for room in ROOMS
    for words in vars(room).values()
    if isinstance(words, type) and hasattr(words, "__members__")
] + [list(get_args(ErrorKind))]


def enumerations(node):
    """Yield every closed list of words in a schema."""
    if isinstance(node, dict):
        if "enum" in node:
            yield node["enum"]
        for inner in node.values():
            yield from enumerations(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from enumerations(inner)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_a_schema_is_valid_and_lists_the_words_of_the_code(path):
    """Each closed list in a schema is one of the code's, whole."""
    schema = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith("/v1")
    for listed in enumerations(schema):
        assert listed in WORDS
