"""Arms that have ended, as they stand in the registry."""

from __future__ import annotations

from typing import Any

from meta_experiment.model import fields, instants
from meta_experiment.model.known_fields import Fields, words
from meta_experiment.types import EndedArm, ReasonCode

ENDED_ARM_FIELDS = Fields(
    {"treatment", "at", "reason_code", "reason"}, {"reason_code": words(ReasonCode)}
)


def ended_arm_to_document(arm: EndedArm) -> dict[str, Any]:
    """Write an arm that has ended; its moment is known, as it is on record."""
    from meta_experiment.model.secrets import redacted

    return {
        "treatment": arm.treatment,
        "at": instants.to_text(arm.at or 0.0),
        "reason_code": None if arm.reason_code is None else arm.reason_code.value,
        "reason": redacted(arm.reason),
    }


def ended_arm_from_document(value: object, where: str) -> EndedArm:
    """Read an arm that has ended. Raises UsageError."""
    item = fields.mapping(value, where)
    return EndedArm(
        treatment=fields.text(item, "treatment", where),
        at=instants.from_text(fields.text(item, "at", where)),
        reason_code=fields.optional_word(item, "reason_code", where, ReasonCode),
        reason=fields.text(item, "reason", where),
    )
