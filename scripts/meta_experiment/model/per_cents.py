"""Per cents of documents, which are fractions in a plan."""

from __future__ import annotations

from meta_experiment.model import fields
from meta_experiment.model.fields import Document


def per_cent(fraction: float) -> float:
    """Write a fraction as per cent, without the last bit of binary rounding."""
    return round(fraction * 100, 10)


def fraction(
    document: Document,
    key: str,
    where: str,
    default: float | None = None,
    *,
    low: float = 0.0,
    high: float = 1000.0,
) -> float:
    """Read a number of per cent, within bounds, as a fraction."""
    return fields.number(document, key, where, default, low=low, high=high) / 100
