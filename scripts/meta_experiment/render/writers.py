"""The forms in which a page can be written: each a function of a page and a style to text."""

from __future__ import annotations

from collections.abc import Callable

from meta_experiment.render.blocks import Page
from meta_experiment.render.style import Style
from meta_experiment.table import entry

TEXT, MARKDOWN, ROFF = "text", "markdown", "roff"
WRITERS = {
    TEXT: "meta_experiment.render.text:write",
    MARKDOWN: "meta_experiment.render.markdown:write",
    ROFF: "meta_experiment.render.roff:write",
}


def write(form: str, page: Page, style: Style) -> str:
    """Write a page in a form, whose module is imported now."""
    writer: Callable[[Page, Style], str] = entry(WRITERS[form])
    return writer(page, style)
