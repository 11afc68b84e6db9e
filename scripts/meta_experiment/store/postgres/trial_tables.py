"""Trials as the store itself keeps them: the lines that logs in files hold, folded the same."""

from __future__ import annotations

import hashlib
from collections.abc import (
    Callable,
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from meta_experiment.errors import cite
from meta_experiment.protocol import sequence
from meta_experiment.store.fold.events import encode_event
from meta_experiment.store.fold.fold import OWN_METRICS, Fold
from meta_experiment.store.fold.identifiers import new_trial_id, unit_key
from meta_experiment.store.fold.lines import LINE_LIMIT, Block
from meta_experiment.store.fold.observed import outcome_events
from meta_experiment.store.fold.single_trials import spellings, take_single
from meta_experiment.store.fold.taking import BlockTaking
from meta_experiment.store.fold.trial_columns import Trials, closed_values, units_used
from meta_experiment.store.inline_trials import with_inline_trials, with_inline_units
from meta_experiment.store.postgres import log_rows, measured
from meta_experiment.store.postgres.project_tables import ProjectTables
from meta_experiment.store.trial_log import (
    Acknowledgement,
    AssignedTrial,
    Conflict,
    OutcomeReport,
    TrialEvent,
    TrialLog,
    UnitsUsed,
)
from meta_experiment.types import Experiment, Metric

if TYPE_CHECKING:
    from psycopg import Connection

_EVENTS = "store.jsonl"
_SEQUENCE = "assignments.shared.tsv"  # of all machines, in the order of their drawing
_EVERYBODY = ""  # in place of the machine that writes it
_UNSIGNED = b""
_PAGE = 1 << 20  # bytes that are had from the server at once
_BLOCK = 64 * 1024  # bytes, as logs in files are taken

# Lines of machines of a team, which are here by accident, are searched through.
_SAID = """
    (with place as (
        select log_id, log, machine from meta_experiment.logs
        where (project_id, experiment) = (%s, %s)
    ), spelled as (select unnest(%s::text[]) as spelled)
    select log, machine, byte_offset, line from place
    join meta_experiment.said using (log_id)
    join meta_experiment.events using (project_id, log_id, byte_offset)
    where said.trial_hash in (select hashtextextended(spelled, 0) from spelled)
    union all
    select log, machine, byte_offset, line from place
    join meta_experiment.events using (log_id)
    where machine ~ '^[0-9a-f]{16}$'
    and exists (select from spelled where strpos(line, spelled) > 0)
    order by log, machine, byte_offset) found
"""

LogCursors = dict[int, tuple[int, int]]  # by log: bytes and lines that were read


class TrialReading:
    """A fold with how far each log has entered it; can go on where it ended."""

    def __init__(self) -> None:
        self.fold = Fold()
        self.cursors: LogCursors = {}
        self.sizes: dict[str, int] = {}
        self.bytes_read = 0

    def read(
        self,
        connection: Connection[Any],
        project_id: int | None,
        experiment_id: str,
        named: Iterable[Metric],
    ) -> bool:
        """Fold what is new; False where that is not what a reading from the beginning is."""
        whole = not self.cursors
        self.fold.unsettled, self.bytes_read = False, 0
        self.fold.expected = OWN_METRICS.union(metric.name for metric in named)
        for log_id, machine, log, size in connection.execute(
            "select log_id, machine, log, size from meta_experiment.log_sizes"
            " where (project_id, experiment) = (%s, %s) order by log, machine",
            [project_id, experiment_id],
        ).fetchall():
            taking = BlockTaking(self.fold, log)
            begin, lines = self.cursors.get(log_id, (0, 0))
            for data in _pages(connection, project_id, log_id, begin, size):
                if data is None:
                    self.fold.refuse(log, lines + 1, log_rows.UNLIKE)
                for block in _blocks(data or b""):
                    taking.take(lines, block)
                    lines += block.total
                    self.bytes_read += len(block.data)
            self.cursors[log_id] = size, lines
            self.sizes[f"{machine}/{log}" if machine else log] = size
        return whole or not self.fold.unsettled

    def log(self) -> TrialLog:
        """Give out what was folded so far."""
        fold = self.fold
        return TrialLog(
            trials=Trials(fold.columns),
            set_aside=tuple(fold.set_aside),
            set_aside_count=fold.set_aside_count,
            conflicts=tuple(fold.conflicts),
            conflict_count=fold.conflict_count,
            apart=(),
            sources=dict(self.sizes),
            bytes_read=self.bytes_read,
        )


class TrialTables(ProjectTables):
    """The trials of every experiment: events are added and never changed."""

    def assign(
        self,
        experiment_id: str,
        unit: str,
        draw: Callable[[int], str],
        at: float,
        *,
        draw_apart: Callable[[], str] | None = None,
        drawn_by: Callable[[int | None], str] = lambda _: "",
    ) -> AssignedTrial:
        """Give a unit its variant: the one it has, else the one drawn for the next position.

        Who waits for the sequence does so for ten seconds and then gives up: what is drawn
        apart would have to be kept where all see it as well.
        """
        del draw_apart
        key = unit_key(unit)
        digest = hashlib.sha256(unit.encode()).digest()
        with self._connections.transaction() as connection:
            number = self._made(connection)
            # from here on nobody else draws for this experiment until this draw is there
            log_id = log_rows.log_id(connection, number, experiment_id, _EVERYBODY, _SEQUENCE)
            place = [number, experiment_id]
            known = connection.execute(
                "select position, variant from meta_experiment.units"
                " where (project_id, experiment, unit_sha256) = (%s, %s, %s)",
                [*place, digest],
            ).fetchone()
            (count,) = connection.execute(
                "select coalesce(max(position) + 1, 0) from meta_experiment.units"
                " where (project_id, experiment) = (%s, %s)",
                place,
            ).fetchone() or (0,)
            position, variant = known or (count, draw(count))
            if not known:
                connection.execute(
                    "insert into meta_experiment.units (project_id, experiment, position,"
                    " unit_sha256, variant) values (%s, %s, %s, %s, %s)",
                    [*place, position, digest, variant],
                )
            drawn = AssignedTrial(unit, variant, new_trial_id(), position, known is not None)
            line = sequence.format_line(
                position + 1,
                key,
                variant,
                drawn.trial_id,
                at,
                "" if known else drawn_by(position),
            )
            _append(connection, number, log_id, line)
        return drawn

    def append(self, experiment_id: str, events: Iterable[TrialEvent]) -> None:
        """Add events to an experiment, all or none; durable on return."""
        self._append_all({experiment_id: events})

    def check_events(self, events: Iterable[TrialEvent]) -> None:
        """Refuse what `append` would refuse, before anything is written."""
        for event in events:
            encode_event(event)

    def record(self, observations: Sequence[OutcomeReport], at: float) -> Acknowledgement:
        """Add outcomes, all or none; durable on return. Tells which trials had one before."""
        named: dict[str, set[str]] = {}
        for item in observations:
            if item.trial_id is not None:
                named.setdefault(item.experiment_id, set()).add(item.trial_id)
        known = {name: self._said(name, trial_ids) for name, trial_ids in named.items()}
        recorded, events = outcome_events(observations, at, known)
        self._append_all(events)
        return recorded

    def trials(self, experiment: Experiment) -> TrialLog:
        """Return the trials of an experiment, those that its registry entry holds included."""
        found = self._reading(experiment.experiment_id, experiment.plan.metrics)
        return with_inline_trials(found.log(), experiment, lambda: False)

    def follow(self, experiment_id: str) -> Callable[[Experiment], TrialLog]:
        """Return what does as `trials` for this experiment, and reads only what is new."""
        kept = [TrialReading()]

        def trials(experiment: Experiment) -> TrialLog:
            reading, kept[0] = kept[0], TrialReading()  # what fails halfway is begun anew
            kept[0] = self._reading(experiment_id, experiment.plan.metrics, reading)
            found = kept[0].log()
            found = replace(found, trials=tuple(found.trials))  # the columns go on growing
            return with_inline_trials(found, experiment, lambda: False)

        return trials

    def closed_values(
        self, experiment: Experiment, metric: str
    ) -> Sequence[tuple[str, Hashable, float | None]]:
        """Return variant, unit and value of every trial of its logs that has closed."""
        found = self._reading(experiment.experiment_id, experiment.plan.metrics)
        return closed_values(found.fold.columns, metric)

    def used(self, experiment: Experiment) -> UnitsUsed:
        """Return how many units every variant has, recorded without a draw included."""
        found = self._reading(experiment.experiment_id, experiment.plan.metrics)
        return with_inline_units(units_used(found.fold.columns), experiment)

    def conflicts(self, experiment: Experiment, trial_ids: Collection[str]) -> list[Conflict]:
        """Return what was said twice and differently of some trials of an experiment."""
        said = self._said(experiment.experiment_id, trial_ids).conflicts
        return [item for item in said if item.trial_id in trial_ids]

    def logged(self) -> set[str]:
        """Return the ids that have trials, also those that no experiment has (now)."""
        with self._connections.transaction() as connection:
            rows = connection.execute(
                "select distinct experiment from meta_experiment.log_sizes"
                " where project_id = %s",
                [self._known(connection)],
            ).fetchall()
        return {name for (name,) in rows}

    def log_revision(self, experiment_id: str) -> dict[str, int]:
        """Return what changes whenever an experiment has new trials."""
        with self._connections.transaction() as connection:
            rows = connection.execute(
                "select log_id, size from meta_experiment.log_sizes"
                " where (project_id, experiment) = (%s, %s)",
                [self._known(connection), experiment_id],
            ).fetchall()
        return {str(log_id): size for log_id, size in rows}

    def _append_all(self, events: Mapping[str, Iterable[TrialEvent]]) -> None:
        lines = {name: b"".join(map(encode_event, some)) for name, some in events.items()}
        with self._connections.transaction() as connection:
            number = self._made(connection)
            for name, data in sorted(lines.items()):  # in one order, as in `ship`
                if data:
                    log_id = log_rows.log_id(connection, number, name, self.machine, _EVENTS)
                    _append(connection, number, log_id, data)

    def _said(self, experiment_id: str, trial_ids: Collection[str]) -> Fold:
        """Return what the logs say of these trials, found by the index of their ids."""
        with self._connections.transaction() as connection:
            rows = measured.rows(
                connection,
                f"lines of single trials of {cite(experiment_id)}",
                {"log": measured.NAME, "line": LINE_LIMIT},
                _SAID,
                [self._known(connection), experiment_id, [*spellings(trial_ids)]],
            )
        fold = Fold()
        for log, lines in groupby((row for row in rows if None not in row), itemgetter(0)):
            take_single(fold, log, [line for _, line in lines])
        return fold

    def _reading(
        self,
        experiment_id: str,
        named: Iterable[Metric] = (),
        known: TrialReading | None = None,
    ) -> TrialReading:
        """Return what the logs hold, read on from what is known where that is right."""
        reading = known or TrialReading()
        with self._connections.transaction() as connection:
            number, metrics = self._known(connection), tuple(named)
            if not reading.read(connection, number, experiment_id, metrics):
                reading = TrialReading()
                reading.read(connection, number, experiment_id, metrics)
        return reading


def _append(connection: Connection[Any], project_id: int, log_id: int, lines: bytes) -> None:
    first = log_rows.size_of(connection, log_id)
    log_rows.add(connection, project_id, log_id, [log_rows.Chunk(first, lines, _UNSIGNED)])


def _pages(
    connection: Connection[Any], project_id: int | None, log_id: int, begin: int, end: int
) -> Iterator[bytes | None]:
    """Yield the batches of a log from one offset to another, some at once.

    None stands for one that its lines do not fill.
    """
    while begin < end:
        (last,) = connection.execute(
            "select coalesce((select max(last) from meta_experiment.batches"
            " where log_id = %s and last > %s and last <= %s), (select min(last)"
            " from meta_experiment.batches where log_id = %s and last > %s))",
            [log_id, begin, begin + _PAGE, log_id, begin],
        ).fetchone() or (end,)
        sound = last - begin <= measured.DOCUMENT
        yield (
            log_rows.lines_between(connection, project_id, log_id, begin, last)
            if sound
            else None
        )
        begin = last


def _blocks(data: bytes) -> Iterator[Block]:
    """Yield whole lines, some at once, as logs in files are taken."""
    begin = 0
    while begin < len(data):
        end = data.rfind(b"\n", begin, begin + _BLOCK) + 1 or data.find(b"\n", begin) + 1
        part = data[begin:end]
        yield Block(part, part.count(b"\n"), too_long=False)
        begin = end
