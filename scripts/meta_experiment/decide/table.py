"""Tables of what stands in modules of its own, as `module:name`, imported when it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def entry(table: Mapping[str, str], key: str) -> Any:  # noqa: ANN401 - what the table says
    """Return the object that a table names."""
    module, _, name = table[key].partition(":")
    return getattr(import_module(module), name)
