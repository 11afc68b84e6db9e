"""Baseline of a prompt file: its past uses, from the client's transcripts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from meta_experiment.errors import DegenerateDataError, NotFoundError, UsageError
from meta_experiment.model.fields import suggestion
from meta_experiment.model.instants import DAY
from meta_experiment.model.metrics import KNOWN_METRICS, describe
from meta_experiment.model.plan_document import plan_from_document
from meta_experiment.services.planning.forecast import judged
from meta_experiment.services.planning.noise import noise_floor_of
from meta_experiment.services.planning.past import (
    Past,
    called,
    daily,
    days_of,
    home_or_root,
    sample_of_uses,
    undisturbed,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.sources.sessions.past_sessions import PastUses, Use, past_uses
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.quantile import sample_quantile
from meta_experiment.types import Metric, Plan, TrialStatus, Unit
from meta_experiment.types.results.baseline import MetricSpread, UsageBaseline
from meta_experiment.types.results.noise import NoiseFloor

SHOWN = (
    "active_seconds",
    "duration_seconds",
    "output_tokens",
    "total_tokens",
    "cost_usd",
    "turns",
    "followup_turns",
    "tool_calls",
    "tool_errors",
    "subagent_share",
)
_HALVES_LEAST = 10  # values below which two halves would be too small to compare


def baseline(
    workspace: Workspace,
    prompt: str,
    client: Path,
    *,
    metric: str = "active_seconds",
    days: float | None = None,
    unit: Unit = Unit.SESSION,
    everywhere: bool = False,
    seed: int = 0,
) -> UsageBaseline:
    """Read the past of a command, skill or agent.

    Args:
        workspace: its root is where the sessions were started, unless it is the home.
        prompt: the name as the client calls it, or the path of the prompt file.
        client: the client's own folder.
        metric: what an experiment would be about.
        days: how far back to look; None is as far as transcripts go.
        unit: what an experiment would randomise.
        everywhere: sessions of all projects count.
        seed: of the resampling.

    Raises:
        NotFoundError: no transcript holds a use of it outside an experiment.
        UsageError: nobody knows the metric, or so many days are none.
    """
    name, by_plugins = called(workspace.root, prompt)
    primary = _known(metric)
    now = workspace.clock()
    if days is not None and not 0 < days < math.inf:
        raise UsageError(f"{days!r} days, expected a number above zero.")
    root = None if everywhere else home_or_root(workspace.root, client)
    since = 0.0 if days is None else now - days * DAY
    found = past_uses(client, [name], root=root, since=since, of_any_plugin=by_plugins)
    if not found.uses:
        raise _nothing(name, client, found, root)
    uses = undisturbed(workspace, client, [name], found.uses)
    if not uses:
        raise NotFoundError(
            f"All {len(found.uses):,} uses of '{name}' were made during experiments on it, "
            "with the texts of several arms.",
            hint="What the experiment found: meta-experiment status",
        )
    plan = _plan(prompt, primary, unit)
    values = sample_of_uses(uses, primary, unit).raw
    sessions = len({use.session for use in uses})
    rate = daily(found, unit, now)
    seen = judged(plan, Past(values, rate, (), sessions))
    return UsageBaseline(
        metric=metric,
        units_per_day=rate,
        halves=_halves(values, primary, seed),
        plan=plan,
        outlook=seen.outlook,
        warnings=(*_unmeasured(metric, values), *seen.warnings),
        name=name,
        unit=unit.value,
        uses=len(uses),
        sessions=sessions,
        days=(now - found.uses[0].at) / DAY,
        per_day=daily(found, Unit.INVOCATION, now),
        rate_days=days_of(found, now),
        statuses=_statuses(uses),
        spreads=tuple(_spreads(uses, unit)),
        transcripts=found.files,
        transcripts_left_out=found.left_out,
        uses_under_experiment=len(found.uses) - len(uses),
    )


def _known(metric: str) -> Metric:
    try:
        return describe(metric)
    except UsageError as error:
        raise UsageError(
            f"The metric '{metric}' is not known; transcripts tell of none by that name.",
            hint=suggestion(metric, KNOWN_METRICS) or f"For example: {', '.join(SHOWN)}.",
        ) from error


def _nothing(name: str, client: Path, found: PastUses, root: Path | None) -> NotFoundError:
    where = "" if root is None else f" of sessions in {root}"
    return NotFoundError(
        f"No use of '{name}' is in the {found.files} transcripts{where} below {client}.",
        hint="Name it as you call it (review, git:review); --everywhere reads all projects.",
    )


def _unmeasured(metric: str, values: Sequence[float]) -> Iterator[str]:
    if not values:
        yield f"Transcripts hold no value of {metric}; its spread is assumed."


def _plan(prompt: str, metric: Metric, unit: Unit) -> Plan:
    return plan_from_document(
        {
            "name": "baseline",
            "hypothesis": "a look ahead",
            "files": [prompt if prompt.endswith(".md") else ".claude/commands/any.md"],
            "variants": ["control", "treatment"],
            "unit": unit.value,
            "metrics": {"primary": metric.name},
        }
    )


def _statuses(uses: Sequence[Use]) -> dict[str, int]:
    return {
        status.value: count
        for status in TrialStatus
        if (count := sum(use.status == status.value for use in uses))
    }


def _spreads(uses: Sequence[Use], unit: Unit) -> list[MetricSpread]:
    spreads = []
    for name in SHOWN:
        metric = describe(name)
        raw = sample_of_uses(uses, metric, unit).raw
        if raw:
            moments = Moments.of(raw)
            spreads.append(
                MetricSpread(
                    metric=name,
                    unit=metric.unit,
                    n=len(raw),
                    mean=moments.mean,
                    median=sample_quantile(raw, 0.5),
                    sd=moments.sd if len(raw) > 1 else None,
                    low=sample_quantile(raw, 0.1),
                    high=sample_quantile(raw, 0.9),
                )
            )
    return spreads


def _halves(values: Sequence[float], metric: Metric, seed: int) -> NoiseFloor | None:
    if len(values) < _HALVES_LEAST:
        return None
    try:
        return noise_floor_of(values, metric, len(values) // 2, seed)
    except DegenerateDataError:
        return None
