"""Result of `plugin`."""

from __future__ import annotations

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class PluginCopy:
    """The folder that holds the plugin now, its version and the number of its files.

    `replaced` where an earlier copy was there.
    """

    folder: str
    version: str
    files: int
    replaced: bool
