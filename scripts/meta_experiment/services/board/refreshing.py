"""Making rows of the board anew, only where something changed."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet

from meta_experiment.errors import MetaExperimentError, StorageError
from meta_experiment.files.headway import steps
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.acting.holdouts import watched as watched_ids
from meta_experiment.services.acting.learnings import followed, learned_ids, learnings_in
from meta_experiment.services.board.plan_rows import plan_rows
from meta_experiment.services.board.promotions import owed_to_chance, saved_a_month
from meta_experiment.services.board.rows import Row, row, step_of
from meta_experiment.services.left_out import left_out_finding
from meta_experiment.services.planning.shaping import step_of_draft
from meta_experiment.services.serving.weights_in_force import renew_weights
from meta_experiment.services.strange_entries import strange_entries
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.board import (
    Board,
    BoardEntry,
    archive_stamp,
    learnings_stamp,
    plan_files_stamp,
    trust_stamp,
)
from meta_experiment.store.local.marks import measured_here
from meta_experiment.store.trial_log import TrialLog
from meta_experiment.types import Assignment, Experiment, Status, Unit

_UNREAD = {"unread": -1}  # no folder has such a log, so the row is made again when it matters
_SILENCE = 3 * 86_400.0  # seconds without a trial after which somebody should look why
_VERSIONS = 50  # of the registry, that are looked through for what a merge left out
_READ_AT_REST = 20  # of the experiments that ended last; reading all would take a minute


def refresh(
    workspace: Workspace, kept: Board, wanted: AbstractSet[str], notes: list[str]
) -> Board:
    """Make the rows anew that are stale or wanted, and keep the board for the next time.

    An experiment that has ended has its outcome; the logs are read only of those that ended
    last, and of those wanted. What cannot be read is said in `notes`; the other rows are
    made all the same.
    """
    layout = workspace.layout
    stamp, trust = workspace.store.revision(), trust_stamp(layout)
    plan_files, learnings = plan_files_stamp(layout), learnings_stamp(layout)
    counting = workspace.checkout.counting().digest
    notes += [f"{item.detail}. {item.hint}" for item in strange_entries(workspace)]
    if kept.registry != stamp and layout.registry.exists():
        notes += _left_out(workspace)
    experiments = {item.experiment_id: item for item in workspace.store.experiments()}
    running = [item for item in experiments.values() if item.status is Status.RUNNING]
    learned, open_ends = _learnt(workspace, experiments.values(), notes)
    watched = watched_ids(experiments.values())
    keys = {name: _key(item, running, learned, watched) for name, item in experiments.items()}
    ended = [item for item in experiments.values() if not item.status.is_open]
    ended.sort(key=lambda item: item.ended or item.created, reverse=True)
    resting = {item.experiment_id for item in ended}
    stale = kept.stale(layout, keys, resting - wanted) | wanted
    if kept.counting != counting:
        stale |= {name for name in keys if name in kept.entries}
    unread = {item.experiment_id for item in ended[_READ_AT_REST:]} - wanted
    entries = {
        name: kept.entries[name]
        if name not in stale
        else BoardEntry(
            row(item, None, learned=name in learned, watched=name in watched),
            keys[name],
            _UNREAD,
        )
        if name in unread
        else _entry(
            workspace,
            item,
            keys[name],
            notes,
            learned=name in learned,
            watched=name in watched,
        )
        for name, item in steps(experiments.items(), "reading trials")
    }
    renew_weights(workspace)
    fresh = Board(stamp, entries, trust, counting, archive_stamp(layout))
    fresh.plans, fresh.plan_files = plan_rows(workspace, experiments.values()), plan_files
    fresh.open_ends, fresh.learnings = open_ends, learnings
    fresh.archived = len(workspace.store.archived_ids() - entries.keys())
    fresh.saved, fresh.chance = kept.saved, kept.chance
    if (kept.registry, kept.archive) != (fresh.registry, fresh.archive):
        rows = {name: dict(entry.row) for name, entry in entries.items()}
        put_away = archived_rows(workspace, rows.keys(), [])
        found = [*rows.values(), *put_away.values()]
        fresh.saved = saved_a_month(found, measured_here(layout))
        fresh.chance = owed_to_chance(found)
    # A board that cannot be kept (a read-only checkout) is made again next time.
    with contextlib.suppress(StorageError):
        if layout.registry.exists():
            workspace.checkout.save_board(fresh)
    return fresh


def _left_out(workspace: Workspace) -> list[str]:
    """Say which experiments a merge left out of the registry, as far as a look tells it."""
    with contextlib.suppress(MetaExperimentError):
        found = left_out_finding(workspace, most=_VERSIONS)
        return [f"The registry: {item.detail}. Next: {item.hint}" for item in found]
    return []


def archived_row(workspace: Workspace, experiment_id: str, notes: list[str]) -> Row:
    """Make the row of one experiment that was put away, its logs read; it is not kept."""
    experiment = workspace.store.archived(experiment_id)
    learned, _ = _learnt(workspace, [experiment], notes)
    made = _entry(workspace, experiment, "", notes, learned=experiment_id in learned)
    return dict(made.row)


def archived_rows(
    workspace: Workspace, known: AbstractSet[str], notes: list[str]
) -> dict[str, Row]:
    """Make the rows of all that were put away and are not known, their logs unread."""
    rows = {}
    written, _ = _learnt(workspace, None, notes)
    for name in sorted(workspace.store.archived_ids() - known):
        try:
            rows[name] = row(workspace.store.archived(name), None, learned=name in written)
        except MetaExperimentError as error:
            notes.append(error.message)
    return rows


def _entry(
    workspace: Workspace,
    experiment: Experiment,
    key: str,
    notes: list[str],
    *,
    learned: bool,
    watched: bool = False,
) -> BoardEntry:
    name = experiment.experiment_id
    sources = workspace.store.log_revision(name)
    if experiment.status is Status.DRAFT:
        step = step_of_draft(experiment, workspace.store.experiments())
        return BoardEntry(row(experiment, None, step=step), key, sources)
    if experiment.started is None:
        return BoardEntry(row(experiment, None, learned=learned), key, sources)
    try:
        log = workspace.store.trials(experiment)
        examined = examine(workspace, experiment, log=log)
    except MetaExperimentError as error:
        notes.append(f"{name}: {error.message}")
        made = row(experiment, None, learned=learned, watched=watched)
        return BoardEntry(made, key, _UNREAD)
    notes.extend(f"{name}: {problem}" for problem in examined.problems)
    quiet, now = _quiet_from(experiment, log), workspace.clock()
    silent = quiet is not None and quiet <= now
    analysis = examined.analysis
    step = step_of(experiment, analysis, silent=silent, learned=learned, watched=watched)
    made = row(experiment, analysis, examined.apart, step=step)
    changes = [at for at in (examined.until, quiet) if at is not None and at > now]
    return BoardEntry(made, key, sources, min(changes, default=None))


def _quiet_from(experiment: Experiment, log: TrialLog) -> float | None:
    """Return when somebody should look why an experiment has no trials; None: it is fed."""
    plan = experiment.plan
    fed = plan.unit is Unit.CASE or plan.assignment is Assignment.EXTERNAL or not plan.files
    if experiment.status is not Status.RUNNING or experiment.started is None or fed:
        return None
    last = max((it.closed_at or it.assigned_at or 0.0 for it in log.trials), default=0.0)
    return max(last, experiment.began or 0.0) + _SILENCE


def _learnt(
    workspace: Workspace, experiments: Collection[Experiment] | None, notes: list[str]
) -> tuple[set[str], list[Row]]:
    """Return which experiments have an entry of how they stand, and what entries leave open.

    Without experiments: all that have one, whatever it says. What cannot be read is said.
    """
    try:
        found = learnings_in(workspace.layout)
    except MetaExperimentError as error:
        notes.append(error.message)
        return set(), []
    if not (found.blocks or found.problems):
        return set(), []
    if experiments is None:
        return {item.experiment_id for item in found.entries}, []
    if found.problems:
        notes.append(
            f"{workspace.layout.learnings.name}: {len(found.problems)} problems, such as: "
            f"{found.problems[0]}. All of them: meta-experiment learn --list"
        )
    open_ends: list[Row] = [
        {"id": item.experiment_id, "files": list(item.files), "next": item.next}
        for item in followed(found.entries, workspace.store.experiments())
        if item.is_open
    ]
    return learned_ids(found.entries, experiments), open_ends


def _key(
    experiment: Experiment,
    running: Iterable[Experiment],
    learned: AbstractSet[str],
    watched: AbstractSet[str],
) -> str:
    """Return what a row depends on beside logs.

    Of a draft that is also what runs on its units, of the others whether there is an entry, or
    a holdout that runs.
    """
    done = repr((experiment.outcomes, experiment.ended_arms))
    told = zlib.crc32(done.encode("utf-8", "replace"))
    key = f"{experiment.plan_sha256[:16]} {experiment.status} {told:08x}"
    if experiment.status is Status.DRAFT:
        return f"{key} {any(it.plan.unit is experiment.plan.unit for it in running)}"
    name = experiment.experiment_id
    return f"{key}{' learned' * (name in learned)}{' watched' * (name in watched)}"
