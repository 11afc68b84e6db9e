"""Telling people of what stands: each event once at each target, whatever happens on the way.

What could not be sent waits in the book and is sent with the next call, or by the next `auto`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from meta_experiment.errors import (
    MetaExperimentError,
    RateLimitError,
    RemoteError,
    UsageError,
)
from meta_experiment.files.lock import FileLock
from meta_experiment.records import dataclass
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.find import find_in
from meta_experiment.services.notifying.notification_book import (
    DeliveryRecord,
    NotificationBook,
)
from meta_experiment.services.notifying.sending import exact_text, send, shown_target
from meta_experiment.services.notifying.standing_events import identity_of, standing_events
from meta_experiment.services.notifying.state_signal import write_signal
from meta_experiment.services.notifying.workflow_experiments import (
    declared_targets,
    find_told,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Status
from meta_experiment.types.notification import (
    DeliveryState,
    Notification,
    NotificationChannel,
    NotificationEvent,
    NotificationTarget,
)
from meta_experiment.types.results.examination import Examination
from meta_experiment.types.results.notification import (
    Delivery,
    KeptTargets,
    NotificationResult,
)
from meta_experiment.workflows.workflow_names import workflow_of

LOCK = "notify"
_REMEMBERED = 366 * 86_400.0  # seconds after the end of an experiment that was archived


class Wording(Protocol):
    """What is said of an event: a line, and a text in Markdown."""

    def __call__(self, examined: Examination, event: NotificationEvent) -> tuple[str, str]:
        """Return both."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """What is to be told of one experiment now, and whether its minimum is reached."""

    told: tuple[Notification, ...] = ()
    reached: bool = False


@dataclass(frozen=True, slots=True)
class NotifyOptions:
    """Whom to tell, and how.

    `targets` are named by the caller; with `declared` those that a workflow's file names in a
    `repository` are as well. What is told is written into the file `state` besides. `keep`
    tells them from now on, and `forget` nobody. `within` are seconds for each target. With
    `background`, nobody is asked again who has it or has refused it.
    """

    targets: tuple[NotificationTarget, ...] = ()
    declared: bool = False
    repository: str = ""
    state: Path | None = None
    keep: bool = False
    forget: bool = False
    within: float = 60.0
    background: bool = False


def notify(
    workspace: Workspace,
    selectors: Sequence[str],
    options: NotifyOptions,
    wording: Wording,
    *,
    dry_run: bool,
) -> NotificationResult:
    """Tell of some experiments, or of all whose targets are kept; return what became of it.

    Raises:
        UsageError: nobody is to be told. NotFoundError: there is no such experiment.
        LockedError: another process tells them just now.
    """
    if dry_run:
        return _notified(workspace, selectors, options, wording, dry_run=True)
    with FileLock(workspace.layout.lock(LOCK), verb="notify"):
        return _notified(workspace, selectors, options, wording, dry_run=False)


def _notified(
    workspace: Workspace,
    selectors: Sequence[str],
    options: NotifyOptions,
    wording: Wording,
    *,
    dry_run: bool,
) -> NotificationResult:
    book = NotificationBook(workspace.layout, workspace.files)
    found = [find_told(workspace, item) for item in selectors]
    named = {item.experiment_id: item for item in found}
    waiting = [it.notification.experiment_id for it in book.waiting]
    chosen = list(named) or list(dict.fromkeys([*book.targets, *waiting]))
    if options.declared:
        options = replace(options, targets=_with_declared(workspace, found, options))
    if not dry_run and (options.keep or options.forget):
        for name in named:
            kept = () if options.forget else (*book.targets.get(name, ()), *options.targets)
            book.keep_targets(name, tuple(dict.fromkeys(kept)))
    notes: list[str] = []
    standing = {
        name: _standing(workspace, name, named.get(name), wording, notes)
        for name in chosen
        if not options.forget and (options.state or options.targets or book.targets.get(name))
    }
    due = [
        record
        for name in chosen
        for record in _due(book, name, standing.get(name, _Standing()).told, options)
    ]
    overtaken = [
        it for name, one in standing.items() for it in _overtaken(book, name, one.told)
    ]
    if options.state is not None and not dry_run:
        write_signal(
            workspace.files,
            options.state,
            [it.target for it in due],
            [it.text for one in standing.values() for it in one.told],
            reached=any(one.reached for one in standing.values()),
        )
        notes.append(f"{options.state} says what later steps may tell.")
    told = [
        _planned(record) if dry_run else _delivered(workspace, book, record, options)
        for record in due
    ]
    if not dry_run:
        book.drop(overtaken)
        book.forget(_long_put_away(workspace, book))
    kept_now = tuple(
        KeptTargets(name, tuple(map(shown_target, listed)))
        for name, listed in book.targets.items()
        if name in chosen
    )
    asked = options.forget or options.state or options.targets
    if not (due or asked or kept_now or notes):
        raise UsageError(
            "Nobody is to be told: no target is named, and none is kept.",
            hint="Name one: --issue OWNER/REPO#N, --discussion …, --webhook URL, --terminal.",
        )
    return NotificationResult(tuple(told), kept_now, tuple(notes), dry_run)


def _long_put_away(workspace: Workspace, book: NotificationBook) -> frozenset[str]:
    """Return the experiments of a book that were archived and ended a year ago or more."""
    known = {it.notification.experiment_id for it in book.deliveries.values()} | {*book.targets}
    over = workspace.clock() - _REMEMBERED
    found = set()
    for name in known & workspace.store.archived_ids():
        with suppress(MetaExperimentError):  # one that cannot be read is not forgotten
            experiment = workspace.store.experiment(name)
            ended = experiment.ended
            if experiment.status is Status.ARCHIVED and ended is not None and ended < over:
                found.add(name)
    return frozenset(found)


def _with_declared(
    workspace: Workspace, experiments: Sequence[Experiment], options: NotifyOptions
) -> tuple[NotificationTarget, ...]:
    """Return all who are named, by the caller and by the workflow of the one experiment.

    Raises:
        UsageError: it is not one, or its workflow names nobody.
    """
    if len(experiments) != 1:
        raise UsageError("--declared: name the one experiment whose workflow is meant.")
    declared = declared_targets(workspace, experiments[0], options.repository)
    return tuple(dict.fromkeys((*options.targets, *declared)))


def _standing(
    workspace: Workspace,
    name: str,
    experiment: Experiment | None,
    wording: Wording,
    notes: list[str],
) -> _Standing:
    """Return what is to be told of an experiment now; a note says where there is nothing."""
    try:
        examined = examine(workspace, experiment or find_in(workspace.store, name))
    except MetaExperimentError as error:
        notes.append(f"{name}: {error.message}")
        return _Standing()
    events = standing_events(examined)
    if not events:
        notes.append(f"{name}: there is nothing to tell yet: {examined.analysis.reason}")
    told = tuple(_notification(examined, event, wording) for event in events)
    return _Standing(told, examined.analysis.readiness.ready)


def _due(
    book: NotificationBook, name: str, told: Sequence[Notification], options: NotifyOptions
) -> Iterator[DeliveryRecord]:
    """Yield what is to be sent of an experiment: what waits, and what stands now."""
    overtaken = _overtaken(book, name, told)
    waiting = {
        it.key: it
        for it in book.waiting
        if it.notification.experiment_id == name and it not in overtaken
    }
    targets = options.targets or book.targets.get(name, ())
    records = [
        DeliveryRecord(notification, target, DeliveryState.QUEUED)
        for notification in told
        for target in dict.fromkeys((*targets, *(it.target for it in overtaken)))
    ]
    standing = {record.key: record for record in records}
    for key, record in {**standing, **waiting}.items():
        known = book.deliveries.get(key)
        if not (options.background and known and known.state is not DeliveryState.QUEUED):
            yield record


def _overtaken(
    book: NotificationBook, name: str, told: Sequence[Notification]
) -> list[DeliveryRecord]:
    """Return the minimums that wait while a decision is to be told: it goes in their place."""
    if all(it.event is NotificationEvent.MINIMUM for it in told):
        return []
    return [
        it
        for it in book.waiting
        if it.notification.experiment_id == name
        and it.notification.event is NotificationEvent.MINIMUM
    ]


def _notification(
    examined: Examination, event: NotificationEvent, wording: Wording
) -> Notification:
    experiment = examined.experiment
    summary, text = wording(examined, event)
    name = experiment.experiment_id
    subject = workflow_of(experiment.plan.tags) or name
    identity = identity_of(experiment, event)
    return Notification(name, subject, event, identity, summary, text)


def _planned(record: DeliveryRecord) -> Delivery:
    text = exact_text(record.notification, record.target)
    return replace(_shown(record), state=DeliveryState.PLANNED, text=text)


def _delivered(
    workspace: Workspace, book: NotificationBook, record: DeliveryRecord, options: NotifyOptions
) -> Delivery:
    known = book.deliveries.get(record.key)
    if known is not None and known.state is DeliveryState.SENT:
        return replace(_shown(known), state=DeliveryState.KNOWN)
    # on record before anything is sent: whatever ends this process, it is not forgotten
    book.keep(replace(record, state=DeliveryState.QUEUED))
    environment = workspace.machine.environment
    try:
        receipt = send(record.notification, record.target, environment, options.within)
    except MetaExperimentError as error:
        # what the other side did not refuse itself may go another time, from another place
        is_refusal = isinstance(error, RemoteError) and not isinstance(error, RateLimitError)
        state = DeliveryState.REFUSED if is_refusal else DeliveryState.QUEUED
        done = replace(record, state=state, reason=error.told)
    else:
        done = record.arrived(receipt.comment, receipt.url)
    book.keep(done)
    is_here = record.target.channel is NotificationChannel.TERMINAL
    return replace(_shown(done), text=record.notification.summary if is_here else None)


def _shown(record: DeliveryRecord) -> Delivery:
    told = record.notification
    return Delivery(
        told.experiment_id,
        told.event,
        record.target.channel,
        shown_target(record.target),
        record.state,
        record.url or None,
        record.reason or None,
    )
