"""Digest of trials: two reports with the same one rest on the same data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from operator import attrgetter

from meta_experiment.types import Trial


def data_digest(trials: Iterable[Trial]) -> str:
    """Return the SHA-256 (hex) of all that trials say, in the order of their ids."""
    found = hashlib.sha256()
    for trial in sorted(trials, key=attrgetter("trial_id")):
        found.update(
            (
                f"{trial.trial_id}\t{trial.variant}\t{trial.unit}\t{trial.status}\t"
                f"{trial.assigned_at}\t{trial.closed_at}\t{trial.excluded}\t"
                f"{sorted(trial.metrics.items())}\n"
            ).encode("utf-8", "surrogatepass")
        )
    return found.hexdigest()
