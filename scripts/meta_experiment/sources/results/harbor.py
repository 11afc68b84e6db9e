"""Results of Harbor: a folder a trial, each with its `result.json`, in the folder of a job."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from meta_experiment.sources.results.benchmark import Origin, instant
from meta_experiment.sources.results.harness_runs import HarnessRuns, part, words
from meta_experiment.sources.results.imported import NOT_GRADED, ImportedTrials
from meta_experiment.types import TrialStatus

KIND = "harbor"
RESULT = "result.json"
_REWARD = "reward"
_ITS_OWN_TIME = "AgentTimeoutError"  # the agent's fault; every other exception is not

Trial = Mapping[str, Any]


def recognised(document: object) -> TypeGuard[Mapping[str, Any]]:
    """Say whether a document is the result of a trial."""
    return isinstance(document, Mapping) and {
        "task_name", "trial_name", "agent_info",
    } <= document.keys()  # fmt: skip


def parse(origin: Origin, trials: Sequence[Trial]) -> ImportedTrials:
    """Read the trials of a job; attempts at one task are repeats of one case.

    Raises:
        RefusedError: no run counts.
    """
    found = HarnessRuns(KIND, origin, {})
    arms = _arms(trials)
    for arm, trial in zip(arms, trials, strict=True):
        _add(found, arm, trial)
    times = [at for trial in trials if (at := instant(words(trial.get("started_at"))))]
    return found.imported(
        words(trials[0].get("source")) if trials else None, min(times, default=None)
    )


def _arms(trials: Sequence[Trial]) -> list[str]:
    """Return the agent of every trial, with its model where one agent ran several."""
    agents = [words(part(item, "agent_info").get("name")) or "agent" for item in trials]
    models = [
        words(part(part(item, "agent_info"), "model_info").get("name")) for item in trials
    ]
    several: dict[str, set[str | None]] = {agent: set() for agent in agents}
    for agent, model in zip(agents, models, strict=True):
        several[agent].add(model)
    return [
        f"{agent} on {model}" if model and len(several[agent]) > 1 else agent
        for agent, model in zip(agents, models, strict=True)
    ]


def _add(found: HarnessRuns, arm: str, trial: Trial) -> None:
    case, at = str(trial["task_name"]), instant(words(trial.get("started_at")))
    exception = words(part(trial, "exception_info").get("exception_type"))
    if exception is not None and exception != _ITS_OWN_TIME:
        found.lost(arm, case, f"ended by an error, not by its agent ({exception})", at=at)
        return
    rewards, spent = (
        part(part(trial, "verifier_result"), "rewards"),
        part(trial, "agent_result"),
    )
    reward = rewards.get(_REWARD, next(iter(rewards.values())) if len(rewards) == 1 else None)
    record: dict[str, object] = {
        "duration_seconds": _seconds(part(trial, "agent_execution")),
        "input_tokens": spent.get("n_input_tokens"),
        "output_tokens": spent.get("n_output_tokens"),
        "cost_usd": spent.get("cost_usd"),
    }
    if isinstance(reward, int | float) and math.isfinite(reward):
        record["score"] = float(reward)
        record["success"] = float(reward) if reward in (0, 1) else None
    else:
        found.ledger.exclude(NOT_GRADED)
    status = TrialStatus.TIMEOUT if exception else TrialStatus.OK
    found.add(arm, case, record, status=status, at=at)


def _seconds(timing: Mapping[str, object]) -> float | None:
    ends = [instant(words(timing.get(name))) for name in ("started_at", "finished_at")]
    began, ended = ends
    return None if began is None or ended is None else ended - began
