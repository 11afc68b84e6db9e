"""The place of the plugin that this library belongs to."""

from __future__ import annotations

from pathlib import Path


def plugin_folder() -> Path:
    """Return the folder of manifests, commands, hooks, launchers, schemas and a library.

    It is the checkout, or what the client copied of it, around this library; beside the
    library where that was installed as a Python package.
    """
    library = Path(__file__).resolve().parents[1]
    around = library.parents[1]
    if (around / ".claude-plugin" / "plugin.json").is_file():
        return around
    return library.parent / "meta_experiment_pack"
