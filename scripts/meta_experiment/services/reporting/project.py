"""All experiments of a project as one document, from the rows that the board keeps ready."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from meta_experiment.decide.reporting.metric_words import label
from meta_experiment.files.roots import Layout
from meta_experiment.model.instants import from_text
from meta_experiment.services.board.board import board
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Action, Decision, Interval, ReasonCode, Status
from meta_experiment.types.results.project_report import (
    SCHEMA,
    ProjectExperiment,
    ProjectReport,
    PromptGenerations,
)


def project_report(
    layout: Layout, clock: Callable[[], float], open_workspace: Callable[[], Workspace]
) -> ProjectReport:
    """Tell of every experiment what the board knows, those that were put away included."""
    view = board(layout, clock, open_workspace, None, archived=True)
    rows: Sequence[Mapping[str, Any]] = view["experiments"]
    found = sorted(map(_experiment, rows), key=lambda it: (-it.created, it.experiment_id))
    decided = [Action(row["outcome"]["action"]) for row in rows if _is_decided(row)]
    return ProjectReport(
        schema=SCHEMA,
        as_of=clock(),
        experiments=tuple(found),
        generations=tuple(_generations(found)),
        decided=len(decided),
        promoted=decided.count(Action.PROMOTE),
    )


def _is_decided(row: Mapping[str, Any]) -> bool:
    """Say whether it ended by what was done last: one that goes on again has not."""
    return row["outcome"] is not None and not Status(row["status"]).is_open


def _experiment(row: Mapping[str, Any]) -> ProjectExperiment:
    primary, outcome, interval = row["primary"], row["outcome"], row.get("interval")
    return ProjectExperiment(
        experiment_id=row["id"],
        name=row["name"],
        files=tuple(row["files"]),
        status=Status(row["status"]),
        decision=row["decision"] and Decision(row["decision"]),
        reason_code=row["reason_code"] and ReasonCode(row["reason_code"]),
        metric=primary["metric"],
        label=label(primary["metric"]),
        treatment=row["leading"],
        improvement=row["improvement"],
        interval=interval and Interval(interval["level"], interval["low"], interval["high"]),
        trials=row["progress"]["trials"],
        created=from_text(row["created"]),
        ended=outcome and from_text(outcome["at"]),
        next_action=row["next_action"],
    )


def _generations(found: Sequence[ProjectExperiment]) -> Iterator[PromptGenerations]:
    by_path: dict[str, list[str]] = {}
    for item in reversed(found):
        for path in item.files[:1]:
            by_path.setdefault(path, []).append(item.experiment_id)
    for path, names in sorted(by_path.items(), key=lambda item: (-len(item[1]), item[0])):
        yield PromptGenerations(path, tuple(names))
