"""`plugin`: the whole plugin, for the client, out of a program that was installed."""

from __future__ import annotations

from pathlib import Path

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.render.plugin_copy import plugin_copy_page
from meta_experiment.services.serving.plugin_copy import write_plugin


@verb(example="meta-experiment plugin --to ~/meta-experiment-plugin")
@click.option(
    "--to", "folder", metavar="DIR", required=True, help="A new folder, or an earlier copy."
)
def plugin_verb(place: Place, folder: str) -> Result:
    """Write the plugin for Claude Code into a folder, and say how the client takes it.

    It is whole: what serves prompts, and the program itself. No network is needed. An earlier
    copy is replaced, as after an upgrade; a folder that holds anything else is refused.
    """
    done = write_plugin(place.directory / Path(folder).expanduser())
    return Result(done, plugin_copy_page(done))


command = plugin_verb
