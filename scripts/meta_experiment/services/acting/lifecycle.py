"""Changes of status without a decision: start, pause, resume, archive.

What is served follows the status: after each of them the disk is made equal to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from meta_experiment.deploy.apply import observe
from meta_experiment.errors import (
    ConflictError,
    DriftError,
    InvalidStateError,
    MetaExperimentError,
    RefusedError,
    as_word,
)
from meta_experiment.files.confine import Content, plain_path
from meta_experiment.files.interruption import held
from meta_experiment.files.roots import git_top
from meta_experiment.model.instants import DAY, end_told
from meta_experiment.model.registry import as_stored
from meta_experiment.model.team_document import check_team
from meta_experiment.prompts.identity import require_files
from meta_experiment.protocol.index import AGENT
from meta_experiment.services.acting.holdouts import open_holdout
from meta_experiment.services.acting.layering import refuse_taken_slots
from meta_experiment.services.acting.learnings import learnings_in
from meta_experiment.services.find import find_in, require_status
from meta_experiment.services.serving.line_ends import line_ends_hint
from meta_experiment.services.serving.plugin import plugin_needed
from meta_experiment.services.serving.reconciliation import serving_lock
from meta_experiment.services.serving.serving_plan import (
    manual_only_reason,
    plan_serving,
    require_servable,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Assignment, Experiment, FileVersion, Status, Unit
from meta_experiment.types.results.status_change import StatusChange

OPEN = tuple(status for status in Status if status.is_open)
_ENDED = (Status.PROMOTED, Status.ROLLED_BACK, Status.EXPIRED, Status.DRAFT)

Change = Callable[[Experiment, float], Experiment]


def start(
    workspace: Workspace, selector: str, *, manual: bool = False, how: str | None = None
) -> StatusChange:
    """Begin to assign units, and to serve the variants of the prompt file.

    The file must still be the control that the plan knows. An experiment that runs already,
    started in another checkout, is joined: it is then served here as well. `manual` leaves
    serving and recording to the user. `how` is what `require_startable` returned of it.

    Raises:
        RefusedError, ConflictError: it cannot be served here; the message says why.
    """
    found = find_in(workspace.store, selector)
    check_team(found.plan)
    joins = found.status is Status.RUNNING and not workspace.checkout.started_here(found)

    def begin(experiment: Experiment, now: float) -> Experiment:
        allowed = (Status.RUNNING,) if joins else (Status.DRAFT,)
        require_status(experiment, allowed, "started")
        _refuse_past_end(experiment, now)
        refuse_taken_slots(experiment, workspace.store.experiments())
        require_control_on_disk(workspace, experiment)
        return experiment if joins else replace(experiment, status=Status.RUNNING, started=now)

    if not joins:
        require_status(found, (Status.DRAFT,), "started")
    if how is None:
        how = _require_served(workspace, found, manual=manual)
    verb = "join" if joins else "start"
    workspace.checkout.ensure_ignored()  # a clone may have come without git's instructions
    outcome = f"is running{how}"
    return _move(workspace, found.experiment_id, begin, verb, outcome, manual=manual)


def require_startable(
    workspace: Workspace,
    experiment: Experiment,
    contents: Mapping[str, Mapping[str, Content | None]],
    *,
    manual: bool = False,
) -> str:
    """Say how an experiment will be served here, before anything of it is stored.

    Raises:
        RefusedError, ConflictError: it cannot be served; the message says why.
    """
    arms = next(iter(contents.values()))
    texts = {name: content for name, content in arms.items() if content is not None}
    return _how_served(workspace, experiment, texts, manual=manual)


def _require_served(workspace: Workspace, experiment: Experiment, *, manual: bool) -> str:
    """Say how an experiment that is stored will be served here. Raises as `start` does."""
    require_control_on_disk(workspace, experiment)
    try:
        return _how_served(workspace, experiment, manual=manual)
    except RefusedError as error:
        raise RefusedError(
            error.message, hint=f"{error.hint or ''} {_anew(experiment)}".strip()
        ) from error


def pause(workspace: Workspace, selector: str) -> StatusChange:
    """Stop assigning new units; trials under way may still be recorded."""

    def halt(experiment: Experiment, now: float) -> Experiment:
        del now
        require_status(experiment, (Status.RUNNING,), "paused")
        return replace(experiment, status=Status.PAUSED)

    return _move(workspace, selector, halt, "pause", "is paused; resume it at any time.")


def resume(workspace: Workspace, selector: str) -> StatusChange:
    """Go on after a pause, or after an end without a decision that may be extended."""

    def go_on(experiment: Experiment, now: float) -> Experiment:
        require_status(experiment, (Status.PAUSED, Status.EXPIRED), "resumed")
        others = [
            item
            for item in workspace.store.experiments()
            if item.experiment_id != experiment.experiment_id
        ]
        refuse_shared_files(experiment, others)
        refuse_taken_slots(experiment, others)
        _refuse_past_end(experiment, now)
        if experiment.status is Status.EXPIRED:
            _refuse_past_horizon(experiment, now)
        require_control_on_disk(workspace, experiment)
        # one that ended as a draft begins now
        started = now if experiment.started is None else experiment.started
        return replace(experiment, status=Status.RUNNING, started=started, ended=None)

    found = find_in(workspace.store, selector)
    require_status(found, (Status.PAUSED, Status.EXPIRED), "resumed")
    start = workspace.checkout.start_of(found)
    manual = start is not None and start.manual
    how = _how_served(workspace, found, manual=manual)
    outcome = f"is running again{how}"
    return _move(workspace, found.experiment_id, go_on, "resume", outcome, manual=manual)


def archive(workspace: Workspace, selector: str) -> StatusChange:
    """Take an experiment that has ended off the board; its data stay."""

    def put_away(experiment: Experiment, now: float) -> Experiment:
        require_status(experiment, _ENDED, "archived")
        holdout = open_holdout(workspace.store.experiments(), experiment.experiment_id)
        if holdout is not None:
            raise InvalidStateError(
                f"{experiment.experiment_id} is watched by {holdout.experiment_id}, which has "
                "not ended.",
                hint=f"End it first: meta-experiment stop {holdout.experiment_id}",
            )
        return replace(experiment, status=Status.ARCHIVED, ended=experiment.ended or now)

    moved = _move(workspace, selector, put_away, "archive", "is archived; its data stay.")
    moved = replace(moved, notes=(*moved.notes, *_unlearnt(workspace, moved.experiment)))
    with suppress(MetaExperimentError):  # who knows no more of it needs no leave to serve it
        workspace.checkout.unmark_started(moved.experiment.experiment_id)
    return moved


def _unlearnt(workspace: Workspace, experiment: Experiment) -> Iterator[str]:
    """Say that nothing was written down of an experiment, where it showed something."""
    name = experiment.experiment_id
    with suppress(MetaExperimentError):  # whoever reads it says what is wrong with it
        entries = learnings_in(workspace.layout).entries
        if experiment.plan.holdout is not None:
            return
        if experiment.started is not None and name not in {it.experiment_id for it in entries}:
            yield (
                "Nothing was written down of what it taught: "
                f"meta-experiment learn {name} --why TEXT --next TEXT"
            )


def refuse_shared_files(experiment: Experiment, others: Iterable[Experiment]) -> None:
    """Refuse a file that another experiment, not yet ended, already holds.

    Raises:
        ConflictError: names the file and the other experiment.
    """
    for other in others:
        shared = _files_of(experiment) & _files_of(other)
        if other.status.is_open and shared:
            raise ConflictError(
                f"{as_word(min(shared))} is already under experiment in {other.experiment_id} "
                f"({other.status.value}); two experiments on one file would mix their effects.",
                hint=f"End it first: meta-experiment stop {other.experiment_id}",
            )


def _files_of(experiment: Experiment) -> set[str]:
    """Return all files of an experiment; one of an older registry has no versions."""
    return {*experiment.plan.files, *experiment.versions}


def require_control_on_disk(workspace: Workspace, experiment: Experiment) -> None:
    """Refuse to go on when a file is not the control any more, or no prompt by its name.

    Raises:
        DriftError, RefusedError: name the file.
        UnsafePathError, NotFoundError: it cannot be read safely.
    """
    require_files(map(plain_path, experiment.versions), experiment.plan.files)
    for path, arms in experiment.versions.items():
        control = arms[experiment.plan.control.name]
        found = observe(workspace.root, path) if control is None else workspace.prompt(path)
        if (found and found.sha256) != (control and control.sha256):
            ends = _line_ends(path, found, control)
            raise DriftError(
                f"{as_word(path)} is not the control of {experiment.experiment_id}: it was "
                "changed since the experiment was created.",
                hint=ends or f"Bring the file back, or {_another(experiment)}",
            )


def _line_ends(path: str, found: object, control: FileVersion | None) -> str:
    if control is None or not isinstance(found, Content):
        return ""
    return line_ends_hint(
        path, found.data, lambda data: found._replace(data=data).sha256 == control.sha256
    )


def _another(experiment: Experiment) -> str:
    new = "create a new experiment on it."
    if not experiment.status.is_open:
        return new
    return f"end this one (meta-experiment stop {experiment.experiment_id}) and {new}"


def _how_served(
    workspace: Workspace,
    experiment: Experiment,
    texts: Mapping[str, Content] | None = None,
    *,
    manual: bool,
) -> str:
    """Check that an experiment can be served here, and say how it will be.

    `texts` are those of its arms, where they are not stored yet.
    """
    if experiment.plan.assignment is Assignment.EXTERNAL:
        name = experiment.experiment_id
        return f"; tell it what was run: meta-experiment record {name} --variant NAME"
    if manual:
        return "; it assigns new units."
    why = manual_only_reason(workspace, experiment)
    if why:
        name = experiment.experiment_id
        on_cases = experiment.plan.unit is Unit.CASE
        run = f"meta-experiment run {name} --cases PATH, or " if on_cases else ""
        return (
            f"; it assigns new units. Nothing serves them by itself, as {why}: use "
            f"{run}meta-experiment assign {name}, then record."
        )
    serving = plan_serving(workspace, experiment, texts)
    require_servable(workspace, serving)
    what = ("the agent " if serving.kind == AGENT else "/") + as_word(serving.name)
    hidden = workspace.git is not None and git_top(workspace.root) is not None
    unseen = " git sees no change." if hidden else ""
    return (
        f": {what} is served with its variants from the next session on, and within seconds "
        f"where one is open.{unseen}{plugin_needed(workspace.root, workspace.machine)}"
    )


def _anew(experiment: Experiment) -> str:
    if experiment.status is not Status.DRAFT:
        return ""
    return (
        "A draft keeps the texts it was made with: after changing them, end it "
        f"(meta-experiment stop {experiment.experiment_id}) and create it anew."
    )


def _move(
    workspace: Workspace,
    selector: str,
    change: Change,
    verb: str,
    outcome: str,
    *,
    manual: bool | None = None,
) -> StatusChange:
    """Change the status, and with it what is served: both, or nothing.

    `outcome` is what to say of it, after the experiment's name. For one that begins here,
    `manual` tells who serves it.
    """
    name = find_in(workspace.store, selector).experiment_id
    transition = _Transition(change, workspace.clock())
    with serving_lock(workspace) as reconcile, held(f"The {verb} was finished first."):
        found = workspace.store.experiment(name)
        unmarked = manual is not None and not workspace.checkout.started_here(found)
        try:
            if manual is not None:
                workspace.checkout.mark_started(found, manual=manual)
            before, after = workspace.store.change(name, transition)
            result = reconcile()
            refused = result.refused.get(name)
            if refused is not None:
                raise refused
        except MetaExperimentError:
            with suppress(MetaExperimentError):
                _take_back(workspace, found, transition, unmarked=unmarked)
                reconcile()
            raise
        sentence = f"{name} {outcome}"
        notes = (*result.notes, *noted(workspace, after, verb, before.status, sentence))
    return StatusChange(
        experiment_id=after.experiment_id,
        before=before.status,
        status=after.status,
        notes=notes,
        sentence=sentence,
        experiment=after,
    )


@dataclass
class _Transition:
    """A change of status, and what it made of what, as it is stored, once it was called.

    Whoever is refused by the disk cannot know whether that was stored.
    """

    change: Change
    now: float
    made: tuple[Experiment, Experiment] | None = None

    def __call__(self, before: Experiment) -> Experiment:
        """Return the experiment with its new status."""
        after = as_stored(self.change(before, self.now))
        self.made = before, after
        return after


def _take_back(
    workspace: Workspace, found: Experiment, transition: _Transition, *, unmarked: bool
) -> None:
    """Give an experiment the status back that it had, and the mark that it had none of."""
    name = found.experiment_id
    if transition.made is not None:
        before, after = transition.made
        workspace.store.change(name, lambda item: before if item == after else item)
    # It may run already and have failed to note that; then it is served all the same.
    if unmarked and workspace.store.experiment(name).status == found.status:
        workspace.checkout.unmark_started(name)


def noted(
    workspace: Workspace, after: Experiment, verb: str, before: Status, reason: str
) -> list[str]:
    """Add to the history of an experiment what is done already; say if that failed."""
    try:
        workspace.note(after, verb, before, reason)
    except MetaExperimentError as error:
        return [f"Its history lacks this until meta-experiment repair: {error.message}"]
    return []


def _refuse_past_end(experiment: Experiment, now: float) -> None:
    end, name = experiment.plan.end_date, experiment.experiment_id
    if end is not None and now >= end:
        raise InvalidStateError(
            f"The end date of {name}, {end_told(end)}, is over: no unit would take part.",
            hint=f"Name a later one on the record: meta-experiment amend {name} "
            "--set end_date=DATE --why '…'",
        )


def _refuse_past_horizon(experiment: Experiment, now: float) -> None:
    started = experiment.began if experiment.began is not None else now
    days = experiment.plan.max_duration_days
    if now >= started + days * DAY:
        raise InvalidStateError(
            f"{experiment.experiment_id} has run its {days:g} days.",
            hint=(
                f"Extend it on the record: meta-experiment amend {experiment.experiment_id} "
                f"--set max_duration_days={days * 2:g} --why '…'"
            ),
        )
