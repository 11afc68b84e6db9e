"""The forms in which a page can be written: each a module with `write(page, style) -> str`."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from meta_experiment.render.blocks import Page
from meta_experiment.render.style import Style

WRITERS = {"text": "meta_experiment.render.text"}


def write(form: str, page: Page, style: Style) -> str:
    """Write a page in a form, whose module is imported now."""
    writer: Callable[[Page, Style], str] = importlib.import_module(WRITERS[form]).write
    return writer(page, style)
