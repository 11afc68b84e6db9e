"""What the runs of all experiments of a project say of the models that made them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from meta_experiment.errors import NotFoundError, cite
from meta_experiment.runs.profile import RunFigures, profile
from meta_experiment.services.running.run_list import every_record
from meta_experiment.services.running.run_views import succeeded
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.run_profile import ModelProfile, RunProfile
from meta_experiment.types.runs import CellOutcome

_UNNAMED = "unknown"


def run_profile(workspace: Workspace, model: str | None = None) -> RunProfile:
    """Sum up every run by its model, or those of one; runs that were set aside are none.

    Raises:
        NotFoundError: no run names that model.
    """
    runs: dict[str, list[tuple[str, CellOutcome]]] = {}
    for found in every_record(workspace):
        for outcome in found.outcomes:
            known = outcome.report.fingerprint
            name = known.get("model") or known.get("agent") or _UNNAMED
            runs.setdefault(name, []).append((found.experiment.experiment_id, outcome))
    if model is not None and model not in runs:
        raise NotFoundError(
            f"No run here was made with {cite(model)}.",
            hint=f"There are: {', '.join(sorted(runs)) or 'none'}.",
        )
    names = sorted(runs) if model is None else [model]
    return RunProfile(tuple(_profile(name, runs[name]) for name in names))


def _profile(model: str, runs: Sequence[tuple[str, CellOutcome]]) -> ModelProfile:
    judged = [(run, passed) for _, run in runs if (passed := succeeded(run)) is not None]
    tools = _tool_success([run for run, _ in judged])
    figures = profile((_figures(run, passed) for run, passed in judged), tools)
    return ModelProfile(
        model=model,
        experiments=len({experiment for experiment, _ in runs}),
        runs=figures.runs,
        unjudged=len(runs) - len(judged),
        success_rate=figures.success_rate,
        mean_seconds=figures.mean_seconds,
        mean_tokens=figures.mean_tokens,
        mean_usd=figures.mean_usd,
        usd_per_success=figures.usd_per_success,
        tool_success=tools,
        confidence=figures.confidence,
        capability=figures.capability,
    )


def _figures(run: CellOutcome, passed: bool) -> RunFigures:
    known = run.report.metrics
    return RunFigures(
        passed, known.get("duration_seconds"), known.get("total_tokens"), run.report.spent.usd
    )


def _tool_success(runs: Sequence[CellOutcome]) -> float | None:
    """Return the share of uses of tools that did not fail, None where none is known."""
    known = [run.report.metrics for run in runs if "tool_errors" in run.report.metrics]
    calls = math.fsum(item.get("tool_calls", 0.0) for item in known)
    return 1 - math.fsum(item["tool_errors"] for item in known) / calls if calls else None
