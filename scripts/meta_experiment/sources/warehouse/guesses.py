"""Guesses of what the columns of found tables are, by name, kind and the values they hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from meta_experiment.records import dataclass
from meta_experiment.types import Metric, Plan
from meta_experiment.types.found_table import ColumnKind, FoundColumn, FoundTable
from meta_experiment.types.mapping import TimeForm, UnitAggregate
from meta_experiment.types.vocabulary import MetricKind, Unit

_VARIANTS = (
    "variant", "variation", "arm", "experiment_variant", "feature_flag_result_variant",
    "variation_id", "variant_id", "variation_key", "variation_name", "variant_name",
    "treatment_group", "test_group", "experiment_group", "bucket", "cell", "branch", "group",
    "treatment", "cohort", "prompt_version", "feature_flag_response",
)  # fmt: skip
_UNITS = {
    Unit.SESSION: ("session_id", "session", "sid", "conversation_id", "thread_id", "trace_id"),
    Unit.INVOCATION: (
        "prompt_id", "invocation_id", "request_id", "run_id", "call_id", "message_id",
    ),
    Unit.USER: (
        "user_id", "user", "user_key", "account_id", "customer_id", "anonymous_id",
        "distinct_id", "user_pseudo_id", "device_id", "visitor_id", "member_id",
        "employee_id", "email",
    ),
    Unit.CASE: ("case_id", "case", "item_id"),
}  # fmt: skip
_SUBJECTS = ("unit", "unit_id", "subject", "subject_id", "entity_id", "context_key")
_ANY_UNIT = (*_SUBJECTS, "experiment_unit", "id")
_CONTROLS = (
    "control", "baseline", "original", "default", "current", "old", "before", "off", "false",
    "a", "0", "v1",
)  # fmt: skip
_TIMES = (
    "exposed_at", "exposure_time", "exposure_timestamp", "assigned_at", "first_exposure",
    "timestamp", "event_time", "event_timestamp", "time", "ts", "at", "occurred_at",
    "created_at", "started_at", "date", "day", "received_at", "updated_at",
)  # fmt: skip
_EXPERIMENTS = (
    "experiment", "experiment_id", "experiment_name", "experiment_key", "flag_key",
    "feature_flag",
)  # fmt: skip
_EVENT_NAMES = ("event_name", "event_key", "event_type", "event", "key", "kind")
_EVENT_VALUES = ("metric_value", "event_value", "value")
_NOT_MEASURED = ("id", "sequence", "seq", "index", "number", "version", "port", "year", "zip")
_MEANT = {  # words of one meaning
    "cost": {"cost", "price", "usd", "dollars", "spend", "amount", "revenue"},
    "duration": {"duration", "latency", "elapsed", "seconds", "ms", "millis", "runtime"},
    "tokens": {"tokens", "token"},
    "error": {"error", "errors", "failed", "failure", "failures", "errored"},
    "success": {"success", "succeeded", "ok", "passed", "converted", "conversion"},
    "rating": {"rating", "score", "stars", "satisfaction", "rated"},
}
_SUMMED = {"cost", "tokens", "duration"}
_FEW = 20
_SECONDS_FROM, _MILLIS_FROM = 1e8, 1e11
_MICROS_FROM, _NANOS_FROM = 1e14, 1e17


@dataclass(frozen=True, slots=True)
class LikelyColumn:
    """Column that is taken for something, and what else it could be."""

    column: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GuessedMetric:
    """Metric by its name in the plan, and the column it is made of, if one looks so."""

    name: str
    table: str = ""
    value: str | None = None
    aggregate: UnitAggregate = UnitAggregate.MEAN
    told_by: str | None = None  # the column that holds the metric's name, where events have one


def exposure_table(tables: Sequence[FoundTable], plan: Plan | None) -> FoundTable | None:
    """Return the table that looks most like one of exposures."""

    def likeness(table: FoundTable) -> tuple[float, int]:
        score = 0.0
        variant = guess_variant(table, plan)
        if variant is not None:
            score += 10 + 10 * _knows_variants(table, variant.column, plan)
        score += 5 * (guess_unit(table, plan) is not None)
        score += 3 * bool(re.search(r"expos|assign|bucket|enrol", table.name.lower()))
        return score, -len(table.columns)

    return max(tables, key=likeness, default=None)


def guess_variant(table: FoundTable, plan: Plan | None) -> LikelyColumn | None:
    """Return the column that tells the variants apart: few values, best those of the plan."""
    wanted = {item.name for item in plan.variants} if plan else set()

    def likeness(column: FoundColumn) -> float:
        if column.kind not in (ColumnKind.TEXT, ColumnKind.WHOLE, ColumnKind.FLAG):
            return 0.0
        named = _rank(column.word, _VARIANTS)
        held = 100.0 * (bool(wanted) and wanted <= set(column.values))
        return named + held if named or held else 0.0

    return _best(table.columns, likeness)


def guess_meanings(values: Sequence[str], plan: Plan | None) -> dict[str, str | None]:
    """Return which variant of the plan each value of a column is; None where it is none.

    Those of the same name are; of the others one that is called as controls are is the control,
    and the rest follow in their order.
    """
    if plan is None:
        return {value: value for value in values}
    planned = [item.name for item in plan.variants]
    free = [name for name in planned if name not in values]
    found = {value: value for value in values if value in planned}
    others = [value for value in values if value not in found]
    if plan.control.name in free:
        ranked = [value for name in _CONTROLS for value in others if value.lower() == name]
        others = [*ranked[:1], *(value for value in others if value not in ranked[:1])]
    return {value: found.get(value) for value in values} | dict(
        zip(others, [*free, *[None] * len(others)], strict=False)
    )


def guess_unit_beside(table: FoundTable, unit: str | None, plan: Plan | None) -> str | None:
    """Return the column of a table of events that names the unit, as `unit` does elsewhere.

    It has the same name, or one that says no more than that it is whom it is about.
    """
    if unit in _names(table):
        return unit
    kind = plan.unit if plan else None
    wanted = (*(_UNITS[kind] if kind else ()), *_SUBJECTS)
    found = [it.name for it in table.columns if _plain(it.word) in wanted]
    return found[0] if found and unit is not None else None


def guess_unit(table: FoundTable, plan: Plan | None) -> LikelyColumn | None:
    """Return the column that names the unit, best one of the plan's kind of unit."""
    kinds = [plan.unit] if plan else []
    names = [name for kind in [*kinds, *Unit] for name in _UNITS[kind]]
    wanted = (*dict.fromkeys(names), *_ANY_UNIT)
    held = (ColumnKind.TEXT, ColumnKind.WHOLE, ColumnKind.OTHER)
    return _best(table.columns, lambda it: _rank(it.word, wanted) if it.kind in held else 0.0)


def guess_time(table: FoundTable) -> LikelyColumn | None:
    """Return the column that says when; a number or a text only by its name."""

    def likeness(column: FoundColumn) -> float:
        if column.kind is ColumnKind.MOMENT:
            return 100.0 + _rank(column.word, _TIMES)
        named = _rank(column.word.removesuffix("_ms").removesuffix("_ns"), _TIMES)
        told = column.kind is ColumnKind.TEXT or time_form(column) is not TimeForm.TIMESTAMP
        return named if told else 0.0

    return _best(table.columns, likeness)


def time_form(column: FoundColumn) -> TimeForm:
    """Return in what a column counts since 1970, by how large its numbers are."""
    if column.kind not in (ColumnKind.WHOLE, ColumnKind.NUMBER) or column.largest is None:
        return TimeForm.TIMESTAMP
    forms = (
        (_NANOS_FROM, TimeForm.NANOSECONDS),
        (_MICROS_FROM, TimeForm.MICROSECONDS),
        (_MILLIS_FROM, TimeForm.MILLISECONDS),
        (_SECONDS_FROM, TimeForm.SECONDS),
    )
    return next((form for low, form in forms if column.largest >= low), TimeForm.TIMESTAMP)


def guess_experiment(table: FoundTable, experiment_id: str | None) -> str | None:
    """Return the column that tells experiments apart, when it holds this one."""
    for column in table.columns:
        named = bool(_rank(column.word, _EXPERIMENTS))
        if named and (experiment_id is None or experiment_id in column.values):
            return column.name
    return None


def several_experiments(table: FoundTable) -> FoundColumn | None:
    """Return the column that tells experiments apart, where there are several of them."""
    return next(
        (
            it
            for it in table.columns
            if _rank(it.word, _EXPERIMENTS) and (len(it.values) > 1 or not it.values)
        ),
        None,
    )


def guess_metrics(
    tables: Sequence[FoundTable], exposure: FoundTable, unit: str | None, plan: Plan | None
) -> Iterator[GuessedMetric]:
    """Yield the plan's metrics with the column each could be; without a plan, all columns."""
    reachable = [
        it for it in tables if it is exposure or guess_unit_beside(it, unit, plan) is not None
    ]
    taken = {
        name
        for table in reachable
        for guess in (guess_variant(table, plan), guess_unit(table, plan), guess_time(table))
        if guess is not None
        for name in (guess.column,)
    }
    found = [
        (table, column)
        for table in reachable
        for column in table.columns
        if column.name not in taken and _is_measured(column)
    ]
    if plan is None:
        names: set[str] = set()
        for table, column in found:
            if column.name not in names:
                names.add(column.name)
                yield _metric_of(_plain(column.word), table, column, exposure, None)
        return
    for metric in plan.metrics:
        for name in metric.recorded:
            best = max(found, key=lambda it: _likeness(name, it[1].word), default=None)
            told = _named_events(name, reachable, metric)
            if told is not None and (best is None or _likeness(name, best[1].word) < 100.0):
                yield told
            elif best is None or _likeness(name, best[1].word) <= 0:
                yield GuessedMetric(name)
            else:
                yield _metric_of(name, *best, exposure, metric)


def _metric_of(
    name: str,
    table: FoundTable,
    column: FoundColumn,
    exposure: FoundTable,
    metric: Metric | None,
) -> GuessedMetric:
    share = column.kind is ColumnKind.FLAG or (metric and metric.kind is MetricKind.PROPORTION)
    apart = table is not exposure or _event_name(table) is not None
    summed = apart and bool(_meanings(name) & _SUMMED)
    aggregate = UnitAggregate.SUM if summed else UnitAggregate.MEAN
    return GuessedMetric(
        name, table.name, column.name, UnitAggregate.ANY if share else aggregate
    )


def _named_events(
    name: str, tables: Sequence[FoundTable], metric: Metric
) -> GuessedMetric | None:
    """Return a metric whose events bear its name, and their value in a column for all."""
    for table in tables:
        told = next(
            (it for it in table.columns if _is_event_name(it) and name in it.values), None
        )
        if told is None:
            continue
        numbers = (ColumnKind.NUMBER, ColumnKind.WHOLE)
        values = [it for it in table.columns if it.kind in numbers]
        value = _best(values, lambda it: _rank(it.word, _EVENT_VALUES))
        if metric.kind is MetricKind.PROPORTION:
            return GuessedMetric(name, table.name, None, UnitAggregate.ANY, told.name)
        if value is None:
            return GuessedMetric(name, table.name, None, UnitAggregate.COUNT, told.name)
        summed = bool(_meanings(name) & _SUMMED)
        aggregate = UnitAggregate.SUM if summed else UnitAggregate.MEAN
        return GuessedMetric(name, table.name, value.column, aggregate, told.name)
    return None


def _event_name(table: FoundTable) -> FoundColumn | None:
    """Return the column that says what happened, of a table with several kinds of events."""
    return next(
        (it for it in table.columns if _is_event_name(it) and len(it.values) != 1), None
    )


def _is_event_name(column: FoundColumn) -> bool:
    return column.kind is ColumnKind.TEXT and _plain(column.word) in _EVENT_NAMES


def _is_measured(column: FoundColumn) -> bool:
    measured = (ColumnKind.NUMBER, ColumnKind.WHOLE, ColumnKind.FLAG)
    words = _plain(column.word).split("_")
    told = column.kind is ColumnKind.WHOLE and words[-1] in _NOT_MEASURED
    return column.kind in measured and not told and time_form(column) is TimeForm.TIMESTAMP


def _likeness(wanted: str, name: str) -> float:
    """Return how well a column fits a metric: the same name, the same words, one meaning."""
    wanted, name = _plain(wanted), _plain(name)
    if wanted == name:
        return 100.0
    words, others = set(wanted.split("_")), set(name.split("_"))
    shared = len(words & others) / len(words | others)
    meant = bool(_meanings(wanted) & _meanings(name))
    return 10.0 * shared + 5.0 * meant if meant or shared >= 0.5 else 0.0


def _meanings(name: str) -> set[str]:
    words = set(_plain(name).split("_"))
    return {meaning for meaning, known in _MEANT.items() if words & known}


def _knows_variants(table: FoundTable, column: str, plan: Plan | None) -> bool:
    values = next(it.values for it in table.columns if it.name == column)
    return plan is not None and {it.name for it in plan.variants} <= set(values)


def _names(table: FoundTable) -> Collection[str]:
    return {column.name for column in table.columns}


def _best(
    columns: Sequence[FoundColumn], likeness: Callable[[FoundColumn], float]
) -> LikelyColumn | None:
    ranked = sorted((it for it in columns if likeness(it) > 0), key=likeness, reverse=True)
    if not ranked:
        return None
    return LikelyColumn(ranked[0].name, tuple(it.name for it in ranked[1:4]))


def _rank(name: str, wanted: Sequence[str]) -> float:
    """Return how early a name stands in a list; half of that where it only ends so."""
    plain = _plain(name)
    for place, known in enumerate(wanted):
        if plain == known:
            return 2.0 * (len(wanted) - place)
    for place, known in enumerate(wanted):
        if plain.endswith(f"_{known}"):
            return 1.0 * (len(wanted) - place)
    return 0.0


def _plain(name: str) -> str:
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_")
