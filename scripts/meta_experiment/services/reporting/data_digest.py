"""Digest of trials: two reports with the same one rest on the same data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter

from meta_experiment.assign.uniform import sha256
from meta_experiment.types import Trial

_TOLD = (
    "trial_id", "variant", "unit", "order", "exposed", "status", "metrics", "assigned_at",
    "closed_at", "fingerprint", "excluded", "covariates",
)  # fmt: skip


def data_digest(trials: Iterable[Trial]) -> str:
    """Return the SHA-256 (hex) of all that trials say, in the order of their ids."""
    lines = ["\t".join(_cells(trial)) for trial in sorted(trials, key=attrgetter("trial_id"))]
    digest: str = sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
    return digest


def _cells(trial: Trial) -> Iterator[str]:
    for name in _TOLD:
        value = getattr(trial, name)
        yield str(sorted(value.items()) if isinstance(value, Mapping) else value)
    if trial.draw is not None:
        yield f"{list(trial.draw.parts)} of {trial.draw.known}"
