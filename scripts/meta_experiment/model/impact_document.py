"""What a promotion saves in each use, as it stands in the registry."""

from __future__ import annotations

from typing import Any

from meta_experiment.errors import as_word
from meta_experiment.model import fields
from meta_experiment.model.known_fields import Entries, Fields
from meta_experiment.types import OutcomeImpact, UseSaving

IMPACT_FIELDS = Fields(
    {"uses", "level", "per_use"},
    {"per_use": Entries(Fields({"unit", "before", "saved", "low", "high"}))},
)


def impact_to_document(impact: OutcomeImpact) -> dict[str, Any]:
    """Write what a use saves; reading it again gives an equal one."""
    return {
        "uses": impact.uses,
        "level": impact.level,
        "per_use": {
            name: {
                "unit": item.unit,
                "before": item.before,
                "saved": item.saved,
                "low": item.low,
                "high": item.high,
            }
            for name, item in impact.per_use.items()
        },
    }


def impact_from_document(value: object, where: str) -> OutcomeImpact | None:
    """Read what a use saves; None of an outcome that does not say it. Raises UsageError."""
    if value is None:
        return None
    document = fields.mapping(value, where)
    per_use = fields.mapping(document.get("per_use"), f"{where}.per_use")
    return OutcomeImpact(
        uses=_number(document, "uses", where),
        level=fields.number(document, "level", where),
        per_use={
            name: _saving(item, f"{where}.per_use.{as_word(name)}")
            for name, item in per_use.items()
        },
    )


def _saving(value: object, where: str) -> UseSaving:
    item = fields.mapping(value, where)
    return UseSaving(
        unit=fields.text(item, "unit", where, ""),
        before=fields.number(item, "before", where),
        saved=fields.number(item, "saved", where),
        low=_number(item, "low", where),
        high=_number(item, "high", where),
    )


def _number(document: fields.Document, key: str, where: str) -> float | None:
    return None if document.get(key) is None else fields.number(document, key, where)
