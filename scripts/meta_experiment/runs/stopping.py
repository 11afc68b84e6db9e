"""The sign that attempts under way are to stop: an event of this process, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from meta_experiment.records import dataclass


class StopSign(Protocol):
    """Anything that tells whether to stop, as `threading.Event` does."""

    def is_set(self) -> bool:
        """Tell whether what is under way is to stop."""


@dataclass(frozen=True, slots=True)
class StopFile:
    """A file whose being there stops attempts on whichever machine sees it."""

    path: Path

    def is_set(self) -> bool:
        """Tell whether the file is there."""
        return self.path.exists()
