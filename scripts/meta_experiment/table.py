"""Tables of what stands in modules of its own, as `module:NAME`, imported when it is needed."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


def entry(line: str) -> Any:  # noqa: ANN401 - what the table says
    """Return the object that a line of a table names."""
    module, _, name = line.partition(":")
    return getattr(sys.modules.get(module) or import_module(module), name)
