"""Page of `plugin`."""

from __future__ import annotations

import shlex

from meta_experiment.render.blocks import Commands, Page, Paragraph
from meta_experiment.types.results.plugin_copy import PluginCopy

_ID = "meta-experiment@meta-experiment"


def plugin_copy_page(done: PluginCopy) -> Page:
    """Say what was written, and what the client is to be told."""
    instead = ", in the place of an earlier copy" if done.replaced else ""
    written = f"The plugin, {done.version}, is in {done.folder} ({done.files} files){instead}."
    return (
        (
            Paragraph((written, "The client takes it from there by:")),
            Commands(
                (
                    f"claude plugin marketplace add {shlex.quote(done.folder)}",
                    f"claude plugin install {_ID}",
                )
            ),
            Paragraph(("Where it had it from there, by this, and a new session:",)),
            Commands((f"claude plugin update {_ID}",)),
        ),
    )
