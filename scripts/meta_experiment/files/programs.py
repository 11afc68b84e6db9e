"""Where a program lies that this one starts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


def find_program(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return where PATH has a program; None where it has it nowhere.

    A relative entry of PATH (`.`, `bin`, an empty one) means whatever folder one is in, and so
    what a stranger put there: it does not count. A name with a slash stands for itself.
    """
    folders = environment.get("PATH", "").split(os.pathsep)
    fixed = [folder for folder in folders if Path(folder).is_absolute()]
    return shutil.which(name, path=os.pathsep.join(fixed))
