"""A number that a user points at in the files of a run: `activity/summary.json#/a/b`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from meta_experiment.errors import UsageError, cite
from meta_experiment.records import dataclass
from meta_experiment.workflows.outcomes.documents import Document, number

MARK = "#/"


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """A field in a JSON file of a run, by the end of the file's path and the names to it."""

    file: str
    names: tuple[str, ...]

    @property
    def base(self) -> str:
        """The name of the file without its folders."""
        return self.file.rpartition("/")[2]

    def value(self, document: Document) -> float | None:
        """Return the number that stands there, a truth as 0 or 1; None where there is none."""
        found: object = document
        for name in self.names:
            found = found.get(name) if isinstance(found, Mapping) else None
        return float(found) if isinstance(found, bool) else number(found)


def field_place(text: str) -> FieldPlace:
    """Read a place.

    Raises:
        UsageError: it names no JSON file, or no field in it.
    """
    file, mark, path = text.partition(MARK)
    names = tuple(name.replace("~1", "/").replace("~0", "~") for name in path.split("/"))
    if not mark or not file.endswith(".json") or not all(names):
        raise UsageError(
            f"{cite(text)} names no field of a run's files, expected FILE.json#/NAME/NAME.",
            hint="For example: --map items=activity/summary.json#/safe_outputs/total_items",
        )
    return FieldPlace(file, names)


def files_of(places: Iterable[FieldPlace]) -> frozenset[str]:
    """Return the names of the files that places are in."""
    return frozenset(place.base for place in places)
