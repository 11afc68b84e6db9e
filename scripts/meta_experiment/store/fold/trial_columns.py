"""Trials as columns: one row a trial, a few dozen bytes each, given out as `Trial`s."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise, repeat
from typing import Any, overload

from meta_experiment.protocol.events import COVARIATE
from meta_experiment.protocol.sequence import parse_draw
from meta_experiment.store.fold.code_runs import UNKNOWN
from meta_experiment.store.fold.names import NamePool
from meta_experiment.store.trial_log import UnitsUsed
from meta_experiment.types import Draw, Trial, TrialStatus

NAN = math.nan
STATUSES: tuple[TrialStatus | None, ...] = (None, *TrialStatus)
ASSIGNED, EXPOSED, RECORDED = 0, 1, 2  # how far a trial has come; each implies those before

Fingerprint = tuple[tuple[str, str], ...]
_NOTHING = {"i": -(1 << 31), "d": NAN}  # what stands for a missing value of a metric
_Numbers = tuple[str, "array[Any]", int, float | None]
_NOTHING_BYTES = array("i", [-(1 << 31)]).tobytes()


class Columns:
    """All that is known of every trial, by row.

    A trial's row is the number of its id in `trials`; `unit` leads to the number of its unit
    in `units`, and `position_of` from there to the unit's place in the assignment sequence.
    Some columns may be shorter than there are rows. What lies behind their end is unknown
    (`unit`, `position_of`), missing (`metrics`), nothing (`fingerprint`, `draw`); for a closed
    trial `closed_at` is then the time it was assigned, as is NaN. A metric of whole numbers
    takes four bytes a trial; covariates lie among the metrics, as in the lines. `excluded`,
    `unit_at` and `late` are sparse: reason by row, the time of the event that named the unit
    where it is not the first one, and the time of a metric that came with another event than
    the one that closed the trial.
    """

    def __init__(self) -> None:
        self.trials = NamePool()
        self.units = NamePool()
        self.position_of = array("i")
        self.unit = array("i")
        self.variant: array[int] = array("B")
        self.fingerprint: array[int] = array("B")
        self.draw: array[int] = array("I")
        self.status = array("B")
        self.progress = array("B")
        self.assigned_at = array("d")
        self.closed_at = array("d")
        self.metrics: dict[str, array[Any]] = {}
        self.variants: dict[str, int] = {}
        self.fingerprints: dict[Fingerprint, int] = {(): 0}
        self.draws: dict[str, int] = {"": 0}
        self.excluded: dict[int, tuple[float, str]] = {}
        self.unit_at: dict[int, float] = {}
        self.late: dict[tuple[int, str], float] = {}
        self.positions = 0

    def __len__(self) -> int:
        """Return how many trials there are."""
        return len(self.status)

    def variant_code(self, variant: str) -> int:
        """Return the number of a variant's name, and make sure that the column can hold it."""
        code = self.variants.setdefault(variant, len(self.variants))
        if code > _most(self.variant):
            self.variant = array("I", self.variant)
        return code

    def fingerprint_code(self, fingerprint: Fingerprint) -> int:
        """Return the number of a fingerprint, and make sure that the column can hold it."""
        code = self.fingerprints.setdefault(fingerprint, len(self.fingerprints))
        if code > _most(self.fingerprint):
            self.fingerprint = array("I", self.fingerprint)
        return code

    def set_draws(self, rows: range, draws: Sequence[str]) -> None:
        """Say by what a bandit drew the units of several trials, "" where none did."""
        codes = (self.draws.setdefault(draw, len(self.draws)) for draw in draws)
        put(self.draw, rows, array("I", codes))

    def closed(self, row: int) -> float:
        """Return when a trial was closed, NaN while it is open."""
        if not self.status[row]:
            return NAN
        at = self.closed_at[row] if row < len(self.closed_at) else NAN
        return self.assigned_at[row] if math.isnan(at) else at

    def metric(self, name: str, row: int) -> float:
        """Return a trial's metric, NaN when missing."""
        column = self.metrics.get(name)
        if column is None or row >= len(column):
            return NAN
        value = column[row]
        return NAN if column.typecode == "i" and value == _NOTHING["i"] else float(value)

    def set_metric(self, name: str, row: int, value: float) -> None:
        """Set a trial's metric."""
        self.set_metrics(name, range(row, row + 1), (value,))

    def set_metrics(
        self, name: str, rows: Sequence[int], values: Sequence[float | None]
    ) -> None:
        """Set a metric of several trials that have none where the value is None."""
        column = self.metrics.setdefault(name, array("i"))
        try:
            piece = _piece(column.typecode, values)
        except (TypeError, OverflowError):  # not all are whole numbers of 32 bits
            self.metrics[name] = column = _widened(column)
            piece = _piece("d", values)
        put(column, rows, piece, _NOTHING[column.typecode])

    def metric_names(self, row: int) -> Iterator[str]:
        """Yield the names of the metrics that a trial has."""
        return (name for name in self.metrics if not math.isnan(self.metric(name, row)))


def fill(column: array[Any], length: int, value: float) -> None:
    """Make a column at least so long."""
    if length > len(column):
        column.extend(array(column.typecode, [value]) * (length - len(column)))


def put(column: array[Any], rows: Sequence[int], piece: array[Any], nothing: float = 0) -> None:
    """Put values into rows of a column; between them and its old end there is nothing."""
    if isinstance(rows, range):
        fill(column, rows.start, nothing)
        column[rows.start : rows.stop] = piece
        return
    fill(column, max(rows) + 1, nothing)
    for row, value in zip(rows, piece, strict=True):
        column[row] = value


def _piece(typecode: str, values: Sequence[float | None]) -> array[Any]:
    try:
        piece: array[Any] = array(typecode, values)
    except TypeError:
        if None not in values:
            raise
        known = array(typecode, [value for value in values if value is not None])
        _require_known(known)
        nothing = _NOTHING[typecode]
        return array(typecode, [nothing if value is None else value for value in values])
    _require_known(piece)
    return piece


def _require_known(piece: array[Any]) -> None:
    if (
        piece.typecode == "i"
        and _NOTHING_BYTES in piece.tobytes()
        and min(piece) == _NOTHING["i"]
    ):
        raise OverflowError  # the bytes alone may belong to two neighbours


def _widened(column: array[Any]) -> array[float]:
    """Return a column of whole numbers as one of any numbers."""
    nothing = _NOTHING["i"]
    return array("d", (NAN if value == nothing else value for value in column))


def _most(column: array[int]) -> int:
    return (1 << 8 * column.itemsize) - 1


class Trials(Sequence[Trial]):
    """The trials in the order of their units, made when they are asked for."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._known: tuple[array[int], array[int], Sequence[int]] | None = None

    def __len__(self) -> int:
        """Return how many trials there are."""
        return len(self._columns)

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> list[Trial]: ...
    def __getitem__(self, index: int | slice) -> Trial | list[Trial]:
        """Return one trial, or several."""
        rows = self._arranged()[2]
        if isinstance(index, slice):
            return list(self._made(rows[index]))
        return next(self._made([rows[index]]))

    def __iter__(self) -> Iterator[Trial]:
        """Yield all trials."""
        return self._made(self._arranged()[2])

    def _arranged(self) -> tuple[array[int], array[int], Sequence[int]]:
        """Return by row the unit and its place, and the rows in the order of both."""
        if self._known is None:
            units = _units(self._columns)
            order = _unit_orders(self._columns, units)
            self._known = (units, order, _in_order(order, self._columns.assigned_at))
        return self._known

    def _made(self, rows: Iterable[int]) -> Iterator[Trial]:
        columns = self._columns
        units, order, _ = self._arranged()
        variants, fingerprints = list(columns.variants), list(columns.fingerprints)
        trial_name, unit_name = columns.trials.name, columns.units.name
        named, coded = len(columns.units), len(columns.fingerprint)
        draws, drawn = [_draw(text) for text in columns.draws], len(columns.draw)
        metrics = _numbered(columns, covariates=False)
        covariates = _numbered(columns, covariates=True)
        for row in rows:
            trial_id, unit = trial_name(row), units[row]
            closed = columns.closed(row)
            excluded = columns.excluded.get(row)
            yield Trial(
                trial_id=trial_id,
                variant=variants[columns.variant[row]],
                unit=unit_name(unit) if unit < named else trial_name(unit - named),
                order=order[row],
                exposed=columns.progress[row] >= EXPOSED,
                status=STATUSES[columns.status[row]],
                metrics=_row(metrics, row),
                assigned_at=columns.assigned_at[row],
                closed_at=None if math.isnan(closed) else closed,
                fingerprint=dict(fingerprints[columns.fingerprint[row]]) if row < coded else {},
                excluded=None if excluded is None else excluded[1],
                covariates=_row(covariates, row) if covariates else {},
                draw=draws[columns.draw[row]] if row < drawn else None,
            )


def _draw(text: str) -> Draw | None:
    read = parse_draw(text) if text else None
    return Draw(*read) if read else None


def _numbered(columns: Columns, *, covariates: bool) -> list[_Numbers]:
    """Return name, column, length and what stands for nothing, of metrics or of covariates."""
    return [
        (
            name.removeprefix(COVARIATE),
            column,
            len(column),
            _NOTHING["i"] if column.typecode == "i" else None,
        )
        for name, column in columns.metrics.items()
        if name.startswith(COVARIATE) is covariates
    ]


def _row(numbers: list[_Numbers], row: int) -> dict[str, float]:
    """Return by name what a row has of these columns."""
    values = {}
    for name, column, length, nothing in numbers:
        if row < length:
            value = column[row]
            if value == value and value != nothing:  # noqa: PLR0124 - NaN is missing
                values[name] = float(value)
    return values


def units_used(columns: Columns) -> UnitsUsed:
    """Count the units of every variant; one that had several counts for its first."""
    variants = list(columns.variants)
    first: dict[int, int] = {}
    for unit, code in zip(_units(columns), columns.variant, strict=True):
        first.setdefault(unit, code)
    counts = Counter(first.values())
    return UnitsUsed(
        {variants[code]: count for code, count in counts.items()}, columns.positions
    )


def closed_values(columns: Columns, metric: str) -> list[tuple[str, int, float | None]]:
    """Return variant, number of the unit and value of every closed trial; None is no value."""
    variants, column, excluded = (
        list(columns.variants),
        columns.metrics.get(metric),
        columns.excluded,
    )
    values: Iterable[float] = column if column is not None else ()
    nothing = _NOTHING["i"] if column is not None and column.typecode == "i" else None
    padded = chain(values, repeat(NAN))
    rows = zip(columns.status, columns.variant, _units(columns), padded, strict=False)
    return [
        (
            variants[code],
            unit,
            None
            if value != value or value == nothing or row in excluded  # noqa: PLR0124 - NaN
            else float(value),
        )
        for row, (status, code, unit, value) in enumerate(rows)
        if status
    ]


def _units(columns: Columns) -> array[int]:
    """Return by row the number of the trial's unit.

    A trial whose unit nobody named is a unit of its own id; such a one that no other trial
    names has the number of its row, counted behind all units that were named.
    """
    named, rows = len(columns.units), len(columns)
    if not named:
        return array("I", range(rows))
    units = array("I")
    known = columns.unit
    for row in range(rows):
        unit = known[row] if row < len(known) else UNKNOWN
        if unit == UNKNOWN:
            unit = columns.units.find(columns.trials.name(row))
        units.append(named + row if unit == UNKNOWN else unit)
    return units


def _unit_orders(columns: Columns, units: array[int]) -> array[int]:
    """Return by row the place of the trial's unit; units outside the sequence come after it.

    Those are ordered by the time of their first trial, then as they stand in the files.
    """
    positions = columns.position_of[:]
    fill(positions, len(columns.units) + len(columns), UNKNOWN)
    first = array("d", [math.inf]) * len(positions)
    outside = array("i")
    for unit, at in zip(units, columns.assigned_at, strict=True):
        if positions[unit] == UNKNOWN and at < first[unit]:
            if first[unit] == math.inf:
                outside.append(unit)
            first[unit] = at
    ordered: Iterable[int] = outside
    if any(first[left] > first[right] for left, right in pairwise(outside)):
        ordered = sorted(outside, key=first.__getitem__)
    for place, unit in enumerate(ordered, start=columns.positions):
        positions[unit] = place
    return array("I", map(positions.__getitem__, units))


def _in_order(order: array[int], at: array[float]) -> Sequence[int]:
    """Return the rows by place, then time; without a copy when they already are."""
    rows = range(len(order))
    places = zip(order, at, strict=True)
    if all(left <= right for left, right in pairwise(places)):
        return rows
    return array("I", sorted(rows, key=lambda row: (order[row], at[row])))
