"""Digest of trials: two reports with the same one rest on the same data."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from meta_experiment.assign.uniform import sha256
from meta_experiment.types import Trial


def data_digest(trials: Iterable[Trial]) -> str:
    """Return the SHA-256 (hex) of all that trials say, in the order of their ids."""
    lines = [
        f"{trial.trial_id}\t{trial.variant}\t{trial.unit}\t{trial.order}\t{trial.exposed}\t"
        f"{trial.status}\t{trial.assigned_at}\t{trial.closed_at}\t{trial.excluded}\t"
        f"{sorted(trial.metrics.items())}\t"
        f"{trial.fingerprint and sorted(trial.fingerprint.items())}\t"
        f"{trial.covariates and sorted(trial.covariates.items())}\t"
        f"{trial.draw and (trial.draw.parts, trial.draw.known)}"
        for trial in sorted(trials, key=attrgetter("trial_id"))
    ]
    digest: str = sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
    return digest
