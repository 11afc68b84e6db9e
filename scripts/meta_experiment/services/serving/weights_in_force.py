"""Putting weights that move in force: into the index that prompts are served by.

It follows whoever looks at the trials after some have closed, never a prompt. What cannot be
written now is written after the next look. What it takes is loaded where shares move.
"""

from __future__ import annotations

from contextlib import suppress

from meta_experiment.errors import MetaExperimentError
from meta_experiment.protocol import index, places
from meta_experiment.services.workspace import Workspace


def renew_weights(workspace: Workspace) -> None:
    """Bring the weights that move of what is served up to what has closed."""
    if not _serves_moving(workspace):
        return
    from meta_experiment.services.recording.renewing import renewed
    from meta_experiment.services.serving.active_index import write_index
    from meta_experiment.services.serving.reconciliation import GLANCE, serving_lock

    # another that changes what is served works the weights out as well
    with suppress(MetaExperimentError, OSError), serving_lock(workspace, within=GLANCE):
        entries = index.entries(str(workspace.root))
        for entry in filter(_is_moving, entries):
            renewal = renewed(workspace, workspace.store.experiment(entry.id))
            entry.weights, entry.known = list(renewal.parts), renewal.known
        write_index(workspace, entries)


def _serves_moving(workspace: Workspace) -> bool:
    """Tell at the price of one small file; most roots have none."""
    try:
        text = places.read_text(places.active_index(str(workspace.root)))
    except OSError:
        return False
    return any(f"\t{method}\t" in text for method in index.MOVING)


def _is_moving(entry: index.Entry) -> bool:
    return entry.running and entry.method in index.MOVING
