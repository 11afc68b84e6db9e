"""Which cases of a long list run every day; all of them run with the long tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def some(cases: Iterable[Any], most: int) -> list[Any]:
    """Return the cases, of which only so many, spread evenly from the first, are not long."""
    known = list(cases)
    kept = {round(number * (len(known) - 1) / max(most - 1, 1)) for number in range(most)}
    return [
        case if place in kept else _long(case if isinstance(case, tuple) else (case,))
        for place, case in enumerate(known)
    ]


def _long(values: tuple[Any, ...]) -> Any:
    return pytest.param(*values, marks=pytest.mark.long)
