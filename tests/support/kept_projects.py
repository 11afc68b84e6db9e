"""Projects that verbs made once, for tests that begin where these end: each gets a copy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.git import know_files


class KeptProjects:
    """Keeps a project as it is after some verbs, with the home that has the machine's key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Any] = {}

    def once(self, name: str, root: Path, make: Callable[[], Any]) -> Any:
        """Return what `make` returns, which is called for the first project of a name only.

        Those that follow find its files at their own root, and are the same checkout.
        """
        kept = self._folder / name
        places = {kept / "root": root, kept / "home": Path(os.environ["HOME"])}
        if name not in self._made:
            made = make()
            for copy, place in places.items():
                shutil.copytree(place, copy, symlinks=True)
            self._made[name] = made
            return made
        shutil.rmtree(root / ".git")
        for copy, place in places.items():
            shutil.copytree(copy, place, symlinks=True, dirs_exist_ok=True)
        know_files(root)
        return self._made[name]
