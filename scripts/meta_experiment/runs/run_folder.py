"""The files of the runs of one experiment, in this machine's own folder.

    slots/N/…                        checkouts, reused
    cells/CASE.REPEAT.VARIANT/N/     the n-th attempt: prompt, stdout, stderr, what it took
    cells/CASE.REPEAT.VARIANT/outcome.json

A run is what its folder says: nothing else is written of it, so that whatever is killed, the
next command reads from there what has ended, what goes on and what is still to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from meta_experiment.errors import CorruptStoreError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.model.result_document import to_document
from meta_experiment.records import dataclass
from meta_experiment.types import TrialStatus
from meta_experiment.types.cases import CriterionKind, CriterionResult
from meta_experiment.types.runs import (
    AgentReport,
    CellOutcome,
    Failure,
    FailureKind,
    RunCell,
    Spent,
)

_START = "start.json"
_OUTCOME = "outcome.json"
_SPENT = "spent.json"


@dataclass(frozen=True, slots=True)
class AttemptStart:
    """Start of an attempt: in which slot, and when (seconds since the epoch)."""

    slot: int
    at: float


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one experiment's runs."""

    folder: Path
    files: FileSystem

    @property
    def slots(self) -> Path:
        """The folder of the checkouts."""
        return self.folder / "slots"

    @property
    def lock(self) -> Path:
        """The lock that whoever runs it holds."""
        return self.folder / "lock"

    def cell(self, cell: RunCell) -> Path:
        """The folder of one cell."""
        return self.folder / "cells" / f"{cell.case_id}.{cell.repeat}.{cell.variant}"

    def attempts(self, cell: RunCell) -> list[Path]:
        """Return the folders of its attempts, in order."""
        try:
            found = [path for path in self.cell(cell).iterdir() if path.name.isdecimal()]
        except FileNotFoundError:
            return []
        return sorted(found, key=lambda path: int(path.name))

    def begin(self, cell: RunCell, start: AttemptStart, prompt: bytes) -> Path:
        """Make the folder of the next attempt, with what is to be said to the agent."""
        folder = self.cell(cell) / str(len(self.attempts(cell)) + 1)
        self.files.make_directory(folder / "tmp")
        self.files.create(folder / "prompt", prompt)
        self._write(folder / _START, start)
        return folder

    def under_way(self, cell: RunCell) -> tuple[Path, AttemptStart] | None:
        """Return the attempt at a cell that was begun and that nobody has read to its end."""
        for folder in self.attempts(cell)[-1:]:
            found = self._read(folder / _START)
            if found is not None and not (folder / _SPENT).exists():
                return folder, AttemptStart(int(found["slot"]), float(found["at"]))
        return None

    def unread(self) -> Iterator[Path]:
        """Yield the attempts that were begun and that nobody has read to their end."""
        for path in (self.folder / "cells").glob(f"*/*/{_START}"):
            if not path.with_name(_SPENT).exists():
                yield path.parent

    def read_off(self, attempt: Path, spent: Spent) -> None:
        """Mark an attempt as read to its end, with what it took."""
        self._write(attempt / _SPENT, spent)

    def spent(self) -> Iterator[Spent]:
        """Yield what every attempt took that was read to its end."""
        for path in (self.folder / "cells").glob(f"*/*/{_SPENT}"):
            found = self._read(path)
            yield Spent(found["usd"], found["tokens"])

    def conclude(self, outcome: CellOutcome) -> None:
        """Write the outcome of a cell; durable on return."""
        self._write(self.cell(outcome.cell) / _OUTCOME, outcome)

    def outcome(self, cell: RunCell) -> CellOutcome | None:
        """Return the outcome of a cell, if it has one.

        Raises:
            CorruptStoreError: it cannot be read.
        """
        path = self.cell(cell) / _OUTCOME
        found = self._read(path)
        try:
            return None if found is None else _outcome(found)
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptStoreError(
                f"{path} is no outcome of a run: {error}.",
                hint="Remove it, and the run is made again.",
            ) from error

    def _write(self, path: Path, document: object) -> None:
        write_atomically(
            self.files, path, json.dumps(to_document(document), ensure_ascii=False).encode()
        )

    def _read(self, path: Path) -> Any:  # noqa: ANN401 - JSON
        with suppress(FileNotFoundError):
            try:
                return json.loads(self.files.read(path))
            except ValueError as error:
                raise CorruptStoreError(
                    f"{path} is not JSON: {error}.",
                    hint="Remove it, and the run is made again.",
                ) from error
        return None


def _outcome(found: Mapping[str, Any]) -> CellOutcome:
    report, cell = found["report"], found["cell"]
    failure = report["failure"]
    return CellOutcome(
        cell=RunCell(cell["case_id"], cell["repeat"], cell["variant"]),
        report=AgentReport(
            status=TrialStatus(report["status"]),
            output=report["output"],
            metrics=report["metrics"],
            spent=Spent(report["spent"]["usd"], report["spent"]["tokens"]),
            received=report["received"],
            failure=failure and Failure(FailureKind(failure["kind"]), failure["reason"]),
            tools=tuple(report["tools"]),
            tool_inputs=None if report["tool_inputs"] is None else tuple(report["tool_inputs"]),
            fingerprint=report["fingerprint"],
        ),
        criteria=tuple(
            CriterionResult(
                item["name"],
                CriterionKind(item["kind"]),
                item["weight"],
                item["passed"],
                item["detail"],
            )
            for item in found["criteria"]
        ),
        started=found["started"],
        ended=found["ended"],
        attempts=found["attempts"],
    )
