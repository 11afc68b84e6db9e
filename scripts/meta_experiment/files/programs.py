"""The place of a program that this one starts."""

from __future__ import annotations

import os
from collections.abc import Mapping


def find_program(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return where PATH has a program; None where it has it nowhere.

    A relative entry of PATH (`.`, `bin`, an empty one) means whatever folder one is in, and so
    what a stranger put there: it does not count. A name with a slash stands for itself.
    """
    folders = environment.get("PATH", "").split(os.pathsep)
    fixed = [folder for folder in folders if os.path.isabs(folder)]  # noqa: PTH117
    places = [name] if os.path.dirname(name) else [f"{folder}/{name}" for folder in fixed]  # noqa: PTH120
    return next(filter(_is_program, places), None)


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)  # noqa: PTH113
