"""Metrics from the record of one run, whatever its form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from meta_experiment.errors import UsageError
from meta_experiment.model.metrics import KNOWN_METRICS
from meta_experiment.sources.results import values
from meta_experiment.sources.results.imported import (
    NOT_GRADED,
    OTHER_UNIT,
    OUT_OF_RANGE,
    ZERO_UNMEASURED,
    Ledger,
)
from meta_experiment.sources.results.result_words import (
    DETAILS,
    METRIC_FIELDS,
    TALLIES,
    WITNESSES,
    WRAPPERS,
    snake,
)
from meta_experiment.sources.results.values import Decimal, NumberUnit
from meta_experiment.types import MetricKind

Record = Mapping[str, Any]
PASS_RATES = ("pass_rate", "expectation_pass_rate")
_SHARES = (NumberUnit.PER_CENT, NumberUnit.TRUTH)  # signs of a metric without a unit
_UNITS = {
    "s": (NumberUnit.SECONDS,),
    "tokens": (NumberUnit.TOKENS,),
    "USD": (NumberUnit.DOLLARS,),
}
_DEEPEST = 4
_TELLING_TEXT = 20  # characters; what is shorter is said of many runs
_PER_CENT_LIMIT = 100.0
_ROUNDING = 0.011  # what two decimals of a rate may be off
# Where tools write zero for "not recorded": nothing takes no time and no tokens.
_NEVER_ZERO = frozenset({"duration_seconds", "total_tokens", "input_tokens", "output_tokens"})
_NEITHER = frozenset(
    {"passed", "failed", "total", "run_number", "run_index", "eval_id", "id", "iteration"}
    | {name for pair in TALLIES for name in pair}
)


def flat(record: Record) -> dict[str, Any]:
    """Return the fields of a run by their names in snake case, wrappers opened.

    Of two fields with one name the outer one stands.
    """
    found: dict[str, Any] = {}
    level = [dict(record)]
    for _ in range(_DEEPEST):
        inner: list[dict[str, Any]] = []
        for mapping in level:
            for key, value in mapping.items():
                name = snake(str(key))
                if isinstance(value, Mapping) and name in WRAPPERS:
                    inner.append(_inner(name, value))
                else:
                    found.setdefault(name, value)
        level = inner
    return found


def _inner(name: str, mapping: Record) -> dict[str, Any]:
    """Name the parts of `tokens: {input, output, total}` as they are called elsewhere."""
    if name != "tokens":
        return dict(mapping)
    return {
        f"{snake(str(key))}_tokens" if "token" not in str(key) else str(key): value
        for key, value in mapping.items()
    }


def in_per_cent(records: Iterable[Record], decimal: Decimal = Decimal.POINT) -> bool:
    """Say whether a source writes its pass rates as numbers up to 100 instead of up to 1."""
    rates = (
        values.read(flat(record).get(name), decimal)
        for record in records
        for name in PASS_RATES
    )
    return any(
        rate.number is not None
        and rate.unit is NumberUnit.NONE
        and 1.0 < rate.number <= _PER_CENT_LIMIT
        for rate in rates
    )


def gradings_shown(records: Iterable[Record]) -> bool:
    """Say whether a source lists what was graded, so that an empty list means nothing was."""
    return any(bool(flat(record).get(name)) for record in records for name in DETAILS)


def measure(
    record: Record,
    ledger: Ledger,
    *,
    per_cent: bool = False,
    shows_gradings: bool = False,
    decimal: Decimal = Decimal.POINT,
) -> dict[str, float]:
    """Return the metrics of one run; what is missing is absent and counted where it matters.

    Args:
        record: the run as the source holds it.
        ledger: takes what is left out and assumed.
        per_cent: pass rates without a sign are per cents.
        shows_gradings: a run whose list of gradings is empty was not graded.
        decimal: the sign before the decimals of numbers that are written as text.
    """
    fields = flat(record)
    metrics: dict[str, float] = {}
    taken: dict[str, str] = {}
    for name, (metric, factor) in METRIC_FIELDS.items():
        if name not in fields or (name == "passed" and _total(fields)):
            continue  # passed of a total counts statements, see _rate
        if metric in metrics:
            _compare(fields, name, metrics[metric], taken[metric], ledger, decimal)
            continue
        number = _number(fields[name], name, metric, factor, ledger, decimal)
        if number is not None and _possible(metric, number, ledger):
            metrics[metric], taken[metric] = number, name
    _rate(fields, metrics, ledger, per_cent=per_cent, decimal=decimal)
    if shows_gradings and _grading_is_empty(fields):
        for metric in ("pass_rate", "success", "score"):
            if metrics.pop(metric, None) is not None:
                ledger.exclude(NOT_GRADED)
    for name in _ignored(fields):
        ledger.ignore(name)
    return metrics


def words_of(record: Record) -> frozenset[str]:
    """Return what a grader wrote of this very run, and what it answered."""
    fields = flat(record)
    details = [
        item
        for name in DETAILS
        for item in (fields[name] if isinstance(fields.get(name), list) else [])
        if isinstance(item, Mapping)
    ]
    texts = [part.get(name) for part in (fields, *details) for name in WITNESSES]
    return frozenset(
        text.strip() for text in texts if isinstance(text, str) and len(text) >= _TELLING_TEXT
    )


def counts(field: str) -> bool:
    """Tell whether a field is of a metric that counts, so that it has no decimals."""
    metric, _ = METRIC_FIELDS.get(field, (field, 1.0))
    return metric in KNOWN_METRICS and KNOWN_METRICS[metric].kind is MetricKind.COUNT


def nothing_read(what: str, ledger: Ledger) -> UsageError:
    """Return the error about results of which no value could be read; `what` begins it."""
    return UsageError(
        f"{what} that can be read: {'; '.join(list(ledger.rejected)[:3])}.",
        hint="Write plain numbers, or numbers with a unit of the metric, as 90.5 or 90 s.",
    )


def named(name: str, value: object, ledger: Ledger, decimal: Decimal) -> float | None:
    """Return the value that a user says is of that metric, or None when it is missing."""
    number = _number(value, name, name, 1.0, ledger, decimal)
    return None if number is None or not _possible(name, number, ledger) else number


def _number(
    value: object, name: str, metric: str, factor: float, ledger: Ledger, decimal: Decimal
) -> float | None:
    """Read the value of a field in the metric's own unit, which the factor leads to."""
    if isinstance(value, Mapping | list):
        return None
    reading = values.read(value, decimal)
    if reading.problem is not None:
        ledger.reject(
            f"{reading.problem} ({name})", f"{name}: {str(value)[:60]!r} is no number"
        )
    if reading.number is None:
        return None
    if not _has_unit(metric, reading.unit):
        ledger.reject(
            f"{OTHER_UNIT} ({name})", f"{name}: {str(value)[:60]!r} is {reading.unit.value}"
        )
        return None
    return reading.number * (1.0 if reading.unit is NumberUnit.SECONDS else factor)


def _has_unit(metric: str, unit: NumberUnit) -> bool:
    """Say whether values of a metric may be written with such a sign."""
    known = KNOWN_METRICS.get(metric)
    if unit is NumberUnit.NONE or known is None:
        return True
    fitting = _UNITS.get(known.unit, () if known.kind is MetricKind.COUNT else _SHARES)
    return unit in fitting


def _compare(
    fields: Record,
    name: str,
    known: float,
    taken: str,
    ledger: Ledger,
    decimal: Decimal,
) -> None:
    """Count a run in which two fields of one metric disagree."""
    metric, factor = METRIC_FIELDS[name]
    other = _number(fields[name], name, metric, factor, Ledger(), decimal)
    if other is not None and abs(other - known) > _ROUNDING * max(1.0, abs(known)):
        ledger.count(f"{taken} and {name} of a run differ; {taken} was taken as {metric}.")


def _possible(metric: str, number: float, ledger: Ledger) -> bool:
    if number == 0 and metric in _NEVER_ZERO:
        ledger.reject(f"{ZERO_UNMEASURED} ({metric})")
        return False
    known = KNOWN_METRICS.get(metric)
    binary = known is not None and known.kind is MetricKind.PROPORTION
    if (binary and number not in (0.0, 1.0)) or (known is not None and number < 0):
        ledger.reject(f"{OUT_OF_RANGE} ({metric})")
        return False
    return True


def _rate(
    fields: Record,
    metrics: dict[str, float],
    ledger: Ledger,
    *,
    per_cent: bool,
    decimal: Decimal,
) -> None:
    """Settle the pass rate: as stated, or by the counts that it rounds."""
    stated = metrics.pop("pass_rate", None)
    if stated is not None and per_cent and not _signed(fields, decimal):
        stated /= 100
    if stated is not None and not 0.0 <= stated <= 1.0:
        ledger.reject(f"{OUT_OF_RANGE} (pass_rate)")
        stated = None
    counted = _counted(fields)
    agree = counted is not None and stated is not None and abs(counted - stated) <= _ROUNDING
    if stated is None and "pass_rate" in fields:
        return  # said to be missing; counts beside it do not make it known
    if stated is None or agree:
        stated = counted
    elif counted is not None:
        ledger.count(
            "the pass rate is not that of the counts beside it; it was taken as stated."
        )
    if stated is not None:
        metrics["pass_rate"] = stated


def _signed(fields: Record, decimal: Decimal) -> bool:
    units = (values.read(fields.get(name), decimal).unit for name in PASS_RATES)
    return not {NumberUnit.PER_CENT, NumberUnit.TRUTH}.isdisjoint(units)


def _counted(fields: Record) -> float | None:
    for passed, total in TALLIES:
        one, all_of = fields.get(passed), fields.get(total)
        if type(one) is int and type(all_of) is int and 0 <= one <= all_of and all_of:
            return one / all_of
    return _graded(fields)


def _total(fields: Record) -> bool:
    """Say whether the run counts its graded statements."""
    return any(total in fields for _, total in TALLIES)


def _graded(fields: Record) -> float | None:
    """Return the share of graded statements that passed; None unless all were graded."""
    for name in DETAILS:
        items = fields.get(name)
        if isinstance(items, list) and items:
            verdicts = [item.get("passed") for item in items if isinstance(item, Mapping)]
            if verdicts and all(isinstance(verdict, bool) for verdict in verdicts):
                return verdicts.count(True) / len(verdicts)
    return None


def _grading_is_empty(fields: Record) -> bool:
    lists = [fields[name] for name in DETAILS if name in fields]
    return bool(lists) and not any(lists)


def _ignored(fields: Record) -> Iterator[str]:
    for name, value in fields.items():
        if name in METRIC_FIELDS or name in _NEITHER or isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            yield name
