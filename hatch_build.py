"""How the wheel is made: beside the library lies all else of the plugin, file by file.

Never within the library, of which an editable install would leave a hollow one; and not with a
second copy of the library, which `meta-experiment plugin --to DIR` adds where the client needs
it. An editable install has the checkout instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BESIDE = "meta_experiment_pack"
LIBRARY = Path("scripts", "meta_experiment")


class PackHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the files that `pack` names in pyproject.toml."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say where each file of the plugin goes."""
        if version == "editable":
            return
        root = Path(self.root)
        for name in self.config["pack"]:
            for file in _files(root / name):
                place = file.relative_to(root)
                if LIBRARY not in place.parents:
                    build_data["force_include"][str(file)] = f"{BESIDE}/{place.as_posix()}"


def _files(place: Path) -> Iterator[Path]:
    """Yield a file, or all below a folder but what Python compiled."""
    if place.is_file():
        yield place
        return
    for file in sorted(place.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file
