"""The record of one run with what is said of it, and how to tell such a record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from meta_experiment.records import dataclass
from meta_experiment.sources.results.measures import Record, flat
from meta_experiment.sources.results.result_words import (
    ARM_FIELDS,
    CASE_IDS,
    CASE_NAMES,
    DETAILS,
    INDEX_FIELDS,
    METRIC_FIELDS,
    TALLIES,
    TIME_FIELDS,
    snake,
)

_MEASURED = frozenset({*METRIC_FIELDS, *(passed for passed, _ in TALLIES), *DETAILS})


@dataclass(frozen=True, slots=True)
class Cell:
    """The record of one run with what is said of it; None is not said.

    `number` is the repeat as the source counts it. `by_place`: the case is nothing but the
    place in a list.
    """

    record: Record
    arm: str | None = None
    case_id: str | None = None
    case_name: str | None = None
    number: int | None = None
    at: str | None = None
    by_place: bool = False

    @property
    def case(self) -> str | None:
        """What tells the case from others: its number or key, else its name."""
        return self.case_id or self.case_name


def described(item: Record, parent: Cell) -> Cell:
    """Take from an item what it says of itself, over what is known from around it."""
    fields = {snake(str(key)): value for key, value in item.items()}
    return replace(
        parent,
        arm=first_text(fields, ARM_FIELDS) or parent.arm,
        case_id=first_text(fields, CASE_IDS) or parent.case_id,
        case_name=first_text(fields, CASE_NAMES) or parent.case_name,
        number=_first_whole(fields, parent.number),
        at=first_text(fields, TIME_FIELDS) or parent.at,
    )


def measured(record: Record) -> set[str]:
    """Return the fields of a record that a run has; one that holds an aggregate is none."""
    return {
        name
        for name, value in flat(record).items()
        if name in _MEASURED and not isinstance(value, Mapping)
    }


def first_text(fields: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """Return the first of some fields that holds a name or a number, as text."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None


def _first_whole(fields: Mapping[str, Any], default: int | None) -> int | None:
    for name in INDEX_FIELDS:
        value = fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return default
