"""Colour, emphasis and a width, only where a terminal shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class Style:
    """Paints words, or leaves them plain. Colour is never the only carrier of a meaning.

    `width` counts the columns that a line may take; 0 leaves lines as long as they are.
    """

    colour: bool = False
    width: int = 0

    @classmethod
    def for_stream(cls, stream: TextIO | None, environment: Mapping[str, str]) -> Style:
        """Choose colour by NO_COLOR, then FORCE_COLOR, then whether the stream is a terminal.

        A terminal is as wide as COLUMNS says, else as it says itself; what is piped has no
        width, so that each line can be found whole.
        """
        terminal = stream is not None and stream.isatty()
        width = _columns() if terminal else 0
        if environment.get("NO_COLOR"):
            return cls(colour=False, width=width)
        if environment.get("FORCE_COLOR"):
            return cls(colour=True, width=width)
        return cls(colour=terminal and environment.get("TERM") != "dumb", width=width)

    def strong(self, text: str) -> str:
        """Make a heading stand out."""
        return self._paint("1", text)

    def code(self, text: str) -> str:
        """Make what can be typed stand out."""
        return self._paint("1", text)

    def dim(self, text: str) -> str:
        """Let a detail step back."""
        return self._paint("2", text)

    def good(self, text: str) -> str:
        """Mark what went well."""
        return self._paint("32", text)

    def bad(self, text: str) -> str:
        """Mark what went wrong."""
        return self._paint("31", text)

    def warn(self, text: str) -> str:
        """Mark what wants attention."""
        return self._paint("33", text)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text


def _columns() -> int:
    from shutil import get_terminal_size

    return get_terminal_size().columns
