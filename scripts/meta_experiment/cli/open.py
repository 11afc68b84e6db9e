"""The root or workspace that a user means by what they typed; the clock of the verbs."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from meta_experiment.cli.frame import Place, say
from meta_experiment.files.roots import ROOT_VARIABLE, Layout, git_top, named_layout, twin
from meta_experiment.protocol import places

if TYPE_CHECKING:
    from meta_experiment.services.workspace import Workspace


def clock() -> float:
    """Return the time in seconds since the epoch."""
    return time.time()


def client_folder() -> Path:
    """Return the folder in which the client keeps its settings and transcripts."""
    return Path(places.client_folder(os.environ, str(Path.home())))


def layout(place: Place, prompts: Sequence[Path] = ()) -> Layout:
    """Find the root that the user means, by the prompt files if any; touches nothing."""
    return named_layout(place.root, place.directory, user=place.user, prompts=prompts)


def bases(place: Place) -> tuple[Path, ...]:
    """Return where a path is looked for that is meant below the root: first there.

    The top of the repository is such a place as well, where no root is named.
    """
    root = layout(place).root
    named = place.root or place.user or os.environ.get(ROOT_VARIABLE)
    top = git_top(root) or root
    return (root,) if named or top == root else (root, top)


def workspace(place: Place, *, settled: bool = True, prompts: Sequence[Path] = ()) -> Workspace:
    """Open the workspace of the root that the user means, by the prompt files if any.

    A change of prompt files that a crash cut off is finished or undone first, and said; one
    that another process is at work on is left to it. Nothing is touched with `settled` False.
    """
    from meta_experiment.services.serving.freshness import stale
    from meta_experiment.services.workspace import Workspace

    opened = Workspace.open(layout(place, prompts), clock)
    other, inside = twin(place.directory), place.directory.is_relative_to(opened.root)
    if other is not None and other.is_relative_to(opened.root) and not inside:
        say(f"Note: experiments are those of the main working tree, {opened.root}.", err=True)
    if settled and (opened.layout.in_flight() or stale(opened.layout)):
        from meta_experiment.services.health.recovery import finish_unless_busy

        for sentence in finish_unless_busy(opened):
            say(f"Note: {sentence}", err=True)
    return opened
