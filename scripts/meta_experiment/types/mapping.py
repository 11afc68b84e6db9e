"""Mapping: where in a warehouse the units, exposures and values of an experiment lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from meta_experiment.records import dataclass

FilterValue = str | float | bool  # whole numbers among them


class UnitAggregate(StrEnum):
    """How the events of a unit become its one value."""

    MEAN = "mean"
    SUM = "sum"
    COUNT = "count"
    ANY = "any"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"


class WithoutEvents(StrEnum):
    """What a unit has of which there is no event."""

    ZERO = "zero"
    MISSING = "missing"


class TimeForm(StrEnum):
    """How a column holds a moment: as such or as text of it, or in units since 1970."""

    TIMESTAMP = "timestamp"
    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"
    MICROSECONDS = "microseconds"
    NANOSECONDS = "nanoseconds"


class FilterOperator(StrEnum):
    """Comparison of a column with a value that is written in the mapping."""

    EQUALS = "equals"
    DIFFERS = "differs"
    BELOW = "below"
    AT_MOST = "at_most"
    ABOVE = "above"
    AT_LEAST = "at_least"
    IN = "in"
    NOT_IN = "not_in"
    MISSING = "missing"
    PRESENT = "present"


class TableForm(StrEnum):
    """How the rows of a table are to be read: as they are, or as telemetry of the client."""

    PLAIN = "plain"
    CLAUDE_CODE = "claude-code"


@dataclass(frozen=True, slots=True)
class EventColumn:
    """Column of a table, or what lies on a path of keys within it."""

    name: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventTime:
    """Column that holds when something happened; `zone` is that of times that say none."""

    column: EventColumn
    form: TimeForm = TimeForm.TIMESTAMP
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Condition on a column; `values` are one, several for `in`, none for `missing`."""

    column: EventColumn
    operator: FilterOperator
    values: tuple[FilterValue, ...] = ()


@dataclass(frozen=True, slots=True)
class EventTable:
    """Table of an engine by its name, or files by a path or a pattern of one.

    `table` beside a `path` is the one within a file that holds several.
    """

    table: str | None = None
    path: str | None = None
    form: TableForm = TableForm.PLAIN


@dataclass(frozen=True, slots=True)
class ExposureMapping:
    """Who was exposed to what, and when: one row or more for each unit.

    `variants` are the plan's, by what stands in the column. Without `at` there is no time.
    """

    table: str
    unit: EventColumn
    variant: EventColumn
    variants: Mapping[str, str]
    at: EventTime | None = None
    where: tuple[EventFilter, ...] = ()


@dataclass(frozen=True, slots=True)
class EventMapping:
    """Value of a unit, made of its events: of a metric those after its exposure.

    `window` are seconds from the exposure on, of a covariate those before it; None without a
    time. `zero` says that a unit without an event has the value 0, else it has none.
    """

    table: str
    unit: EventColumn
    aggregate: UnitAggregate
    value: EventColumn | None
    at: EventTime | None
    window: float | None
    zero: bool
    where: tuple[EventFilter, ...] = ()


@dataclass(frozen=True, slots=True)
class WarehouseMapping:
    """Where the data of one experiment lie, by the names of its plan.

    Paths are relative to `folder`. `lateness` are seconds for which an event may arrive after
    its window. `as_of` is when the data are taken to end, None for now. `digest` is that of
    all this as it was written.
    """

    tables: Mapping[str, EventTable]
    exposure: ExposureMapping
    metrics: Mapping[str, EventMapping]
    covariates: Mapping[str, EventMapping] = field(default_factory=dict)
    lateness: float = 0.0
    as_of: float | None = None
    digest: str = ""
    folder: str = "."

    @property
    def local_tables(self) -> set[str]:
        """The tables with times that are read by the rules of a zone."""
        times = {(self.exposure.table, self.exposure.at)}
        times |= {
            (it.table, it.at) for it in (*self.metrics.values(), *self.covariates.values())
        }
        return {table for table, at in times if at is not None and at.zone is not None}

    @property
    def has_time(self) -> bool:
        """Whether it is known when units were exposed, so that days can be told apart."""
        return self.exposure.at is not None
