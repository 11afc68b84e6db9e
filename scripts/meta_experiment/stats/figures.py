"""Numbers as a reader is told them, whoever tells."""

from __future__ import annotations

_MOST = 9.995  # beyond it a change is told as no number


def two_figures(size: float) -> str:
    """Write a per cent with two figures, as a reader is told it."""
    if size == 0:
        return "0"
    if size >= 9.95:
        return f"{size:.0f}"
    return f"{size:.1f}" if size >= 0.095 else f"{size:.2g}"


def chosen(fraction: float) -> str:
    """Write a fraction that somebody chose as per cent, as they chose it."""
    return f"{100 * fraction:.4g}%"


def told_apart(fraction: float, bar: float | None) -> str:
    """Write a size as per cent with two figures, and apart from a bar that it nearly is."""
    size, told = abs(fraction), f"{two_figures(100 * abs(fraction))}%"
    if size > _MOST:
        return "over 999%"
    if bar is None or size == bar or told != f"{two_figures(100 * bar)}%":
        return told
    return f"just {'over' if size > bar else 'under'} {chosen(bar)}"


def described(relative: float | None, bar: float | None = None) -> str:
    """Say a relative effect in words, for example `12% better`; apart from a bar beside it."""
    if relative is None:
        return "not comparable in per cent"
    if relative == 0:
        return "the same"
    return f"{told_apart(relative, bar)} {'better' if relative > 0 else 'worse'}"
