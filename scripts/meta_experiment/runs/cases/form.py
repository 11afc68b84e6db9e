"""A form in which cases are kept, and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from meta_experiment.records import dataclass

Placed = tuple[str, object]  # how messages call a document's place, and the document


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at a path: documents with their places, or a folder, which has none here."""

    path: Path
    shown: str
    documents: tuple[Placed, ...] | None = None

    @property
    def folder(self) -> Path:
        """The folder from which the paths in its documents lead."""
        real = self.path.resolve()
        return real if self.documents is None else real.parent


@dataclass(frozen=True, slots=True)
class Form:
    """Whether it is the form of what was found, and the cases there in the plain form."""

    recognises: Callable[[Found], bool]
    documents: Callable[[Found], Iterable[Placed]]
