"""Explanations of words: decisions, reason codes, statuses, error kinds, metrics and others.

Their sentences are tables beside this module, in the order in which they are shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from meta_experiment.errors import ErrorKind, MetaExperimentError
from meta_experiment.model.metrics import BY_HAND, KNOWN_METRICS
from meta_experiment.types import Metric, Scale
from meta_experiment.types.results.manual import ManualEntry, ManualSort, ManualTerms

_FOLDER = Path(__file__).parent


@cache
def sentences(name: str) -> Any:  # noqa: ANN401 - each table has a form of its own
    """Return a table of sentences by the name of its file, such as `reasons`."""
    return json.loads((_FOLDER / f"{name}.json").read_bytes())


def word_entries() -> Iterator[ManualEntry]:
    """Yield the explanation of every word."""
    yield from words()
    yield from decisions()
    yield from reason_codes()
    yield from statuses()
    yield from error_kinds()
    yield from metrics()
    yield from variables()
    yield from exit_codes()


def words() -> Iterator[ManualEntry]:
    """Yield what the words mean that are used everywhere."""
    for word, said in sentences("words").items():
        yield ManualEntry(word, ManualSort.WORD, said)


def decisions() -> Iterator[ManualEntry]:
    """Yield what each decision means and asks for."""
    yield from _asking("decisions", ManualSort.DECISION)


def statuses() -> Iterator[ManualEntry]:
    """Yield what each status of an experiment means, and what may follow."""
    yield from _asking("statuses", ManualSort.STATUS)


def _asking(table: str, sort: ManualSort) -> Iterator[ManualEntry]:
    for name, said in sentences(table).items():
        yield ManualEntry(name, sort, said["means"], about=(f"Next: {said['do']}",))


def reason_codes() -> Iterator[ManualEntry]:
    """Yield what each reason of a decision means and asks for, in the order of the gates."""
    for gate in sentences("reasons"):
        for code, said in gate["codes"].items():
            yield ManualEntry(
                code,
                ManualSort.REASON_CODE,
                said["says"],
                about=(f"Gate: {gate['title']}.", f"Next: {said['do']}"),
            )


def error_kinds() -> Iterator[ManualEntry]:
    """Yield what each kind of error means and asks for."""
    for kind, said in sentences("errors").items():
        code = f"The exit code is {exit_code_of(kind)}."
        yield ManualEntry(
            kind, ManualSort.ERROR_KIND, said["means"], about=(f"Next: {said['do']}", code)
        )


def exit_code_of(kind: ErrorKind) -> str:
    """Return with what a command ends on an error of a kind."""
    if kind == "interrupted":
        return "130, or 143 by SIGTERM"
    found = (it.exit_code for it in MetaExperimentError.__subclasses__() if it.kind == kind)
    return str(next(found, MetaExperimentError.exit_code))


def metrics() -> Iterator[ManualEntry]:
    """Yield what each known metric measures."""
    told = sentences("metrics")
    for name, metric in KNOWN_METRICS.items():
        yield ManualEntry(name, ManualSort.METRIC, told[name], terms=(_properties(metric),))


def _properties(metric: Metric) -> ManualTerms:
    compared = "ratios (log scale)" if metric.scale is Scale.LOG else "sums (raw scale)"
    told = metric.name in BY_HAND
    rows = (
        ("better", metric.direction.value),
        ("compared", compared),
        ("kind", metric.kind.value),
        ("unit", metric.unit),
        ("recorded", "where it is told: `record`, `rate`, a judge" if told else "by itself"),
    )
    return ManualTerms("Properties", tuple(row for row in rows if row[1]))


def variables() -> Iterator[ManualEntry]:
    """Yield what each environment variable does."""
    for group in sentences("variables"):
        for name, said in group["names"].items():
            yield ManualEntry(name, ManualSort.VARIABLE, said, about=(f"{group['title']}.",))


def exit_codes() -> Iterator[ManualEntry]:
    """Yield what each exit code tells."""
    for code, said in sentences("exit_codes").items():
        yield ManualEntry(code, ManualSort.EXIT_CODE, said)
