"""Roots that a session meets, and where the prompt files of each lie for it.

A session in a linked working tree meets the experiments of the main tree's root, with the
files of its own tree. Where its tree has no folder of a kind (commands, skills, agents), the
client takes that of the main tree.
"""

from __future__ import annotations

import os

from meta_experiment.protocol.index import COMMAND, SHADOW, SKILL
from meta_experiment.protocol.places import (
    PROJECT,
    Root,
    StrangeFileError,
    data_folder,
    read_below,
    roots,
)
from meta_experiment.protocol.worktrees import linked_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from meta_experiment.protocol.index import Entry
    from meta_experiment.protocol.worktrees import LinkedTree

_FOLDERS = {COMMAND: ".claude/commands", SKILL: ".claude/skills"}


def roots_around(directory: str, project: str) -> list[Root]:
    """Return the roots whose prompt files a session can meet.

    Args:
        directory: where it works now.
        project: where it was started, whose prompt files it has.
    """
    listed = roots(data_folder(os.environ))
    folders = {directory, project}
    folders |= {os.path.realpath(folder) for folder in folders}
    tree = linked_tree(project) if any(root.scope == PROJECT for root in listed) else None
    known, found = {root.path for root in listed}, []
    for root in listed:
        if root.scope == PROJECT and tree is not None:
            root.place = _place_in(tree, root.path)
            if root.place != root.path and root.place in known:
                continue  # that tree has experiments of its own
        if root.scope != PROJECT or any(_is_near(root.place, folder) for folder in folders):
            found.append(root)
    return found


def place_of(root: str, project: str) -> str:
    """Return where the prompt files of a project's root lie for a session started there."""
    tree = linked_tree(project)
    return root if tree is None else _place_in(tree, root)


def _place_in(tree: LinkedTree, root: str) -> str:
    """Return the place of a root in a linked tree, if the root is one of the main tree."""
    return root if linked_tree(root) is not None else tree.here(root)


def prompt_of(root: Root, entry: Entry, project: str) -> tuple[str, bytes]:
    """Return the folder in which the session's prompt file lies, and its bytes if it is there.

    A command of the same name in a folder between goes before that of the root, for the
    client's way of taking the nearest; but its stand-in is a skill, which goes before all.

    Raises:
        OSError: it cannot be read.
    """
    place = root.place
    folder = _FOLDERS.get(entry.kind, ".claude/agents")
    if place != root.path and not os.path.isdir(f"{place}/{folder}"):
        place = root.path
    if entry.form == SHADOW and root.scope == PROJECT:
        name = entry.name.replace(":", "/")
        between = os.path.realpath(project)
        while between != place and is_within(between, place):
            found = read_below(place, f"{between[len(place) + 1 :]}/{folder}/{name}.md")
            if found:
                return between, found
            between = os.path.dirname(between)
    try:
        return place, read_below(place, entry.path)
    except StrangeFileError:
        if place == root.path:
            raise
        return place, b""


def stand_in_path(root: Root, entry: Entry) -> str:
    """Return where the skill lies that a session there runs for a command or a skill."""
    has_own = root.place == root.path or os.path.isdir(f"{root.place}/.claude/skills")
    place = root.place if has_own else root.path
    from meta_experiment.protocol.texts import placed

    (path,) = placed(entry)
    return f"{place}/{path}"


def is_within(path: str, folder: str) -> bool:
    """Tell whether a path is a folder or lies in it."""
    return path == folder or path.startswith(f"{folder}/")


def _is_near(root: str, place: str) -> bool:
    """Tell whether a folder lies in a root or around it."""
    return is_within(place, root) or is_within(root, place)
