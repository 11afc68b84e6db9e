"""Reading of state files in every form that they have had; nothing is lost for one bad line."""

from __future__ import annotations

import codecs
import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from meta_experiment.errors import CorruptStoreError
from meta_experiment.workflows.ledger_text import BASELINE
from meta_experiment.workflows.state.ledger import (
    BadLine,
    Counts,
    CountStatement,
    LedgerRun,
    RunLedger,
)
from meta_experiment.workflows.state.union import merged

LEDGER_FILE, LEGACY_FILE, ASSIGNMENTS_FILE = "state.jsonl", "state.json", "assignments.json"
STATE_FILES = (LEDGER_FILE, LEGACY_FILE)
LARGEST = 64 * 1024 * 1024  # bytes
_RUN = "run_id"
_BEGINNINGS = (b'{"run_id"', b'{"schema_version"')  # of a run's line, as they are written
_OWN = {_RUN, "timestamp", "assignments", "harness_version", BASELINE}


class BadStateError(ValueError):
    """What is wrong with a line or a document, in words that follow a colon."""


class StateReader:
    """Reads state files one after the other; what several of them repeat is parsed once.

    Each run of a workflow carries along the ledger as it then was, so that nearly all lines of
    the next were seen before.
    """

    def __init__(self) -> None:
        self._parsed: dict[bytes, RunLedger] = {}
        self._others: list[RunLedger] = []

    def add(self, data: bytes, source: str) -> None:
        """Read one file; `source` is what messages call it.

        Raises:
            CorruptStoreError: nothing in it can be read.
        """
        data = data.removeprefix(codecs.BOM_UTF8)
        lines = [line for line in data.splitlines() if line.strip()]
        if data in self._parsed or not lines:
            return
        if len(lines) > 1 and lines[0] not in self._parsed and _is_object(data):
            self._add_document(data, source)
        else:
            self._add_lines(lines, source)

    def add_run(self, run: LedgerRun) -> None:
        """Add a run that is known from elsewhere."""
        self._others.append(RunLedger(runs=(run,)))

    def add_bad(self, bad: BadLine) -> None:
        """Keep what somebody else could not read."""
        self._others.append(RunLedger(bad=(bad,)))

    @property
    def ledger(self) -> RunLedger:
        """All that was read so far."""
        return merged([*self._parsed.values(), *self._others])

    def _add_document(self, data: bytes, source: str) -> None:
        try:
            self._parsed[data] = _parsed(_object(data), source)
        except BadStateError as defect:
            raise _corrupt(source, defect) from defect

    def _add_lines(self, lines: list[bytes], source: str) -> None:
        """Read a line a run; a whole state among them stands for all that came before it."""
        fresh: dict[bytes, RunLedger] = {}
        for number, line in enumerate(lines, 1):
            if line in self._parsed:
                continue
            try:
                document = _object(line)
                found = _parsed(document, source)
            except BadStateError as defect:
                found = RunLedger(bad=(BadLine(source, number, str(defect)),))
            else:
                if _RUN not in document:
                    fresh.clear()
            fresh[line] = found
        unread = all(item.bad and not item.runs for item in fresh.values())
        if len(fresh) == len(lines) and unread and not all(map(_is_begun, lines)):
            raise _corrupt(source, next(iter(fresh.values())).bad[0].reason)
        self._parsed |= fresh


def read_state(data: bytes, source: str) -> RunLedger:
    """Read one state file; `source` is what messages call it.

    Raises:
        CorruptStoreError: nothing in it can be read.
    """
    reader = StateReader()
    reader.add(data, source)
    return reader.ledger


def read_assignments(data: bytes) -> dict[str, str]:
    """Read which variants one run had. Raises BadStateError where it is no such list."""
    return _assignments(_object(data.removeprefix(codecs.BOM_UTF8)))


def whole_document(data: bytes) -> dict[str, Any] | None:
    """Return the state that a file is one document of; None where it is a run a line."""
    try:
        document = _object(data.removeprefix(codecs.BOM_UTF8))
    except BadStateError:
        return None
    return None if _RUN in document else document


def moment(text: object) -> float:
    """Read a timestamp as seconds since the epoch. Raises BadStateError where it is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise BadStateError(f"its timestamp is no date and time, {text!r:.60}") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _corrupt(source: str, why: object) -> CorruptStoreError:
    return CorruptStoreError(
        f"{source} is no state of a workflow's experiments: {why}.",
        hint="Expected state.jsonl, a run a line, or state.json with counts and runs.",
    )


def _parsed(document: Mapping[str, Any], source: str) -> RunLedger:
    """Read one run, or a whole state with counts and runs."""
    if _RUN in document:
        run = _run(document)
        if not (told := document.get(BASELINE)):
            return RunLedger((run,))
        cut_off = _counts(told)
        return RunLedger((run,), (CountStatement(run.at, cut_off),) if cut_off else ())
    if {"counts", "runs"} & document.keys():
        return _legacy(document, source)
    raise BadStateError("neither a run nor a state")


def _legacy(document: Mapping[str, Any], source: str) -> RunLedger:
    """Read counts with the last runs: what these do not list was cut off."""
    counts, listed, bad = _counts(document.get("counts") or {}), list[LedgerRun](), []
    runs = document.get("runs") or []
    if not isinstance(runs, list):
        raise BadStateError("its runs are no list")
    for number, item in enumerate(runs, 1):
        try:
            listed.append(_run(item))
        except BadStateError as defect:
            bad.append(BadLine(f"{source}, run {number}", 0, str(defect)))
    seen = {name: Counter(run.assignments.get(name, "") for run in listed) for name in counts}
    cut_off = _beyond(counts, seen)
    before = min((run.at for run in listed if run.at is not None), default=None)
    return RunLedger(
        runs=tuple(listed),
        stated=(CountStatement(before, cut_off),) if cut_off else (),
        uncounted=_beyond({name: _named(of) for name, of in seen.items()}, counts),
        bad=tuple(bad),
    )


def _named(counts: Mapping[str, int]) -> dict[str, int]:
    return {variant: number for variant, number in counts.items() if variant}


def _beyond(more: Counts, less: Counts) -> dict[str, dict[str, int]]:
    """Return by how much one set of counts goes beyond another of the same experiments."""
    found = {
        name: {
            variant: number - less[name].get(variant, 0)
            for variant, number in variants.items()
            if number > less[name].get(variant, 0)
        }
        for name, variants in more.items()
    }
    return {name: variants for name, variants in found.items() if variants}


def _run(document: object) -> LedgerRun:
    if not isinstance(document, dict):
        raise BadStateError("no object")
    run_id, timestamp = document.get(_RUN), document.get("timestamp")
    if isinstance(run_id, int) and not isinstance(run_id, bool):
        run_id = str(run_id)
    if not isinstance(run_id, str) or not run_id:
        raise BadStateError("no run_id")
    harness = document.get("harness_version")
    return LedgerRun(
        run_id=run_id,
        assignments=_assignments(document.get("assignments")),
        timestamp=None if timestamp is None else str(timestamp),
        at=None if timestamp is None else moment(timestamp),
        harness=harness if isinstance(harness, str) and harness else None,
        more={key: value for key, value in document.items() if key not in _OWN},
    )


def _assignments(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise BadStateError("no assignments")
    for name, variant in value.items():
        if not isinstance(variant, str):
            raise BadStateError(f"the variant of {name!r:.80} is no text")
    return value


def _counts(value: object) -> dict[str, dict[str, int]]:
    if not isinstance(value, dict):
        raise BadStateError("its counts are no object")
    for name, variants in value.items():
        numbers = variants.values() if isinstance(variants, dict) else [None]
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise BadStateError(f"the counts of {name!r:.80} are no whole numbers")
    return {name: dict(variants) for name, variants in value.items() if variants}


def _object(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data.decode())
    except UnicodeDecodeError:
        raise BadStateError("no text in UTF-8") from None
    except RecursionError:
        raise BadStateError("nested too deeply") from None
    except ValueError as error:
        raise BadStateError(f"no JSON ({getattr(error, 'msg', error)})") from None
    if not isinstance(document, dict):
        raise BadStateError("no object")
    return document


def _is_begun(line: bytes) -> bool:
    """Tell whether a line, torn or not, was to be a run."""
    return line.lstrip().startswith(_BEGINNINGS)


def _is_object(data: bytes) -> bool:
    try:
        _object(data)
    except BadStateError:
        return False
    return True
