"""Profiles of the models that runs were made with."""

from __future__ import annotations

from meta_experiment.records import dataclass
from meta_experiment.types.runs import Capability


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """What all runs of a project with one model say of it.

    Means are of a run; null where one of its values is not known. A success ended well with
    every criterion passed; `unjudged` runs wait for a verdict and are in no other figure.
    `confidence` is runs / (runs + 10). `capability` says how much may be left to it as far as
    so many runs show: few of them show nothing, which is `weak`.
    """

    model: str
    experiments: int
    runs: int
    unjudged: int
    success_rate: float | None
    mean_seconds: float | None
    mean_tokens: float | None
    mean_usd: float | None
    usd_per_success: float | None
    tool_success: float | None
    confidence: float
    capability: Capability


@dataclass(frozen=True, slots=True)
class RunProfile:
    """Models by name."""

    models: tuple[ModelProfile, ...]
