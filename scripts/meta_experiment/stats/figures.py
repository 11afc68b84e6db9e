"""Numbers as a reader is told them, whoever tells."""

from __future__ import annotations


def two_figures(size: float) -> str:
    """Write a per cent with two figures, as a reader is told it."""
    if size == 0:
        return "0"
    if size >= 9.95:
        return f"{size:.0f}"
    return f"{size:.1f}" if size >= 0.095 else f"{size:.2g}"


def described(relative: float | None) -> str:
    """Say a relative effect in words, for example `12% better`."""
    if relative is None:
        return "not comparable in per cent"
    if relative == 0:
        return "the same"
    return f"{two_figures(abs(relative) * 100)}% {'better' if relative > 0 else 'worse'}"
