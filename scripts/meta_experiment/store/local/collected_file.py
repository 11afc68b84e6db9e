"""Sums that were collected of an experiment, under this machine's seal."""

from __future__ import annotations

import json
import os
from pathlib import Path

from meta_experiment.errors import CorruptStoreError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.model.collected_document import (
    CollectedState,
    state_from_document,
    state_to_document,
)
from meta_experiment.protocol.places import read_own
from meta_experiment.protocol.seal import Seal
from meta_experiment.store.local import sealing

_FOLDER = "collected"


def read_collected(layout: Layout, seal: Seal, experiment_id: str) -> CollectedState | None:
    """Return what this machine collected of an experiment here; None if that is nothing.

    Raises:
        CorruptStoreError: the file is not what this machine wrote.
        StorageError: it cannot be read.
    """
    path = _path(layout, experiment_id)
    with sealing.refusals(path):
        wrapped = read_own(os.fspath(path))
    if not wrapped:
        return None
    data = seal.unwrap(_purpose(experiment_id), wrapped)
    try:
        return state_from_document(json.loads(data or b""))
    except (ValueError, KeyError, TypeError):
        raise CorruptStoreError(
            f"{path} is not what this machine collected: changed, or from elsewhere.",
            hint="Move it away and collect again: meta-experiment collect "
            f"{experiment_id} --mapping FILE",
        ) from None


def write_collected(
    layout: Layout, files: FileSystem, experiment_id: str, state: CollectedState
) -> None:
    """Keep what was collected, in one step. Raises StorageError."""
    data = json.dumps(state_to_document(state), separators=(",", ":")).encode()
    path = _path(layout, experiment_id)
    sealing.write_sealed(layout, files, path, _purpose(experiment_id), data)


def _path(layout: Layout, experiment_id: str) -> Path:
    return layout.local / _FOLDER / f"{experiment_id}.json"


def _purpose(experiment_id: str) -> str:
    return f"collected {experiment_id}"
