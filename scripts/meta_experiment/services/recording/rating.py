"""Quality, added to a trial that was served: by the user, by the model, by a command."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

from meta_experiment.errors import (
    ConflictError,
    InvalidStateError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from meta_experiment.live.client_process import client_of
from meta_experiment.protocol import index, places
from meta_experiment.protocol.sessions import Session, list_sessions
from meta_experiment.records import dataclass
from meta_experiment.services.find import find_in
from meta_experiment.services.naming import pick
from meta_experiment.services.recording.recording import checked_metrics
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import Experiment, Status
from meta_experiment.types.results.rating import RatingResult

LOWEST, HIGHEST = 1.0, 5.0
RATING = "rating"


@dataclass(frozen=True, slots=True)
class TrialSelector:
    """The trial that is meant: by its id, or the newest of a session, or of an experiment.

    Where the session has none, that of an earlier one of the same process of the client.
    """

    trial_id: str | None = None
    session: str | None = None
    experiment: str | None = None
    client: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Target:
    workspace: Workspace
    experiment_id: str
    trial_id: str
    variant: str
    unit: str
    at: float


def rate(
    workspaces: Sequence[Workspace], selector: TrialSelector, metrics: Mapping[str, float]
) -> RatingResult:
    """Add metrics to a trial, open or closed; durable on return.

    The first workspace is the user's place; the others are roots selector prompts are served
    there as well.

    Raises:
        UsageError: a metric that the plan does not know, or an impossible value.
        NotFoundError: no trial fits. ConflictError: several sessions could be meant.
        InvalidStateError: the experiment takes no trials any more.
    """
    if not metrics:
        raise UsageError("There is nothing to add.", hint="meta-experiment rate 4")
    target = _target(workspaces, selector)
    workspace = target.workspace
    experiment = find_in(workspace.store, target.experiment_id)
    if experiment.status in (Status.DRAFT, Status.ARCHIVED):
        raise InvalidStateError(
            f"{experiment.experiment_id} is {experiment.status.value} and takes no trials."
        )
    checked = checked_metrics(experiment.plan, metrics, "rate")
    _require_rating(checked.get(RATING))
    known = _known(workspace, experiment, target.trial_id)
    # A second value would never count: it is refused here, not stored to be told for ever.
    new = {name: value for name, value in checked.items() if name not in known}
    if new:
        # Without a status: whether the trial went well is for its closing to say.
        event = TrialEvent(
            kind=EventKind.RECORDED,
            at=workspace.clock(),
            trial_id=target.trial_id,
            variant=target.variant,
            unit=target.unit or None,
            metrics=new,
        )
        workspace.store.append(experiment.experiment_id, [event])
    stands = {name: known.get(name, value) for name, value in checked.items()}
    return RatingResult(
        experiment.experiment_id,
        target.trial_id,
        target.variant,
        stands,
        tuple(
            f"trial {target.trial_id}: {name} is {value:g} already, which stands; "
            f"not kept: {checked[name]:g}"
            for name, value in stands.items()
            if value != checked[name]
        ),
    )


def _require_rating(value: float | None) -> None:
    if value is not None and not LOWEST <= value <= HIGHEST:
        raise UsageError(
            f"{value:g} is no rating; expected a number from {LOWEST:g} to {HIGHEST:g}.",
            hint="meta-experiment rate 4",
        )


def _known(workspace: Workspace, experiment: Experiment, trial_id: str) -> Mapping[str, float]:
    """Return what is recorded of a trial already."""
    found = workspace.store.trials(experiment).trials
    return next((trial.metrics for trial in found if trial.trial_id == trial_id), {})


def outcome_of(command: Sequence[str]) -> float:
    """Run a command, its output on stderr; 1 when it exits with 0, else 0.

    Raises:
        UsageError: there is no such program. RefusedError: it was killed: that is no result.
    """
    try:
        done = subprocess.run(list(command), stdout=sys.stderr.fileno(), check=False)
    except OSError as error:
        raise UsageError(
            f"'{command[0]}' cannot be run: {error.strerror}; nothing was recorded."
        ) from error
    if done.returncode < 0:
        raise RefusedError(
            f"'{command[0]}' was killed by signal {-done.returncode}; that is no result, "
            "so nothing was recorded."
        )
    return float(done.returncode == 0)


def _target(workspaces: Sequence[Workspace], selector: TrialSelector) -> _Target:
    if selector.trial_id is not None:
        return _by_id(workspaces, selector)
    if selector.session is not None:
        return _of_session(workspaces, selector, selector.session)
    found = {
        session.id: targets[-1]
        for workspace in workspaces[:1]
        for session in list_sessions(str(workspace.root))
        if (targets := _open([workspace], session.id, selector.experiment))
    }
    if len(found) > 1:
        raise ConflictError(
            f"{len(found)} sessions have a trial that could be meant.",
            hint=f"Say which: meta-experiment rate 4 --session {shlex.quote(min(found))}",
        )
    if not found:
        raise NotFoundError(
            "No session has an open trial here.",
            hint="Name one: meta-experiment rate 4 --trial-id ID (see: trials EXPERIMENT).",
        )
    return next(iter(found.values()))


def _by_id(workspaces: Sequence[Workspace], selector: TrialSelector) -> _Target:
    for workspace in workspaces:
        for session in list_sessions(str(workspace.root)):
            for target in _open([workspace], session.id, selector.experiment):
                if target.trial_id == selector.trial_id:
                    return target
    for workspace in workspaces:
        for experiment in _newest_first(workspace.store.experiments()):
            for target in _recorded(workspace, experiment):
                if target.trial_id == selector.trial_id:
                    return target
    raise NotFoundError(
        f"There is no trial '{selector.trial_id}'.",
        hint="List them with: meta-experiment trials EXPERIMENT",
    )


def _of_session(
    workspaces: Sequence[Workspace], selector: TrialSelector, session: str
) -> _Target:
    """Return the newest open trial of a session, else the one that closed last."""
    if not places.is_plain(session):
        raise UsageError(f"'{session}' is no session.")
    found = _open(workspaces, session, selector.experiment)
    found = found or _closed(workspaces, session, selector.experiment)
    found = found or _before(workspaces, selector)
    if not found:
        raise NotFoundError(
            "This session has no trial: no prompt under experiment was served in it.",
            hint="Name one: meta-experiment rate 4 --trial-id ID (see: trials EXPERIMENT).",
        )
    return found[-1]


def _open(
    workspaces: Sequence[Workspace], session: str, experiment: str | None
) -> list[_Target]:
    found = [
        _Target(
            workspace,
            trial.experiment_id,
            trial.trial_id,
            trial.variant,
            trial.unit,
            trial.epoch_ms / 1000,
        )
        for workspace in workspaces
        for trial in Session(str(workspace.root), session).open_trials()
    ]
    return _fitting(found, experiment)


def _closed(
    workspaces: Sequence[Workspace], session: str, experiment: str | None
) -> list[_Target]:
    """Return the trials that closed in this session: by its own note, else by their unit."""
    found = []
    for workspace in workspaces:
        here = Session(str(workspace.root), session)
        noted = {closed.trial_id for closed in here.read_closed()}
        units = {session, *here.read_prompts()}
        served = {entry.id for entry in index.entries(here.root)}
        found += [
            target
            for known in workspace.store.experiments()
            if known.experiment_id in served
            for target in _recorded(workspace, known)
            if target.unit in units or target.trial_id in noted
        ]
    return _fitting(found, experiment)


def _before(workspaces: Sequence[Workspace], selector: TrialSelector) -> list[_Target]:
    """Return the trials of the client's earlier sessions, as before a `/clear`."""
    found = []
    for workspace in workspaces:
        earlier = [
            session
            for session in list_sessions(str(workspace.root))
            if selector.client and client_of(session) == selector.client
        ]
        for session in earlier:
            found += _open([workspace], session.id, selector.experiment)
            found += _closed([workspace], session.id, selector.experiment)
    return sorted(found, key=lambda target: target.at)


def _recorded(workspace: Workspace, experiment: Experiment) -> Iterator[_Target]:
    for trial in workspace.store.trials(experiment).trials:
        at = trial.closed_at or trial.assigned_at or 0.0
        name = experiment.experiment_id
        yield _Target(workspace, name, trial.trial_id, trial.variant, trial.unit, at)


def _fitting(found: list[_Target], experiment: str | None) -> list[_Target]:
    """Keep what belongs to the experiment that was named, oldest first."""
    if experiment is not None and found:
        whole = {target.workspace.root: target.workspace for target in found}.values()
        known = {
            item.experiment_id: item for each in whole for item in each.store.experiments()
        }
        ids = {target.experiment_id for target in found}
        files = {name: known[name].plan.files for name in ids if name in known}
        name = pick(ids, experiment, files=files)
        found = [target for target in found if target.experiment_id == name]
    return sorted(found, key=lambda target: target.at)


def _newest_first(experiments: Sequence[Experiment]) -> list[Experiment]:
    return sorted(experiments, key=lambda item: item.created, reverse=True)
