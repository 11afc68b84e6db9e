"""From what the user typed to a root or a workspace: the only place with the real clock."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from meta_experiment.cli.frame import Place, say
from meta_experiment.files.confine import refuse_links
from meta_experiment.files.roots import Layout, find_root
from meta_experiment.live.disk import IGNORE_FILE

if TYPE_CHECKING:
    from meta_experiment.services.workspace import Workspace


def clock() -> float:
    """Return the time in seconds since the epoch."""
    return time.time()


def client_folder() -> Path:
    """Return the folder in which the client keeps its settings and transcripts."""
    given = os.environ.get("CLAUDE_CONFIG_DIR")
    return Path(given) if given else Path.home() / ".claude"


def layout(place: Place) -> Layout:
    """Find the root that the user means; touches nothing."""
    root = find_root(
        None if place.root is None else Path(place.root),
        user=place.user,
        environment=os.environ,
        directory=place.directory,
        home=Path.home(),
    )
    refuse_links(root)
    return Layout(root)


def workspace(place: Place, *, settled: bool = True) -> Workspace:
    """Open the workspace of the root that the user means.

    A change of prompt files that a crash cut off is finished or undone first, and said; one
    that another process is at work on is left to it. With `settled` False nothing is touched.
    """
    from meta_experiment.services.settling import settle
    from meta_experiment.services.workspace import Workspace

    opened = Workspace.open(layout(place), clock)
    if settled:
        for sentence in settle(opened):
            say(f"Note: {sentence}", err=True)
    return opened


def in_flight(place: Place) -> bool:
    """Say, at the price of one listing, whether a change of files is under way or cut off."""
    journal = layout(place).journal
    return journal.is_dir() and any(path.name != IGNORE_FILE for path in journal.iterdir())
