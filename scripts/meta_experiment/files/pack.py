"""The place of the plugin that this library belongs to, and how its program is started."""

from __future__ import annotations

import sys
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[1]


def plugin_folder() -> Path:
    """Return the folder of manifests, commands, hooks, launchers and schemas.

    It is the checkout, or what the client copied of it, around this library; beside the
    library where that was installed as a Python package, and then it holds no library.
    """
    return LIBRARY.parents[1] if is_around() else LIBRARY.parent / "meta_experiment_pack"


def is_around() -> bool:
    """Tell whether the plugin lies around this library, so that the client can load it."""
    return (LIBRARY.parents[1] / ".claude-plugin" / "plugin.json").is_file()


def own_program() -> tuple[str, ...]:
    """Return the words that start this program once more, by the interpreter at hand.

    No module is looked for where the caller stands, nor where variables say.
    """
    if not sys.executable:  # as where another program runs this one within itself
        return ("/bin/sh", str(plugin_folder() / "bin" / "meta-experiment"))
    alone = (sys.executable, "-I" if sys.flags.isolated else "-E", "-X", "utf8")
    if is_around():
        return (*alone, str(plugin_folder() / "scripts" / "meta-experiment.py"))
    return (*alone, "-P", "-m", "meta_experiment")
