"""Folding a log's events into trials, the same whatever the order of reading.

What an earlier event said stands; a later one adds what is missing. "Earlier" is by the
time of the event, so that files may be read piece by piece in any order. Of events of the
very same time the first stands as they are in the files, file by file: where that matters a
fold is `unsettled`, and only one that read all files from their beginning is right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from meta_experiment.model.metrics import KNOWN_METRICS
from meta_experiment.protocol.events import COVARIATE, TOOLS
from meta_experiment.protocol.sequence import LATEST
from meta_experiment.store.fold.code_runs import UNKNOWN
from meta_experiment.store.fold.events import why_unusable
from meta_experiment.store.fold.lines import UnusableLine
from meta_experiment.store.fold.trial_columns import (
    EXPOSED,
    NAN,
    RECORDED,
    STATUSES,
    Columns,
    fill,
)
from meta_experiment.store.trial_log import Conflict, DamagedLine
from meta_experiment.types.covariates import KNOWN_COVARIATES

KEPT = 1000  # details kept of what was set aside, and of conflicts; all are counted
METRIC_LIMIT = 256  # names of metrics that nobody here asked for
OWN_METRICS = frozenset(KNOWN_METRICS).union(
    (f"{what}.{tool}" for what in ("tool_calls", "tool_errors") for tool in TOOLS),
    map(COVARIATE.__add__, KNOWN_COVARIATES),
)
_FINGERPRINT = ""  # no metric has this name

STATUS_CODE = {status and status.value: code for code, status in enumerate(STATUSES)}


class Fold:
    """Columns of trials in the making, with what could not be used and what disagreed."""

    def __init__(self, columns: Columns | None = None) -> None:
        self.columns = Columns() if columns is None else columns
        self.expected = OWN_METRICS  # metrics for which there is always room
        self._set_aside: list[DamagedLine] = []
        self.set_aside_count = 0
        self.disputed: set[tuple[int, str]] = set()  # row and what, however often it was said
        self.unsettled = False  # something hung on the order of reading
        self._last_fingerprint: tuple[Mapping[str, str], int] = ({}, 0)

    def take(self, file: str, lines_before: int, values: Iterable[object]) -> None:
        """Take in decoded lines of a file, the first of which follows so many lines."""
        for number, value in enumerate(values, start=lines_before + 1):
            if value is None:
                continue
            reason = value.reason if isinstance(value, UnusableLine) else self._take(value)
            if reason is not None:
                self.refuse(file, number, reason)

    def refuse(self, file: str, line_number: int, reason: str) -> None:
        """Count a line that cannot be used."""
        self.set_aside_count += 1
        self._set_aside.append(DamagedLine(file, line_number, reason))
        if len(self._set_aside) > 2 * KEPT:
            self._set_aside = self.set_aside

    @property
    def set_aside(self) -> list[DamagedLine]:
        """The first lines that cannot be used, as they stand in the files."""
        return sorted(self._set_aside)[:KEPT]

    @set_aside.setter
    def set_aside(self, lines: Iterable[DamagedLine]) -> None:
        self._set_aside = list(lines)

    @property
    def conflicts(self) -> list[Conflict]:
        """The first points on which events disagree, by trial and name."""
        name = self.columns.trials.name
        return sorted(Conflict(name(row), what) for row, what in self.disputed)[:KEPT]

    @property
    def conflict_count(self) -> int:
        """The number of points on which events disagree."""
        return len(self.disputed)

    def assign(self, position: int, trial: tuple[str, str, str, float], draw: str = "") -> None:
        """Take in a line of the sequence: trial id, variant, unit, time; what drew it."""
        trial_id, variant, unit, at = trial
        row = self._row(trial_id, variant, unit, at)
        if draw and not any(self.columns.draw[row : row + 1]):
            self.columns.set_draws(range(row, row + 1), [draw])
        self.place_all([self.columns.units.number(unit)], [position])

    def place_all(self, units: Sequence[int], positions: Sequence[int]) -> None:
        """Put units at their places of the sequence, unless they have one; -1 is no place."""
        columns = self.columns
        known = columns.position_of
        fill(known, max(units) + 1, UNKNOWN)
        for unit, position in zip(units, positions, strict=True):
            if known[unit] == UNKNOWN and position != UNKNOWN:
                known[unit] = position
                if position >= columns.positions:
                    columns.positions = position + 1

    def _take(self, event: Any) -> str | None:  # noqa: ANN401 - decoded JSON
        reason = why_unusable(event)
        if reason is not None:
            return reason
        if event["event"] == "recorded" and self.too_many_metrics(event["metrics"]):
            self.unsettled = True
            return f"the {METRIC_LIMIT + 1}th name of a metric that the plan does not have"
        self.enter(event)
        return None

    def enter(self, event: Mapping[str, Any]) -> None:
        """Take in an event that has been checked."""
        kind, at = event["event"], float(event["at"])
        row = self._row(event["trial_id"], event["variant"], event.get("unit"), at)
        if kind == "recorded":
            self._record(row, at, event)
            self.columns.progress[row] = RECORDED
        elif kind == "exposed":
            self.columns.progress[row] = max(EXPOSED, self.columns.progress[row])
        elif kind == "excluded":
            known = self.columns.excluded.get(row)
            reason = (at, event["reason"])
            self.columns.excluded[row] = reason if known is None else min(known, reason)

    def too_many_metrics(self, metrics: Mapping[str, object]) -> bool:
        """Tell whether there would be more unexpected names of metrics than may be."""
        known = self.columns.metrics
        return len(known) + len(metrics) > METRIC_LIMIT and (
            len((known.keys() | metrics.keys()) - self.expected) > METRIC_LIMIT
        )

    def _row(self, trial_id: str, variant: str, unit: str | None, at: float) -> int:
        """Return the row of a trial, a new one when it is not known yet."""
        columns = self.columns
        row = columns.trials.number(trial_id)
        number = UNKNOWN if unit is None else columns.units.number(unit)
        code = columns.variant_code(variant)
        if row == len(columns):
            columns.variant.append(code)
            columns.status.append(0)
            columns.progress.append(0)
            columns.assigned_at.append(at)
            if number != UNKNOWN:
                self.set_unit(row, number)
            return row
        earlier = at < columns.assigned_at[row]
        if columns.variant[row] != code:
            self._dispute(row, "variant", at, columns.assigned_at[row])
            columns.variant[row] = code if earlier else columns.variant[row]
        self._name_unit(row, number, at)
        if earlier:
            if columns.status[row]:
                self._set_closed(row, columns.closed(row))
            columns.assigned_at[row] = at
        return row

    def _name_unit(self, row: int, number: int, at: float) -> None:
        """Merge what an event says of the unit, which may be nothing."""
        columns, known = self.columns, self.unit(row)
        first = columns.assigned_at[row]
        named_at = columns.unit_at.get(row, first)
        if number == UNKNOWN:
            if known != UNKNOWN and at < first:
                columns.unit_at[row] = named_at
            return
        if known not in (UNKNOWN, number):
            self._dispute(row, "unit", at, named_at)
        if known == UNKNOWN or at < named_at:
            self.set_unit(row, number)
            if at <= first:
                columns.unit_at.pop(row, None)
            else:
                columns.unit_at[row] = at

    def has_outcome(self, trial_id: str) -> bool:
        """Say whether a trial has ended, one way or another."""
        row = self.columns.trials.find(trial_id)
        return row != UNKNOWN and self.columns.status[row] != 0

    def after(self, trial_id: str, at: float) -> float:
        """Return this time, or the next after all that stands of a trial."""
        columns = self.columns
        row = columns.trials.find(trial_id)
        if row == UNKNOWN:
            return at
        said = [columns.closed(row)]
        said += [self._when(row, name) for name in (_FINGERPRINT, *columns.metric_names(row))]
        times = [columns.assigned_at[row], *(math.nextafter(time, math.inf) for time in said)]
        return max([at, *(time for time in times if time < LATEST)])

    def unit(self, row: int) -> int:
        """Return the number of a trial's unit, -1 when nobody named it."""
        known = self.columns.unit
        return known[row] if row < len(known) else UNKNOWN

    def set_unit(self, row: int, number: int) -> None:
        """Say which unit a trial belongs to."""
        fill(self.columns.unit, row + 1, UNKNOWN)
        self.columns.unit[row] = number

    def _set_closed(self, row: int, at: float) -> None:
        fill(self.columns.closed_at, row + 1, NAN)
        self.columns.closed_at[row] = at

    def _fingerprint(self, row: int) -> int:
        known = self.columns.fingerprint
        return known[row] if row < len(known) else 0

    def _record(self, row: int, at: float, event: Mapping[str, Any]) -> None:
        """Merge an outcome into a trial; of two values for one thing the earlier stands."""
        columns = self.columns
        status = STATUS_CODE[event.get("status")]
        if status:
            self._close(row, at, status)
        closing = at == columns.closed(row)
        for name, value in event["metrics"].items():
            known = columns.metric(name, row)
            if not math.isnan(known):
                if known != value:
                    self._dispute(row, name, at, self._when(row, name))
                if at >= self._when(row, name):
                    continue
            columns.set_metric(name, row, value)
            self._stamp(row, name, at, closing=closing)
        fingerprint = event.get("fingerprint")
        if fingerprint:
            self._identify(row, at, self.fingerprint_code(fingerprint), closing=closing)

    def _identify(self, row: int, at: float, code: int, *, closing: bool) -> None:
        """Merge a fingerprint, of which two may differ: a later turn runs on another model."""
        column, known = self.columns.fingerprint, self._fingerprint(row)
        when = self._when(row, _FINGERPRINT)
        if known and at >= when:
            self.unsettled |= at == when and known != code
            return
        fill(column, row + 1, 0)
        column[row] = code
        self._stamp(row, _FINGERPRINT, at, closing=closing)

    def _dispute(self, row: int, what: str, at: float, standing: float) -> None:
        """Note that an event says something else of a trial than one at another time."""
        self.disputed.add((row, what))
        self.unsettled |= at == standing

    def _close(self, row: int, at: float, status: int) -> None:
        columns = self.columns
        closed = columns.closed(row)
        if not math.isnan(closed):
            if columns.status[row] != status:
                self._dispute(row, "status", at, closed)
            if at >= closed:
                return
            self._pin(row, closed)
        columns.status[row] = status
        if at == columns.assigned_at[row] and row >= len(columns.closed_at):
            return  # which is what the shorter column says
        self._set_closed(row, at)

    def fingerprint_code(self, fingerprint: Mapping[str, str]) -> int:
        """Return the number of a fingerprint."""
        last, code = self._last_fingerprint
        if fingerprint != last:
            code = self.columns.fingerprint_code(tuple(sorted(fingerprint.items())))
            self._last_fingerprint = (fingerprint, code)
        return code

    def _when(self, row: int, name: str) -> float:
        """Return the time of the event that a value came with."""
        return self.columns.late.get((row, name), self.columns.closed(row))

    def _stamp(self, row: int, name: str, at: float, *, closing: bool) -> None:
        late = self.columns.late
        if not closing:
            late[row, name] = at
        elif late:
            late.pop((row, name), None)

    def _pin(self, row: int, at: float) -> None:
        """Keep the time of the values that came with an event which no longer closes."""
        columns = self.columns
        for name in columns.metric_names(row):
            columns.late.setdefault((row, name), at)
        if self._fingerprint(row):
            columns.late.setdefault((row, _FINGERPRINT), at)
