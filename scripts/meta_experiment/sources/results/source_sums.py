"""Sums in the form in which feature-flag experiments keep them, read and held to what can be.

`{"metrics": {EVENT: {"inverse"?, VARIANT: {"n", "k"} | {"n", "sum", "sum_squares"} |
{"n", "mean", "variance"}}}}`; `conversions` stands for `k`, one metric may stand without its
event, and the sums may lie as text within the record of an experiment. A result has its counts
in the rows of its metrics.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from meta_experiment.errors import RefusedError, cite
from meta_experiment.model import strict_json
from meta_experiment.records import dataclass
from meta_experiment.sources.results.sums import Counts
from meta_experiment.stats.moments import Moments

INVERSE = "inverse"
_NO_EVENT = "primary"
_COUNTED = ("k", "conversions")
_FORMS = "expected {n, k}, {n, sum, sum_squares} or {n, mean, variance}"
_OF_RESULTS = ("primary_metric", "thompson_sampling", "best_arm_probabilities")
_OF_ROWS = ("n", "conversions", "k", "mean", "variance", "sum", "sum_squares")
_ROUNDING = 1e-9  # of a sum of squares, by which rounded sums may miss it


@dataclass(frozen=True, slots=True)
class EventSums:
    """The arms of one event, by variant; `inverse` None is not said."""

    event: str
    inverse: bool | None
    arms: Mapping[str, Counts | Moments]


@dataclass(frozen=True, slots=True)
class SourceSums:
    """All that a document gives: the sums, what its record says of the plan, what it states.

    `stated` is a result that came with it, of which nothing is believed.
    """

    events: tuple[EventSums, ...]
    record: Mapping[str, Any]
    stated: Mapping[str, Any] | None
    notes: tuple[str, ...]


def recognised(document: object) -> bool:
    """Say whether a document is of that form."""
    if not isinstance(document, Mapping):
        return False
    if "inputData" in document or "input_data" in document or _is_result(document):
        return True
    metrics = document.get("metrics")
    return (
        isinstance(metrics, Mapping) and bool(metrics) and all(map(_is_event, metrics.values()))
    )


def _is_result(document: Mapping[str, Any]) -> bool:
    return any(name in document for name in _OF_RESULTS)


def _is_event(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    rows = [row for key, row in value.items() if key != INVERSE]
    return "n" in value or (
        bool(rows) and all(isinstance(row, Mapping) and "n" in row for row in rows)
    )


def parse(document: Mapping[str, Any], name: str) -> SourceSums:
    """Read a document of that form.

    Raises:
        RefusedError: a row cannot be, or the arms of two events differ; the message names it.
    """
    notes: list[str] = []
    record: Mapping[str, Any] = {}
    stated = None
    sums: object = document
    if "inputData" in document or "input_data" in document:
        record = document
        sums = _within(document.get("inputData", document.get("input_data")), name, "inputData")
        given = document.get("analysisResult", document.get("analysis_result"))
        stated = _within(given, name, "analysisResult") if given else None
    elif _is_result(document):
        stated = document
        sums = {"metrics": dict(_events_of_rows(document, name))}
        record = _record_of(document, list(sums["metrics"]))
    metrics = sums.get("metrics") if isinstance(sums, Mapping) else None
    if not isinstance(metrics, Mapping) or not metrics:
        raise RefusedError(
            f"{name} holds no sums: expected {{'metrics': {{EVENT: {{VARIANT: {{n, k}}}}}}}}."
        )
    if all(
        isinstance(row, Mapping) and "n" in row
        for key, row in metrics.items()
        if key != INVERSE
    ):
        event = str(record.get("primaryMetricEvent") or _NO_EVENT)
        notes.append(f"The sums stand without an event; they are taken for those of {event}.")
        metrics = {event: metrics}
    events = tuple(_event(str(event), arms, notes) for event, arms in metrics.items())
    variants = list(events[0].arms)
    for other in events[1:]:
        if set(other.arms) != set(variants):
            raise RefusedError(
                f"{other.event} has the variants {', '.join(other.arms)} and {events[0].event} "
                f"has {', '.join(variants)}; expected the same in every event."
            )
    if len(variants) < 2:
        raise RefusedError(f"{events[0].event} has one variant; expected two or more.")
    return SourceSums(events, record, stated, tuple(dict.fromkeys(notes)))


def _record_of(document: Mapping[str, Any], events: list[str]) -> Mapping[str, Any]:
    """Return what a result says of its plan, in the words of a record."""
    prior, check, srm = (
        found if isinstance(found := document.get(key), Mapping) else {}
        for key in ("prior", "sample_check", "srm")
    )
    expected = srm.get("expected")
    return {
        "slug": document.get("experiment"),
        "primaryMetricEvent": events[0],
        "guardrailEvents": events[1:],
        "controlVariant": document.get("control"),
        "treatmentVariant": document.get("treatments"),
        "minimumSample": check.get("minimum_per_variant"),
        "priorProper": prior.get("proper"),
        "priorMean": prior.get("mean"),
        "priorStddev": prior.get("stddev"),
    } | ({"weights": expected} if expected else {})


def _within(value: object, name: str, field: str) -> Mapping[str, Any]:
    if isinstance(value, str):
        value = strict_json.parse(value, f"{field} of {name}") if value.strip() else {}
    if not isinstance(value, Mapping):
        raise RefusedError(f"{name}: {field} is no object, expected sums by event and variant.")
    return value


def _events_of_rows(
    document: Mapping[str, Any], name: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the sums that the rows of a result give, by event."""
    given = [document.get("primary_metric"), *(document.get("guardrails") or ())]
    if given[0] is None:  # a bandit's, which has its counts by arm
        given[0] = {"event": document.get("metric"), "rows": _arms(document.get("arms"))}
    for metric in given:
        rows = metric.get("rows") if isinstance(metric, Mapping) else None
        if not isinstance(metric, Mapping) or not isinstance(rows, list):
            raise RefusedError(
                f"{name} is a result without rows of counts, so that nothing can be computed.",
                hint="Import the sums that it was made from.",
            )
        arms: dict[str, Any] = {INVERSE: True} if metric.get(INVERSE) else {}
        for row in rows:
            if not isinstance(row, Mapping) or "variant" not in row:
                raise RefusedError(f"{name}: a row of {metric.get('event')} names no variant.")
            arms[str(row["variant"])] = {key: row[key] for key in _OF_ROWS if key in row}
        yield str(metric.get("event") or _NO_EVENT), arms


def _arms(arms: object) -> list[dict[str, Any]] | None:
    """Return the arms of a bandit as rows; None where they have no counts."""
    if isinstance(arms, Mapping):
        arms = [
            {"variant": name, **row} for name, row in arms.items() if isinstance(row, Mapping)
        ]
    if not isinstance(arms, list) or not all(isinstance(row, Mapping) for row in arms):
        return None
    rows = [{"variant": row.get("variant", row.get("arm")), **row} for row in arms]
    return (
        rows
        if rows and all("n" in row and row["variant"] is not None for row in rows)
        else None
    )


def _event(event: str, arms: object, notes: list[str]) -> EventSums:
    if not isinstance(arms, Mapping):
        raise RefusedError(f"{cite(event)}: expected variants with their sums.")
    inverse = arms.get(INVERSE)
    if INVERSE in arms and not isinstance(inverse, bool):
        raise RefusedError(
            f"{cite(event)}: inverse is {inverse!r}, expected true or false; no variant can be "
            "called inverse."
        )
    rows = {str(name): row for name, row in arms.items() if name != INVERSE}
    read = {name: _row(f"{event}, {name}", row, notes) for name, row in rows.items()}
    if len({type(arm) for arm in read.values()}) > 1:
        raise RefusedError(f"{cite(event)}: some variants have counts and some have means.")
    return EventSums(event, inverse, read)


def _row(where: str, row: object, notes: list[str]) -> Counts | Moments:
    if not isinstance(row, Mapping):
        raise RefusedError(f"{cite(where)}: {row!r}, {_FORMS}.")
    n = _whole(where, row, "n")
    if n == 0:
        raise RefusedError(f"{cite(where)}: n is 0, expected units in every variant.")
    counted = [name for name in _COUNTED if row.get(name) is not None]
    if counted:
        if counted == ["conversions"]:
            notes.append("`conversions` is read as k.")
        k = _whole(where, row, counted[0])
        if k > n:
            raise RefusedError(f"{cite(where)}: k is {k:,} of n {n:,}, expected at most n.")
        return Counts(k, n)
    if "sum" in row:
        total, squares = (_number(where, row, name) for name in ("sum", "sum_squares"))
        m2 = Fraction(squares) - Fraction(total) ** 2 / n
        if m2 < -_ROUNDING * abs(squares):
            raise RefusedError(
                f"{cite(where)}: a sum of {total:g} over {n:,} units has squares of at least "
                f"{total * total / n:g}; sum_squares {squares:g} would be a negative variance."
            )
        return _moments(where, n, total / n, float(max(m2, Fraction(0))) / max(n - 1, 1))
    if "mean" in row:
        mean, variance = (_number(where, row, name) for name in ("mean", "variance"))
        if variance < 0:
            raise RefusedError(
                f"{cite(where)}: variance {variance:g}, expected none below zero."
            )
        return _moments(where, n, mean, variance)
    raise RefusedError(f"{cite(where)}: it has {', '.join(map(str, row))}; {_FORMS}.")


def _moments(where: str, n: int, mean: float, variance: float) -> Moments:
    if n < 2:
        raise RefusedError(f"{cite(where)}: a spread needs at least two units, not {n}.")
    return Moments.from_summary(n, mean, math.sqrt(variance))


def _whole(where: str, row: Mapping[str, Any], name: str) -> int:
    value = row.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise RefusedError(
            f"{cite(where)}: {name} is {value!r}, expected a whole number from 0 up."
        )
    return value


def _number(where: str, row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not math.isfinite(value)
    ):
        raise RefusedError(f"{cite(where)}: {name} is {value!r}, expected a finite number.")
    return float(value)
