"""Cases that others published, each file of them kept beside the test that rests on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
FILES = sorted(REPOSITORY.glob("tests/*/published_*.json"))


class Cases(dict[str, dict[str, Any]]):
    """The cases of one file, by name."""

    def __init__(self, path: Path) -> None:
        super().__init__(json.loads(path.read_text())["cases"])

    def case(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what a case is given and what it expects."""
        return self[name]["input"], self[name]["expected"]
