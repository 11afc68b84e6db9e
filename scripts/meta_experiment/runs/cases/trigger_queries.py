"""Queries by which the description of a skill is tried: [{query, should_trigger}].

Whether the model took up a skill is all that is asked: of a query that should trigger one, that
some skill was used, of any other that none was. The list names no skill and no ids; a query is
called by its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meta_experiment.errors import UsageError
from meta_experiment.model import fields
from meta_experiment.runs.cases.form import Form, Found, Placed
from meta_experiment.types.cases import CriterionKind

_KEYS = ("query", "should_trigger")
_TOOL = "Skill"


def _recognises(found: Found) -> bool:
    documents = [document for _, document in found.documents or ()]
    return any(isinstance(item, Mapping) and "should_trigger" in item for item in documents)


def _documents(found: Found) -> Iterator[Placed]:
    for number, (where, document) in enumerate(found.documents or (), 1):
        known = fields.mapping(document, where)
        fields.known_keys(known, _KEYS, where)
        wanted = known.get("should_trigger")
        if not isinstance(wanted, bool):
            raise UsageError(f"{where}.should_trigger: expected true or false.")
        criterion = {
            "type": CriterionKind.TOOL_USED,
            "target": _TOOL,
            "name": "takes up a skill" if wanted else "takes up no skill",
            **({"min": 1} if wanted else {"max": 0}),
        }
        query = fields.text(known, "query", where)
        yield where, {"id": f"query-{number}", "prompt": query, "criteria": [criterion]}


FORM = Form(_recognises, _documents)
