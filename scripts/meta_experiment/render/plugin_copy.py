"""Page of `plugin`."""

from __future__ import annotations

import shlex

from meta_experiment.render.blocks import Page, lines
from meta_experiment.types.results.plugin_copy import PluginCopy

_ID = "meta-experiment@meta-experiment"


def plugin_copy_page(done: PluginCopy) -> Page:
    """Say what was written, and what the client is to be told."""
    instead = ", in the place of an earlier copy" if done.replaced else ""
    return lines(
        f"The plugin, {done.version}, is in {done.folder} ({done.files} files){instead}.",
        "The client takes it from there by:",
        f"  claude plugin marketplace add {shlex.quote(done.folder)}",
        f"  claude plugin install {_ID}",
        f"Where it had it from there: claude plugin update {_ID}, then a new session.",
    )
