"""The whole plugin written into a folder, wherever this program was installed from."""

from __future__ import annotations

import hashlib
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

    The folder is there as a whole or, when something fails, as it was before. What an earlier
    copy wrote is listed in it: only what is still as it was written is taken away.

    Raises:
        RefusedError: it holds what no copy wrote, or the plugin itself.
        OSError: the file system refused.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100 - a link stays the link that it is
    replaced = _is_copy(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
        new, old = Path(beside, "new"), Path(beside, "old")
        count = sum(_copy(source, new / place) for place, source in _files(_names()))
        written = _digests(new)
        _list_of(new).write_text("".join(f"{digest}  {it}\n" for it, digest in written.items()))
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


def _is_copy(target: Path) -> bool:
    """Tell whether an earlier copy is there, as it was written, and nothing beside it."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise RefusedError(f"{as_word(str(target), 300)} is no folder; name a new one.")
    if not target.is_dir() or not any(target.iterdir()):
        return False
    if is_around() and plugin_folder() == target.resolve():
        raise _no_copy(target, "the plugin that runs at this moment")
    written, there = _written(target), _digests(target)
    for place in sorted(there):
        if written.get(place) != there[place]:
            held = as_word(place, 300)
            raise _no_copy(target, f"{held}, changed since" if place in written else held)
    return True


def _no_copy(target: Path, held: str) -> RefusedError:
    return RefusedError(
        f"{as_word(str(target), 300)} holds {held}, which no copy of the plugin wrote.",
        hint="Name a folder that is not there yet, or one that is as this verb wrote it.",
    )


def _list_of(copy: Path) -> Path:
    """Return where a copy lists its files, in the form of `sha256sum`."""
    return copy / ".claude-plugin" / "copy.sha256"


def _written(target: Path) -> dict[str, str]:
    """Return the digests that an earlier copy has listed, by place."""
    try:
        lines = _list_of(target).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    pairs = (line.partition("  ") for line in lines)
    return {place: digest for digest, _, place in pairs}


def _digests(folder: Path) -> dict[str, str]:
    """Return the digests of what lies in a folder, by place, but for list and compiled code."""
    return {
        place.relative_to(folder).as_posix(): _digest(place)
        for place in sorted(folder.rglob("*"))
        if (place.is_symlink() or not place.is_dir())
        and place != _list_of(folder)
        and "__pycache__" not in place.parts
    }


def _digest(place: Path) -> str:
    if place.is_symlink() or not place.is_file():
        return "no file"
    return hashlib.sha256(place.read_bytes()).hexdigest()


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
