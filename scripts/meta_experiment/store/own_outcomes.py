"""Outcomes as this program writes them, read by the hundred and checked as a whole."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, compress
from math import isfinite
from typing import Any, NamedTuple

from meta_experiment.store.events import LATEST, NAME_LIMIT, is_fingerprint
from meta_experiment.store.fold import STATUS_CODE
from meta_experiment.store.lines import decode
from meta_experiment.store.names import own_codes

BEGIN = '{"event":"recorded","at":'

# `^` and a newline at the end of each: as many matches as lines are all of every line
_FRONT = r'^\{"event":"recorded","at":([^,]+),"trial_id":"([^"]{1,4096})","variant":"([^{]+)\{'
_BACK = r"\}([^\n]*)\n"
_ANY = re.compile(_FRONT + "([^}]*)" + _BACK, re.MULTILINE)
_MIDDLE = re.compile(
    r'([^"]{1,4096})"(?:,"unit":"([^"]{1,4096})")?,"status":"([a-z]+)","metrics":'
)
_FINGERPRINT = ',"fingerprint":'
_NUMBERS = frozenset({int, float})  # and not bool
_MOST_CHANGES = 50  # of what the lines of a file have in common

Values = Sequence[float | None]


class Middle(NamedTuple):
    """What stands between a trial's id and its metrics; a unit nobody named is empty."""

    variant: str
    unit: str
    status: str


class Outcomes(NamedTuple):
    """Checked outcomes by column, one entry a line in each; None where a metric is missing.

    What stands in the middle and at the end of lines is often the same, so that its text
    leads to what it says.
    """

    at: Sequence[float]
    trial_ids: Sequence[str]
    middles: Sequence[str]
    tails: Sequence[str]
    metrics: Mapping[str, Values]
    said: Mapping[str, Middle]
    fingerprints: Mapping[str, Mapping[str, str]]
    codes: array[int] | None  # of the trials' ids, when all are of our own making

    def picked(self, wanted: Sequence[bool]) -> Outcomes:
        """Return the outcomes of some of the lines."""
        metrics = {name: list(compress(it, wanted)) for name, it in self.metrics.items()}
        return Outcomes(
            list(compress(self.at, wanted)),
            list(compress(self.trial_ids, wanted)),
            list(compress(self.middles, wanted)),
            list(compress(self.tails, wanted)),
            {name: it for name, it in metrics.items() if any(v is not None for v in it)},
            self.said,
            self.fingerprints,
            None,
        )

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield each as the event that its line holds."""
        for line, (at, trial_id, middle, tail) in enumerate(zip(*self[:4], strict=True)):
            variant, unit, status = self.said[middle]
            yield {
                "event": "recorded",
                "at": at,
                "trial_id": trial_id,
                "variant": variant,
                "unit": unit or None,
                "status": status,
                "metrics": {
                    name: values[line]
                    for name, values in self.metrics.items()
                    if values[line] is not None
                },
                "fingerprint": self.fingerprints[tail],
            }


class Reader:
    """Reads blocks of lines, fastest when all have the metrics of the block before."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._pattern: re.Pattern[str] | None = None
        self._changes = 0

    def read(self, text: str, lines: int) -> Outcomes | None:
        """Return the outcomes of so many lines, None when one of them is none of ours."""
        if "\\" in text:
            return None
        try:
            return self._alike(text, lines) or _unlike(text, lines)
        except (ValueError, TypeError, OverflowError, RecursionError):
            return None

    def _alike(self, text: str, lines: int) -> Outcomes | None:
        if self._pattern is None or self._pattern.match(text) is None:
            if self._changes > _MOST_CHANGES or not self._learn(text):
                return None
            self._changes += 1
        found = self._pattern.findall(text) if self._pattern else []
        if len(found) != lines:
            self._changes += 1
            return None
        times, trial_ids, middles, *values, tails = zip(*found, strict=True)
        numbers = map(_numbers, values)
        metrics = dict(zip(self._names, numbers, strict=True))
        return _outcomes(times, trial_ids, middles, tails, metrics)

    def _learn(self, text: str) -> bool:
        """Make the pattern of lines that have the metrics of the first one."""
        found = _ANY.match(text)
        names = tuple(decode("{" + found[4] + "}")) if found else ()
        if not names:
            return False
        _require_metric_names(names)
        values = ",".join(f'"{re.escape(name)}":([^,}}]+)' for name in names)
        self._names, self._pattern = names, re.compile(_FRONT + values + _BACK, re.MULTILINE)
        return True


def _unlike(text: str, lines: int) -> Outcomes | None:
    """Read outcomes of whatever metrics."""
    found = _ANY.findall(text)
    if len(found) != lines:
        return None
    times, trial_ids, middles, insides, tails = zip(*found, strict=True)
    measured: list[dict[str, float]] = decode("[{" + "},{".join(insides) + "}]")
    if len(measured) != lines or any(None in item.values() for item in measured):
        return None
    names = tuple(dict.fromkeys(chain.from_iterable(measured)))
    _require_metric_names(names)
    metrics = {name: [item.get(name) for item in measured] for name in names}
    for values in metrics.values():
        _require_numbers([value for value in values if value is not None])
    return _outcomes(times, trial_ids, middles, tails, metrics)


def _outcomes(
    times: Sequence[str],
    trial_ids: Sequence[str],
    middles: Sequence[str],
    tails: Sequence[str],
    metrics: Mapping[str, Values],
) -> Outcomes | None:
    at = _numbers(times)
    codes = own_codes(trial_ids)
    if min(at) < 0 or max(at) >= LATEST:
        return None
    if codes is None and not "".join(trial_ids).isprintable():
        return None
    said = {text: _middle(text) for text in set(middles)}
    fingerprints = {text: _fingerprint(text) for text in set(tails)}
    return Outcomes(at, trial_ids, middles, tails, metrics, said, fingerprints, codes)


def _numbers(texts: Sequence[str]) -> list[float]:
    numbers: list[float] = decode(f"[{','.join(texts)}]")
    if len(numbers) != len(texts):
        raise ValueError
    _require_numbers(numbers)
    return numbers


def _require_numbers(values: Sequence[object]) -> None:
    if not _NUMBERS.issuperset(map(type, values)):
        raise TypeError
    if not isfinite(sum(values)):  # type: ignore[arg-type]
        raise ValueError


def _require_metric_names(names: Sequence[str]) -> None:
    if not all(0 < len(name) <= NAME_LIMIT and name.isprintable() for name in names):
        raise ValueError


def _middle(text: str) -> Middle:
    found = _MIDDLE.fullmatch(text)
    if found is None or not text.isprintable() or found[3] not in STATUS_CODE:
        raise ValueError
    return Middle(found[1], found[2] or "", found[3])


def _fingerprint(tail: str) -> Mapping[str, str]:
    """Return the fingerprint at the end of a line."""
    if tail == "}":
        return {}
    if not (tail.startswith(_FINGERPRINT) and tail.endswith("}")):
        raise ValueError
    fingerprint: Mapping[str, str] = decode(tail[len(_FINGERPRINT) : -1])
    if not is_fingerprint(fingerprint):
        raise ValueError
    return fingerprint
