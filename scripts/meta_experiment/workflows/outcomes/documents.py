"""JSON that runs leave, and the values of its fields, whatever stands in them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from meta_experiment.workflows.outcomes.found_file import FoundFile, LeftOutError
from meta_experiment.workflows.outcomes.run_files import RunArtifacts
from meta_experiment.workflows.state.parsing import BadStateError, moment

Document = Mapping[str, Any]
_Found = TypeVar("_Found")


class RunDocuments:
    """The documents of one run; `left_out` says why some could not be read, in order."""

    def __init__(self, files: RunArtifacts) -> None:
        self.files = files
        self.left_out: list[str] = []

    def first(
        self, *kinds: str, ends: str = "", fits: Callable[[Document], bool] = bool
    ) -> Document:
        """Return the first document of these names that can be read, or an empty one.

        `ends` is how its path ends, and `fits` says which one is meant.
        """
        return self._first(kinds, _object, fits, ends) or {}

    def lines(self, *kinds: str) -> list[Document]:
        """Return the lines of the first file of these names that can be read."""
        return self._first(kinds, _objects, bool) or []

    def _first(
        self,
        kinds: tuple[str, ...],
        parse: Callable[[bytes], _Found],
        fits: Callable[[_Found], bool],
        ends: str = "",
    ) -> _Found | None:
        for file in (file for kind in kinds for file in self.files.of(kind)):
            if file.path.endswith(ends):
                found = self._parsed(file, parse)
                if found is not None and fits(found):
                    return found
        return None

    def _parsed(self, file: FoundFile, parse: Callable[[bytes], _Found]) -> _Found | None:
        try:
            return parse(file.read())
        except LeftOutError as error:
            self.left_out.append(f"{file.path} {error}")
        return None


def part(document: Document, *path: str) -> Document:
    """Return a part of a document that is itself one; empty where it is none."""
    for name in path:
        found = document.get(name)
        if not isinstance(found, dict):
            return {}
        document = found
    return document


def listed(value: object) -> list[Document]:
    """Return the objects of a list; none where it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def number(value: object) -> float | None:
    """Return a finite number, else None; a truth is none."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def amount(value: object) -> float | None:
    """Return a number that is not below zero, else None."""
    found = number(value)
    return found if found is not None and found >= 0 else None


def whole(value: object) -> int | None:
    """Return a whole number above zero, also where it is written as a text; else None."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and int(text[:20]) > 0 else None


def words(value: object) -> str | None:
    """Return a text that says something, or a whole number as a text; else None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) and value.strip() else None


def instant(value: object) -> float | None:
    """Return a date and time as seconds since the epoch; None for what is none."""
    try:
        return moment(value) if isinstance(value, str) else None
    except BadStateError:
        return None


def _object(data: bytes) -> Document:
    found = _json(data)
    if not isinstance(found, dict):
        raise LeftOutError("is no object")
    return found


def _objects(data: bytes) -> list[Document]:
    found: list[Document] = []
    for line in data.splitlines():
        if line.strip():
            document = _json(line)
            if not isinstance(document, dict):
                raise LeftOutError("has a line that is no object")
            found.append(document)
    return found


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise LeftOutError("is no JSON") from error
