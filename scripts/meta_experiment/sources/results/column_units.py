"""Units of numbers, as the name of their column tells them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from meta_experiment.model.metrics import KNOWN_METRICS
from meta_experiment.sources.results.result_words import METRIC_FIELDS, snake

_SECONDS, _MILLISECONDS = "s", "ms"
# Words by the unit that they tell of; the empty one is none that a metric here has.
_TIMES: Mapping[str, frozenset[str]] = {
    _SECONDS: frozenset(
        {"s", "sec", "secs", "sek", "second", "seconds", "sekunden", "secondes", "segundos",
         "secondi", "seconden"}
    ),
    _MILLISECONDS: frozenset(
        {"ms", "msec", "msecs", "millis", "millisecond", "milliseconds", "millisekunden",
         "millisecondes", "milisegundos", "millisecondi", "milliseconden"}
    ),
    "": frozenset(
        {"us", "µs", "μs", "usec", "usecs", "micros", "microseconds", "mikrosekunden", "ns",
         "nsec", "nanos", "nanoseconds", "m", "min", "mins", "minute", "minutes", "minuten",
         "minuti", "minutos", "h", "hr", "hrs", "hour", "hours", "std", "stunde", "stunden",
         "heures", "horas", "ore", "uur", "days", "tage"}
    ),
}  # fmt: skip
_OTHERS: Mapping[str, frozenset[str]] = {
    "USD": frozenset(
        {"€", "£", "¥", "eur", "euro", "euros", "gbp", "chf", "jpy", "¢", "ct", "cts", "cent",
         "cents"}
    ),
    "tokens": frozenset(
        {"k", "ktok", "ktoken", "ktokens", "thousand", "thousands", "tsd", "tausend", "mio",
         "million", "millions", "mtok", "mtokens"}
    ),
}  # fmt: skip
_PER_CENT = frozenset({"%", "pct", "percent", "prozent", "percentage"})
_NAMES = {"s": "seconds", "USD": "US dollars"}


def words(column: str) -> list[str]:
    """Return the words and signs in the name of a column, in lower case."""
    return re.findall(r"[^\W_]+|[%€£¥¢]", snake(column))


def other_unit(column: str, metric: str) -> tuple[str, str] | None:
    """Return the word by which a column is in another unit than a metric, and that unit.

    None where its name does not say so. The metric is a field's name, as `duration_ms`.
    """
    name, factor = METRIC_FIELDS.get(metric, (metric, 1.0))
    unit = KNOWN_METRICS[name].unit if name in KNOWN_METRICS else ""
    wrong = _OTHERS.get(unit, frozenset())
    if unit == _SECONDS:
        unit = _SECONDS if factor == 1.0 else _MILLISECONDS
        wrong = frozenset().union(*(_TIMES[other] for other in _TIMES if other != unit))
    found = next((word for word in words(column) if word in wrong), None)
    return (found, _NAMES.get(unit, unit)) if found else None


def in_milliseconds(column: str) -> bool:
    """Tell whether a column is in milliseconds by its name."""
    return not _TIMES[_MILLISECONDS].isdisjoint(words(column))


def in_per_cents(column: str) -> bool:
    """Tell whether a column is in per cents by its name."""
    return not _PER_CENT.isdisjoint(words(column))
