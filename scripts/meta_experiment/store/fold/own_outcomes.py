"""Outcomes as this program writes them, read by the hundred and checked as a whole."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, compress
from math import isfinite
from typing import Any, NamedTuple

from meta_experiment.protocol.events import BEGIN
from meta_experiment.protocol.sequence import LATEST
from meta_experiment.store.fold.events import NAME_LIMIT, is_fingerprint
from meta_experiment.store.fold.fold import STATUS_CODE
from meta_experiment.store.fold.lines import decode
from meta_experiment.store.fold.names import own_codes

# `^` and a newline at the end of each: as many matches as lines are all of every line
_FRONT = (
    rf'^{re.escape(BEGIN)}(?P<at>[^,]++),"trial_id":"(?P<trial_id>[^"]++)",'
    r'"variant":"(?P<variant>[^"]++)"'
)
_UNIT = r',"unit":"(?P<unit>[^"]++)"'
_STATUS = r',"status":"(?P<status>[^"]++)","metrics":\{'
_METRICS = r"(?P<metrics>[^}]*+)"
_TAIL = r"\}(?P<tail>[^\n]*+)\n"
_NO_TAIL = r"\}\}\n"
_ANY = f"(?m){_FRONT}(?:{_UNIT})?+{_STATUS}{_METRICS}{_TAIL}"
_FINGERPRINT = ',"fingerprint":'
_NUMBERS = frozenset({int, float})  # and not bool
_MOST_CHANGES = 50  # of what the lines of a file have in common

Texts = Mapping[str, Sequence[str]]
Values = Sequence[float | None]


class Outcomes(NamedTuple):
    """Checked outcomes by column, one entry a line in each; None where a metric is missing.

    A unit that its line does not name is empty; there are no `units` when no line names one,
    and no `tails` when no line has a fingerprint. What stands at the end of lines is often
    the same, so that its text leads to what it says.
    """

    at: Sequence[float]
    trial_ids: Sequence[str]
    variants: Sequence[str]
    units: Sequence[str]
    statuses: Sequence[str]
    tails: Sequence[str]
    metrics: Mapping[str, Values]
    fingerprints: Mapping[str, Mapping[str, str]]
    codes: array[int] | None  # of the trials' ids, when all are of our own making

    def picked(self, wanted: Sequence[bool]) -> Outcomes:
        """Return the outcomes of some of the lines."""
        measured = {name: list(compress(it, wanted)) for name, it in self.metrics.items()}
        missing = [None] * sum(wanted)
        return self._replace(
            at=list(compress(self.at, wanted)),
            trial_ids=list(compress(self.trial_ids, wanted)),
            variants=list(compress(self.variants, wanted)),
            units=list(compress(self.units, wanted)),
            statuses=list(compress(self.statuses, wanted)),
            tails=list(compress(self.tails, wanted)),
            metrics={name: values for name, values in measured.items() if values != missing},
            codes=None,
        )

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield each as the event that its line holds."""
        for line, at in enumerate(self.at):
            yield {
                "event": "recorded",
                "at": at,
                "trial_id": self.trial_ids[line],
                "variant": self.variants[line],
                "unit": (self.units[line] or None) if self.units else None,
                "status": self.statuses[line],
                "metrics": {
                    name: values[line]
                    for name, values in self.metrics.items()
                    if values[line] is not None
                },
                "fingerprint": self.fingerprints[self.tails[line]] if self.tails else {},
            }


class Reader:
    """Reads blocks of lines, fastest when all have the metrics of the block before."""

    def __init__(self) -> None:
        self._metrics: list[tuple[str, str]] = []  # group of the pattern, name
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
        texts = _columns(self._pattern, text, lines) if self._pattern else {}
        if not texts:
            self._changes += 1
            return None
        return _outcomes(texts, {name: _numbers(texts[group]) for group, name in self._metrics})

    def _learn(self, text: str) -> bool:
        """Make the pattern of lines that have the parts and metrics of the first one."""
        found = re.compile(_ANY).match(text)
        names = tuple(decode("{" + found["metrics"] + "}")) if found else ()
        if found is None or not names:
            return False
        _require_metric_names(names)
        self._metrics = [(f"metric_{number}", name) for number, name in enumerate(names)]
        values = ",".join(
            f'"{re.escape(name)}":(?P<{group}>[^,}}]++)' for group, name in self._metrics
        )
        parts = (
            _FRONT,
            _UNIT if found["unit"] else "",
            _STATUS,
            values,
            _NO_TAIL if found["tail"] == "}" else _TAIL,
        )
        self._pattern = re.compile("".join(parts), re.MULTILINE)
        return True


def _unlike(text: str, lines: int) -> Outcomes | None:
    """Read outcomes of whatever metrics."""
    texts = _columns(re.compile(_ANY), text, lines)
    if not texts:
        return None
    measured: list[dict[str, float]] = decode("[{" + "},{".join(texts["metrics"]) + "}]")
    if len(measured) != lines or any(None in item.values() for item in measured):
        return None
    names = tuple(dict.fromkeys(chain.from_iterable(measured)))
    _require_metric_names(names)
    metrics = {name: [item.get(name) for item in measured] for name in names}
    for values in metrics.values():
        _require_numbers([value for value in values if value is not None])
    return _outcomes(texts, metrics)


def _columns(pattern: re.Pattern[str], text: str, lines: int) -> Texts:
    """Return what the groups of a pattern stand for, by name; none unless all lines match."""
    found = pattern.findall(text)
    if len(found) != lines:
        return {}
    return dict(zip(pattern.groupindex, zip(*found, strict=True), strict=True))


def _outcomes(texts: Texts, metrics: Mapping[str, Values]) -> Outcomes | None:
    at = _numbers(texts["at"])
    trial_ids, variants, statuses = texts["trial_id"], texts["variant"], texts["status"]
    if min(at) < 0 or max(at) >= LATEST or not STATUS_CODE.keys() >= set(statuses):
        return None
    units, tails = texts.get("unit", ()), texts.get("tail", ())
    codes = own_codes(trial_ids)
    names = {*variants, *units} if codes else {*variants, *units, *trial_ids}
    if not "".join(names).isprintable() or max(map(len, names)) > NAME_LIMIT:
        return None
    fingerprints = {text: _fingerprint(text) for text in set(tails)}
    return Outcomes(
        at,
        trial_ids,
        variants,
        units if any(units) else (),
        statuses,
        tails if any(fingerprints.values()) else (),
        metrics,
        fingerprints,
        codes,
    )


def _numbers(texts: Sequence[str]) -> list[float]:
    joined = ",".join(texts)
    numbers: list[float] = decode(f"[{joined}]")
    if len(numbers) != len(texts):
        raise ValueError
    if "e" in joined:  # or else none is true or false, and a sum tells numbers from the rest
        _require_numbers(numbers)
    elif not isfinite(sum(numbers)):
        raise ValueError
    return numbers


def _require_numbers(values: Sequence[object]) -> None:
    if not _NUMBERS.issuperset(map(type, values)):
        raise TypeError
    if not isfinite(sum(values)):  # type: ignore[arg-type]
        raise ValueError


def _require_metric_names(names: Sequence[str]) -> None:
    if not all(0 < len(name) <= NAME_LIMIT and name.isprintable() for name in names):
        raise ValueError


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
