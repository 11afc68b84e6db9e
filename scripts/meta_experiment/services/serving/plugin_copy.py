"""The whole plugin written into a folder, wherever this program was installed from."""

from __future__ import annotations

import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from meta_experiment import __version__
from meta_experiment.errors import RefusedError, as_word
from meta_experiment.files.pack import LIBRARY, is_around, plugin_folder
from meta_experiment.types.results.plugin_copy import PluginCopy

_LIBRARY = Path("scripts", "meta_experiment")


def write_plugin(target: Path) -> PluginCopy:
    """Write all files of the plugin into a new folder, or in the place of an earlier copy.

    The folder is there as a whole or, when something fails, as it was before.

    Raises:
        RefusedError: it holds what is not the plugin's, or the plugin itself.
        OSError: the file system refused.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100 - a link stays the link that it is
    names = _names()
    replaced = _is_copy(target, names)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
        new, old = Path(beside, "new"), Path(beside, "old")
        count = sum(_copy(source, new / place) for place, source in _files(names))
        new.chmod(0o755)
        if target.exists():
            target.rename(old)
        new.rename(target)
    return PluginCopy(str(target), __version__, count, replaced)


def _names() -> tuple[str, ...]:
    """Return the files and folders at the top of the plugin."""
    settings = tomllib.loads((plugin_folder() / "pyproject.toml").read_text("utf-8"))
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    return tuple(wheel["hooks"]["custom"]["pack"])


def _is_copy(target: Path, names: tuple[str, ...]) -> bool:
    """Tell whether an earlier copy is there, and nothing beside it."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise RefusedError(f"{as_word(str(target), 300)} is no folder; name a new one.")
    if not target.is_dir() or not (there := {item.name for item in target.iterdir()}):
        return False
    others = sorted(there - set(names))
    if others or (is_around() and plugin_folder() == target.resolve()):
        held = as_word(others[0]) if others else "the plugin that runs at this moment"
        raise RefusedError(
            f"{as_word(str(target), 300)} holds {held}, which is no copy of the plugin.",
            hint="Name a folder that is not there yet, or one that this verb wrote.",
        )
    return True


def _files(names: tuple[str, ...]) -> Iterator[tuple[Path, Path]]:
    """Yield the place of every file in the plugin, and where it is now."""
    top = plugin_folder()
    for name in names:
        for source in _below(top / name):
            place = source.relative_to(top)
            if _LIBRARY not in place.parents:
                yield place, source
    for source in _below(LIBRARY):
        yield _LIBRARY / source.relative_to(LIBRARY), source


def _below(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    for file in sorted(place.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file


def _copy(source: Path, target: Path) -> int:
    """Copy the bytes, and whether it can be run; nothing else of its owner's."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
    return 1
