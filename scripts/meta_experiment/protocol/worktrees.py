"""Working trees of one repository: git's links between them, read without git.

A linked tree has a file `.git` that names its folder among those of the repository's own, and
that folder names the file in turn. Only where both agree is a folder taken for such a tree:
either alone, or a pair elsewhere, may have come with an archive.
"""

from __future__ import annotations

import os

from meta_experiment.protocol.places import try_read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_OWN, _MARK, _TREES = "/.git", "gitdir:", "/worktrees"


class LinkedTree:
    """A linked working tree: its top, and that of the main one of the repository."""

    __slots__ = ("main", "top")

    def __init__(self, top: str, main: str) -> None:
        self.top = top
        self.main = main

    def twin(self, path: str) -> str:
        """Return the place in the main tree of one in this tree."""
        return self.main + path[len(self.top) :]

    def here(self, path: str) -> str:
        """Return the place in this tree of one in the main tree; any other as it is."""
        inside = path == self.main or path.startswith(f"{self.main}/")
        return self.top + path[len(self.main) :] if inside else path


def linked_tree(directory: str) -> LinkedTree | None:
    """Return the linked tree around a folder; None when it lies in no such tree."""
    top = os.path.realpath(directory)
    while not os.path.lexists(top + _OWN):
        if top in ("/", ""):
            return None
        top = os.path.dirname(top)
    named = _text(top + _OWN)
    if not named.startswith(_MARK):
        return None
    folder = os.path.join(top, named.removeprefix(_MARK).strip())
    common = _text(f"{folder}/commondir")
    back = os.path.join(folder, _text(f"{folder}/gitdir"))
    if not common or os.path.realpath(back) != top + _OWN:
        return None
    shared = os.path.realpath(os.path.join(folder, common))
    main = shared.removesuffix(_OWN)
    if main == shared or os.path.dirname(os.path.realpath(folder)) != shared + _TREES:
        return None
    return LinkedTree(top, main)


def linked_trees(main: str) -> Iterator[LinkedTree]:
    """Yield the linked trees that stand, of the repository whose main tree has this top."""
    folders = main + _OWN + _TREES
    try:
        names = sorted(os.listdir(folders))
    except OSError:
        return
    for name in names:
        back = _text(f"{folders}/{name}/gitdir")
        top = os.path.dirname(os.path.join(folders, name, back)) if back else ""
        tree = linked_tree(top) if top and os.path.isdir(top) else None
        if tree is not None and tree.main == os.path.realpath(main):
            yield tree


def _text(path: str) -> str:
    """Return what a small file of git's says; empty when it cannot be read."""
    return (try_read(path) or b"").decode("utf-8", "surrogateescape").rstrip("\n")
