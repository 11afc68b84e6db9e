"""What this machine keeps of a root outside of it: runs, replays, cases that are held out."""

from __future__ import annotations

import os
from pathlib import Path

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import DependencyError
from meta_experiment.services.workspace import Workspace

RUNS, REPLAYS, HELD_OUT, TELEMETRY = "runs", "replays", "held-out", "telemetry"
_WORDS = {HELD_OUT: "held-out cases", TELEMETRY: "the places where exports ended"}


def kept_outside(workspace: Workspace, kind: str) -> Path | None:
    """Return the folder of one kind of a root; None where there is no home."""
    if not workspace.machine.data:
        return None
    name: str = sha256(os.fsencode(workspace.root)).hexdigest()[:16]
    return Path(workspace.machine.data) / kind / name


def require_kept_outside(workspace: Workspace, kind: str) -> Path:
    """Return the same folder.

    Raises:
        DependencyError: there is no home directory.
    """
    folder = kept_outside(workspace, kind)
    if folder is None:
        raise DependencyError(
            f"There is no home directory, so that {_WORDS.get(kind, kind)} have no place to be "
            "kept.",
            hint="Set HOME, or XDG_DATA_HOME.",
        )
    return folder
