"""All experiments of a project as one document, from the rows that the board keeps ready."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from meta_experiment.decide.reporting.discoveries import false_discoveries
from meta_experiment.decide.reporting.metric_words import label
from meta_experiment.decide.reporting.savings import savings
from meta_experiment.decide.reporting.where_it_stands import state_after
from meta_experiment.files.roots import Layout
from meta_experiment.model.experiment_document import outcome_from_document
from meta_experiment.model.instants import from_text
from meta_experiment.services.board.board import board
from meta_experiment.services.board.promotions import standing_times, tried_experiments
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.marks import measured_here
from meta_experiment.types import Decision, Interval, ReasonCode, Status
from meta_experiment.types.results.project_report import (
    SCHEMA,
    ProjectExperiment,
    ProjectReport,
    PromptGenerations,
    Urgency,
)
from meta_experiment.types.results.report_standing import StandingState
from meta_experiment.types.vocabulary import Lack, Stage

Row = Mapping[str, Any]

_OPEN = {
    Status.DRAFT: StandingState.DRAFT,
    Status.RUNNING: StandingState.RUNNING,
    Status.PAUSED: StandingState.PAUSED,
}
_LOST = {  # how urgent it is where a holdout found that of what is promoted
    ReasonCode.REVERSED: Urgency.DUE,
    ReasonCode.DECAYED: Urgency.LOOK,
}
_ANSWERS = (ReasonCode.STILL_BETTER, *_LOST)
_BY_STAGE = {Stage.ENDED: Urgency.LESSON, Stage.DUE: Urgency.DUE}


def project_report(
    layout: Layout, clock: Callable[[], float], open_workspace: Callable[[], Workspace]
) -> ProjectReport:
    """Tell of every experiment what the board knows, those that were put away included."""
    now = clock()
    view = board(layout, clock, open_workspace, None, archived=True)
    rows: Sequence[Row] = view["experiments"]
    findings = _findings(rows)
    found = [_with_finding(_experiment(row), findings.get(row["id"])) for row in rows]
    found.sort(key=lambda it: (-it.created, it.experiment_id))
    found.sort(key=lambda it: list(Urgency).index(it.urgency))
    decided = [it.state for it in found if it.watches is None and _has_ended(it)]
    return ProjectReport(
        schema=SCHEMA,
        as_of=now,
        experiments=tuple(found),
        generations=tuple(_generations(found)),
        decided=len(decided),
        promoted=decided.count(StandingState.PROMOTED),
        impact=savings(tuple(standing_times(rows, measured_here(layout))), now),
        false_discoveries=false_discoveries(tuple(tried_experiments(rows))),
    )


def _has_ended(item: ProjectExperiment) -> bool:
    """Say whether it ended by what was done last: one that goes on again has not."""
    return item.state not in (*_OPEN.values(), StandingState.DROPPED)


def _experiment(row: Row) -> ProjectExperiment:
    primary, outcome, interval = row["primary"], row["outcome"], row["interval"]
    told = _as_decided(row)
    return ProjectExperiment(
        experiment_id=row["id"],
        name=row["name"],
        files=tuple(row["files"]),
        status=Status(row["status"]),
        state=_state(row),
        urgency=_urgency(row),
        decision=told["decision"] and Decision(told["decision"]),
        reason_code=told["reason_code"] and ReasonCode(told["reason_code"]),
        metric=primary["metric"],
        label=label(primary["metric"]),
        treatment=row["leading"],
        improvement=row["improvement"] if interval else told["improvement"],
        interval=interval and Interval(interval["level"], interval["low"], interval["high"]),
        trials=row["progress"]["trials"],
        created=from_text(row["created"]),
        promoted=row["promoted"] and from_text(row["promoted"]),
        ended=outcome and from_text(outcome["at"]),
        overridden=bool(outcome and outcome["override"]),
        watches=row["watches"],
        finding=None,
        alerts=tuple(row["alerts"]) if Status(row["status"]).is_open else (),
        next_action=row["next_action"],
    )


def _as_decided(row: Row) -> Row:
    """Return what was recorded when it ended: trials may be elsewhere, or more by now."""
    outcome = row["outcome"]
    ended = outcome is not None and not Status(row["status"]).is_open
    return outcome if ended and outcome["decision"] is not None else row


def _state(row: Row) -> StandingState:
    status, outcome = Status(row["status"]), row["outcome"]
    if status in _OPEN:
        return _OPEN[status]
    if outcome is None or row["started"] is None:
        return StandingState.DROPPED
    done, promoted = outcome_from_document(outcome), row["promoted"] is not None
    return state_after(done, promoted=promoted, holdout=row["watches"] is not None)


def _urgency(row: Row) -> Urgency:
    stage, missing = Stage(row["stage"]), row["missing"]
    unsound = Lack.SOUND_DATA in missing or Lack.TRIALS in missing
    going = Status(row["status"]).is_open
    if going and (unsound or (row["alerts"] and stage is not Stage.DUE)):
        return Urgency.LOOK
    if stage in _BY_STAGE:
        return _BY_STAGE[stage]
    if row["status"] == Status.DRAFT:
        return Urgency.DRAFT
    return Urgency.OPEN if going else Urgency.NOTHING


def _findings(rows: Sequence[Row]) -> dict[str, ReasonCode]:
    """Return what the last holdout that was answered found, by what it watched."""
    ended = [row for row in rows if row["watches"] is not None and row["outcome"] is not None]
    ended.sort(key=lambda row: str(row["outcome"]["at"]))
    codes = ((row["watches"], row["outcome"]["reason_code"]) for row in ended)
    return {of: ReasonCode(code) for of, code in codes if code in _ANSWERS}


def _with_finding(item: ProjectExperiment, finding: ReasonCode | None) -> ProjectExperiment:
    item = replace(item, finding=finding)
    if finding not in _LOST or item.status is not Status.PROMOTED:
        return item
    command = f"meta-experiment rollback {item.experiment_id}"
    return replace(item, urgency=_LOST[finding], next_action=command)


def _generations(found: Sequence[ProjectExperiment]) -> Iterator[PromptGenerations]:
    by_path: dict[str, list[str]] = {}
    for item in sorted(found, key=lambda it: (it.created, it.experiment_id)):
        for path in item.files[:1] if item.watches is None else ():
            by_path.setdefault(path, []).append(item.experiment_id)
    for path, names in sorted(by_path.items(), key=lambda item: (-len(item[1]), item[0])):
        yield PromptGenerations(path, tuple(names))
