"""The one style sheet of all pages: light and dark, narrow and printed."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def style_sheet() -> str:
    """Return it without the ends of its lines."""
    return Path(__file__).with_name("page.css").read_text("utf-8").replace("\n", "")
