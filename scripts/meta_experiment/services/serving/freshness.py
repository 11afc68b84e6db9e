"""Freshness of what is served: whether it may have changed, told by few looks.

Every command asks that, so nothing is imported here that a look does not need.
"""

from __future__ import annotations

import os
from pathlib import Path

from meta_experiment import __version__
from meta_experiment.files.roots import Layout, git_top
from meta_experiment.files.version_control import other_control
from meta_experiment.protocol import places, seal
from meta_experiment.protocol.worktrees import linked_trees

STATE = "state"  # of the seal


def stale(layout: Layout) -> bool:
    """Tell, at the price of a few looks, whether `reconcile` may have something to do."""
    known = remembered(layout)
    if not known and not (layout.local / "started").exists():
        top = git_top(layout.root)
        return top is not None and Path(places.hidden_folder(f"{top}/.git")).exists()
    return known != signature(layout)


def signature(layout: Layout) -> str:
    """Describe the registry, what is of this checkout alone and the key, without reading."""
    # what is served names the root, and is hidden from the repository by this version's means
    root = layout.root
    top = git_top(root)
    trees = [tree.top for tree in linked_trees(str(top))] if top is not None else []
    parts = [__version__, str(root), str(top), str(other_control(root)), *trees]
    key = Path(seal.key_file(places.data_folder(os.environ)))
    for path in (layout.registry, layout.own_states, layout.local / "started", key):
        try:
            status = path.stat()
            parts.append(f"{status.st_mtime_ns} {status.st_size} {status.st_ino}")
        except OSError:
            parts.append("-")
    return " ".join(parts) + "\n"


def state_file(layout: Layout) -> Path:
    """Return the file of the signature."""
    return Path(places.serving_state(str(layout.root)))


def remembered(layout: Layout) -> str:
    """Return what `remember` was given; "" when this machine was not, or not here."""
    try:
        data = seal.read_sealed(str(layout.root), str(state_file(layout)), STATE)
    except OSError:
        return ""
    return data.decode("utf-8", "surrogateescape")
