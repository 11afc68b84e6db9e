"""Where the head of a workflow file begins and ends."""

from __future__ import annotations

MARKER = "---"
BYTE_ORDER_MARK = "\ufeff"


class OpenHeadError(ValueError):
    """A head begins that no second line of dashes ends."""


def head_bounds(text: str) -> tuple[int, int] | None:
    """Return start and end of what stands between the markers, None where there is no head.

    Raises OpenHeadError.
    """
    start = line_end(text, 0)
    if text[:start].removeprefix(BYTE_ORDER_MARK).strip() != MARKER:
        return None
    end = start
    while text[end : line_end(text, end)].strip() != MARKER:
        if end == len(text):
            raise OpenHeadError("no second line of --- ends the frontmatter")
        end = line_end(text, end)
    return start, end


def line_end(text: str, start: int) -> int:
    """Return where the next line begins."""
    return text.find("\n", start) + 1 or len(text)
