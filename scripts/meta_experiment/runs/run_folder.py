"""The files of the runs of one experiment, in this machine's own folder.

    slots/N/…                        checkouts, reused
    cells/CASE.REPEAT.VARIANT/N/     the n-th attempt: prompt, stdout, stderr, what it took
    cells/CASE.REPEAT.VARIANT/outcome.json
    cells/CASE.REPEAT.VARIANT/patch  what it changed, cut where it is very long
    cells/CASE.REPEAT.VARIANT/work/  all that it changed, as a pack of git
    contests/CASE.REPEAT.json        which of the variants' works a judge prefers
    judge/…/N/                       the n-th question to a judge about a run, and its answer
    again/…/                         contests and questions of a further judge, one folder each

A run is what its folder says: nothing else is written of it, so that whatever is killed, the
next command reads from there what has ended, what goes on and what is still to do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from shutil import rmtree
from typing import Any, TypeVar

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import CorruptStoreError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.model.result_document import to_document
from meta_experiment.records import dataclass
from meta_experiment.runs.pledges import read_pledges
from meta_experiment.types import TrialStatus
from meta_experiment.types.cases import CriterionKind, CriterionResult
from meta_experiment.types.runs import (
    AgentReport,
    Bill,
    CellOutcome,
    CellRecord,
    Contest,
    ContestOutcome,
    Failure,
    FailureKind,
    PreferenceResult,
    RunCell,
    Spent,
)

_PROMPT = "prompt"
_PATCH = "patch"
_START = "start.json"
_OUTCOME = "outcome.json"
_SPENT = "spent.json"
_AGAIN = "again"
_CONTESTS = "contests"
_DIGITS = 16

_Kept = TypeVar("_Kept")  # what a document holds


@dataclass(frozen=True, slots=True)
class AttemptStart:
    """Start of an attempt: in which slot, when (seconds since the epoch), at which task.

    `case` is the SHA-256 of what the case said, `checkout` the project in the slot.
    """

    slot: int
    at: float
    case: str = ""
    checkout: str = ""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one experiment's runs; `own` names a machine's slots where several work."""

    folder: Path
    files: FileSystem
    own: str = ""

    @property
    def slots(self) -> Path:
        """The folder of the checkouts."""
        return self.folder / "slots" / self.own

    @property
    def lock(self) -> Path:
        """The lock that whoever runs it holds."""
        return self.folder / "lock"

    def cell(self, cell: RunCell) -> Path:
        """The folder of one cell."""
        return self.folder / "cells" / cell.name

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
        self._make(folder, prompt)
        self._write(folder / _START, {**asdict(start), "cell": cell})
        return folder

    def question(self, about: str, text: bytes) -> Path:
        """Make a folder for a question to a judge, whose path tells no variant."""
        around = self.folder / "judge" / _key(about)
        self.files.make_directory(around)
        folder = around / str(sum(1 for _ in around.iterdir()) + 1)
        self._make(folder, text)
        return folder

    def under_way(self, cell: RunCell) -> tuple[Path, AttemptStart] | None:
        """Return the attempt at a cell that was begun and that nobody has read to its end."""
        for folder in self.attempts(cell)[-1:]:
            start = self.start(folder)
            if start is not None and not (folder / _SPENT).exists():
                return folder, start
        return None

    def start(self, attempt: Path) -> AttemptStart | None:
        """Return how an attempt was begun, None where it was not."""
        found = self._read(attempt / _START)
        if found is None:
            return None
        told = (str(found.get(name, "")) for name in ("case", "checkout"))
        return AttemptStart(int(found["slot"]), float(found["at"]), *told)

    def unread(self) -> Iterator[Path]:
        """Yield the attempts that were begun and that nobody has read to their end."""
        for path in (self.folder / "cells").glob(f"*/*/{_START}"):
            if not path.with_name(_SPENT).exists():
                yield path.parent

    def unheard(self) -> Iterator[Path]:
        """Yield the questions to a judge of which nobody has heard the answer."""
        for place in ("judge/*/*/tmp", f"{_AGAIN}/*/judge/*/*/tmp"):
            for path in self.folder.glob(place):
                if not path.with_name(_SPENT).exists():
                    yield path.parent

    def read_off(self, attempt: Path, spent: Spent, failure: Failure | None = None) -> None:
        """Mark an attempt, or a question, as read to its end: what it took, how it failed."""
        self.files.make_directory(attempt)  # which its agent may have taken away
        self._write(attempt / _SPENT, {**asdict(spent), "failure": failure})

    def bills(self) -> Iterator[Bill]:
        """Yield what was taken by all that was read to its end, run by run as far as can be.

        What was asked about a run is paid with its last attempt.
        """
        asked: dict[str, Spent] = {}
        for path in (self.folder / "judge").glob(f"*/*/{_SPENT}"):
            about = path.parent.parent.name
            asked[about] = asked.get(about, Spent(0.0, 0.0)) + self._spent(path)
        for folder in (self.folder / "cells").glob("*"):
            attempts = [self._spent(path) for path in folder.glob(f"*/{_SPENT}")]
            if attempts:
                yield from map(Bill, attempts[:-1])
                yield Bill(attempts[-1], asked.pop(_key(folder.name), Spent(0.0, 0.0)))
        yield from (Bill(judging=spent) for spent in asked.values())
        yield from read_pledges(self.folder).bills()

    def _spent(self, path: Path) -> Spent:
        found = self._read(path)
        return Spent(found["usd"], found["tokens"], found.get("cut", False))

    def conclude(self, outcome: CellOutcome) -> None:
        """Write the outcome of a cell; durable on return."""
        self._write(self.cell(outcome.cell) / _OUTCOME, outcome)

    def outcome(self, cell: RunCell) -> CellOutcome | None:
        """Return the outcome of a cell, if it has one.

        Raises:
            CorruptStoreError: it cannot be read.
        """
        path = self.cell(cell) / _OUTCOME
        return self._read_as(outcome_of, path, "is no outcome of a run", "run is made")

    def ended(self, cell: RunCell, case: str) -> CellOutcome | None:
        """Return the outcome of a cell, if it is of this very case. Raises as `outcome`."""
        outcome = self.outcome(cell)
        if outcome is None:
            return None
        start = self.start(self.cell(cell) / str(outcome.attempts))
        return outcome if start is None or start.case == case else None

    def again(self, key: str) -> RunFolder:
        """Return where a further judge's verdicts on these runs lie, apart from the first."""
        return RunFolder(self.folder / _AGAIN / key, self.files)

    def keep_contest(self, outcome: ContestOutcome) -> None:
        """Write what a judge prefers; durable on return."""
        self.files.make_directory(self.folder / _CONTESTS)
        self._write(self._contest(outcome.cell), outcome)

    def contest(self, cell: Contest) -> ContestOutcome | None:
        """Return what a judge prefers, if it was asked.

        Raises:
            CorruptStoreError: it cannot be read.
        """
        path = self._contest(cell)
        return self._read_as(
            contest_of, path, "says not what a judge prefers", "judge is asked"
        )

    def contests(self) -> Iterator[ContestOutcome]:
        """Yield what a judge prefers of every case where it was asked. Raises as `contest`."""
        for path in sorted((self.folder / _CONTESTS).glob("*.json")):
            case, _, repeat = path.stem.rpartition(".")
            found = self.contest(Contest(case, int(repeat))) if repeat.isdecimal() else None
            if found is not None:
                yield found

    def _contest(self, cell: Contest) -> Path:
        return self.folder / _CONTESTS / f"{cell.name}.json"

    def keep_patch(self, cell: RunCell, patch: bytes) -> None:
        """Keep what a run changed, for whoever wants to see it."""
        write_atomically(self.files, self.cell(cell) / _PATCH, patch)

    def patch(self, cell: RunCell) -> bytes | None:
        """Return what a run changed, None where that was not kept."""
        with suppress(FileNotFoundError):
            return self.files.read(self.cell(cell) / _PATCH)
        return None

    def work(self, cell: RunCell) -> Path:
        """The folder of all that a run changed."""
        return self.cell(cell) / "work"

    def prompt(self, cell: RunCell) -> bytes:
        """Return what was said to the agent."""
        with suppress(FileNotFoundError):
            for attempt in self.attempts(cell)[-1:]:
                return self.files.read(attempt / _PROMPT)
        return b""

    def records(self) -> Iterator[CellRecord]:
        """Yield what is on record of every cell that was ever begun, by its folder's name.

        Raises:
            CorruptStoreError: an outcome cannot be read.
        """
        for folder in sorted((self.folder / "cells").glob("*")):
            attempts = sorted(folder.glob(f"*/{_START}"), key=lambda at: int(at.parent.name))
            if not attempts:
                continue
            cell = RunCell(**self._read(attempts[-1])["cell"])
            outcome, failure = self.outcome(cell), None
            if outcome is None:
                failure = _failure(
                    (self._read(attempts[-1].with_name(_SPENT)) or {}).get("failure")
                )
            yield CellRecord(cell, outcome, failure)

    def _make(self, folder: Path, prompt: bytes) -> None:
        """Make the folder of something that an agent is told."""
        self.files.make_directory(folder / "tmp")
        self.files.create(folder / _PROMPT, prompt)

    def _write(self, path: Path, document: object) -> None:
        write_atomically(self.files, path, json.dumps(to_document(document)).encode())

    def _read_as(
        self, made: Callable[[Any], _Kept], path: Path, fault: str, done: str
    ) -> _Kept | None:
        """Return what a document holds, None without one; else its fault, and what is done."""
        found = self._read(path)
        try:
            return None if found is None else made(found)
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptStoreError(
                f"{path} {fault}: {error}.", hint=f"Remove it, and the {done} again."
            ) from error

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


def _key(name: str) -> str:
    """Return a name that does not tell another."""
    return str(sha256(name.encode()).hexdigest())[:_DIGITS]


def clear(attempt: Path) -> None:
    """Remove what only the agent needed; what a user may look at stays."""
    for name in ("tmp", "config", "empty"):
        with suppress(OSError):
            rmtree(attempt / name)


def outcome_of(found: Mapping[str, Any]) -> CellOutcome:
    """Return an outcome from its document. Raises KeyError, TypeError, ValueError."""
    report = found["report"]
    return CellOutcome(
        cell=RunCell(**found["cell"]),
        report=AgentReport(
            status=TrialStatus(report["status"]),
            output=report["output"],
            metrics=report["metrics"],
            spent=Spent(**report["spent"]),
            received=report["received"],
            failure=_failure(report["failure"]),
            tools=tuple(report["tools"]),
            tool_inputs=None if report["tool_inputs"] is None else tuple(report["tool_inputs"]),
            fingerprint=report["fingerprint"],
        ),
        criteria=tuple(_result(item) for item in found["criteria"]),
        started=found["started"],
        ended=found["ended"],
        attempts=found["attempts"],
        judging=Spent(**found["judging"]) if "judging" in found else Spent(0.0, 0.0),
        judge=found.get("judge", ""),
        judge_model=found.get("judge_model", ""),
    )


def contest_of(found: Mapping[str, Any]) -> ContestOutcome:
    """Return a contest from its document. Raises KeyError, TypeError, ValueError."""
    results = tuple(
        PreferenceResult(**{**item, "answers": tuple(item["answers"])})
        for item in found["results"]
    )
    return ContestOutcome(
        cell=Contest(**found["cell"]),
        results=results,
        judge=found["judge"],
        judge_model=found["judge_model"],
        began=tuple(found["began"]),
        checks={
            name: tuple(map(_result, items)) for name, items in found.get("checks", {}).items()
        },
        spent=Spent(**found["spent"]),
    )


def _result(found: Mapping[str, Any]) -> CriterionResult:
    kind, answers = CriterionKind(found["kind"]), tuple(found.get("answers", ()))
    return CriterionResult(**{**found, "kind": kind, "answers": answers})


def _failure(found: Mapping[str, Any] | None) -> Failure | None:
    return None if found is None else Failure(FailureKind(found["kind"]), found["reason"])
