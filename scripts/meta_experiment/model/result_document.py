"""Results as JSON: the field names of the dataclasses, numbers never rounded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from meta_experiment.model import instants
from meta_experiment.types import Amendment, Experiment, Plan
from meta_experiment.types.field_marks import ASIDE, MOMENT, SPARE

_LARGEST = 1.7976931348623157e308


def to_document(value: Any) -> Any:  # noqa: ANN401
    """Turn dataclasses, enumerations and tuples into what JSON knows.

    Plans, experiments and amendments are written as they stand in files. JSON has no infinity:
    an e-value beyond the range of a double becomes the largest double, which is on the same
    side of every threshold; not-a-number becomes null.
    """
    if isinstance(value, Plan | Experiment | Amendment):
        return _filed(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {
            item.name: _field(getattr(value, item.name), item.metadata)
            for item in fields(value)
            if item.metadata != ASIDE and (item.metadata != SPARE or getattr(value, item.name))
        }
    if isinstance(value, Mapping):
        return {str(key): to_document(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_document(item) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else math.copysign(_LARGEST, value)
    return value


def _field(value: Any, marks: Mapping[Any, Any]) -> Any:  # noqa: ANN401
    if marks == MOMENT:
        return None if value is None else instants.to_text(value)
    return to_document(value)


def _filed(value: Plan | Experiment | Amendment) -> dict[str, Any]:
    if isinstance(value, Plan):
        from meta_experiment.model.plan_document import plan_to_document

        return plan_to_document(value)
    from meta_experiment.model import experiment_document

    if isinstance(value, Amendment):
        return experiment_document.amendment_to_document(value)
    return experiment_document.experiment_to_document(value)
