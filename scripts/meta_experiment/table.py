"""Tables of what stands in modules of its own, as `module:NAME`, imported when it is needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def entry(line: str) -> Any:  # noqa: ANN401 - what the table says
    """Return the object that a line of a table names, once its module is loaded whole."""
    module, _, name = line.partition(":")
    return getattr(import_module(module), name)
