"""Version controls that do not do as git does, by the marks of their working copies."""

from __future__ import annotations

from pathlib import Path

from meta_experiment.records import dataclass

_CONTROLS = {
    ".jj": "jj",
    ".sl": "Sapling",
    ".git/sl": "Sapling",
    ".hg": "Mercurial",
    ".svn": "Subversion",
}


@dataclass(frozen=True, slots=True)
class Control:
    """A version control, and the top of its working copy."""

    name: str
    folder: Path


def other_control(root: Path) -> Control | None:
    """Return which version control, that does not do as git does, has a root among its files.

    What lies in a repository of git is no business of those around it, but of jj's.
    """
    inside = False
    for folder in (root, *root.parents):
        for mark, name in _CONTROLS.items():
            if (folder / mark).exists() and (not inside or name == "jj"):
                return Control(name, folder)
        inside = inside or (folder / ".git").exists()
    return None
