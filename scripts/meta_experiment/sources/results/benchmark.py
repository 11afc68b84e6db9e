"""Result documents of skill-creator and its neighbours become runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from meta_experiment.errors import UsageError
from meta_experiment.model import instants
from meta_experiment.records import dataclass
from meta_experiment.sources.results import aggregates, triggers
from meta_experiment.sources.results.cells import Cell
from meta_experiment.sources.results.imported import (
    COPIED,
    NO_CASE,
    NO_CASES,
    ImportedTrials,
    Ledger,
    Run,
)
from meta_experiment.sources.results.measures import (
    Record,
    counts,
    flat,
    gradings_shown,
    in_per_cent,
    measure,
    nothing_read,
    words_of,
)
from meta_experiment.sources.results.merging import UNNAMED_ARM, cases_told, merged_runs
from meta_experiment.sources.results.notation import WrittenValue, decimal_of
from meta_experiment.sources.results.result_words import METRIC_FIELDS, TIME_FIELDS, snake
from meta_experiment.sources.results.shapes import cells
from meta_experiment.sources.results.stated import contradictions
from meta_experiment.sources.results.values import Decimal
from meta_experiment.sources.results.wording import listed
from meta_experiment.sources.results.workspace_files import RunFiles, without_copies
from meta_experiment.types import TrialStatus

KIND = "skill-creator"
_SAME = 0.011  # rounding to two decimals, and of seconds to a tenth


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a document: its name as the user gave it and its SHA-256 (hex).

    `assumed` says what was guessed in reading its bytes; it is empty if nothing was.
    """

    name: str
    identity: str
    assumed: str = ""


def parse(
    origin: Origin,
    document: object,
    files: Sequence[RunFiles] = (),
    astray: Sequence[str] = (),
    chosen: Decimal | None = None,
) -> ImportedTrials:
    """Read a benchmark document, the runs' own files beside it, or those files alone.

    Where both tell of one run its own files are believed, since the benchmark is made from
    them; every disagreement beyond rounding is counted.

    Args:
        origin: where they are from.
        document: the benchmark; None when there is none.
        files: what the runs' own files tell.
        astray: files of results that belong to no run, for the user to know.
        chosen: the user's word of the sign before the decimals of numbers in texts.

    Raises:
        RefusedError: it holds means instead of runs, or no results at all. UsageError: its
            numbers are not written in one way.
    """
    ledger = Ledger()
    if astray:
        ledger.note(
            f"Files of results that belong to no run and were not read: {listed(astray)}."
        )
    found = _cells(document, ledger)
    if not found and not files:
        raise aggregates.refusal(origin.name, document)
    about = _about(document)
    every = [*found, *(item.cell for item in files)]
    decimal = decimal_of(_written(every), origin.name, "", chosen, ledger)
    records = [cell.record for cell in every]
    shown = gradings_shown(cell.record for cell in found)
    own_shown = gradings_shown(item.cell.record for item in files)
    reader = _CellReader(
        ledger,
        in_per_cent(records, decimal),
        shown,
        own_shown,
        _fingerprint(about),
        decimal,
    )
    own = without_copies(files)
    if len(own) < len(files):
        ledger.exclude(COPIED, len(files) - len(own))
    merged = merged_runs(found, own, ledger) if found else [(Cell({}), item) for item in own]
    runs = reader.runs(merged)
    if not any(run.metrics for run in runs):
        if ledger.rejected:
            raise nothing_read(f"{origin.name}: no run has a metric", ledger)
        raise aggregates.refusal(origin.name, document)
    for sentence in contradictions(document, runs):
        ledger.note(sentence)
    return ImportedTrials(
        kind=KIND,
        name=origin.name,
        identity=origin.identity,
        runs=tuple(runs),
        excluded=dict(ledger.excluded),
        notes=ledger.notes(),
        case_names=_names(found, files),
        title=_title(about),
        at=moment(about),
    )


def _written(found: Iterable[Cell]) -> Iterator[WrittenValue]:
    """Yield the texts of all fields that are read as numbers."""
    for cell in found:
        for name, value in flat(cell.record).items():
            if name in METRIC_FIELDS and isinstance(value, str):
                place = ", ".join(filter(None, (cell.arm, cell.case, name)))
                yield WrittenValue(value, place, counts(name))


def _cells(document: object, ledger: Ledger) -> list[Cell]:
    if isinstance(document, Mapping) and triggers.recognised(document):
        ledger.note("A query is a case; its pass rate is the share of its runs that did right.")
        if triggers.repeats(document) > 1:
            ledger.note(
                "A query's runs are summed up in the source, so that each query is one value "
                "and how much its runs differ is not known."
            )
        return triggers.trigger_cells(document)
    found = cells(document)
    if any(cell.by_place for cell in found):
        ledger.note("Cases have no names; the values at one place of the lists are one case.")
    return cases_told(found, ledger)


def _about(document: object) -> Record:
    if not isinstance(document, Mapping):
        return {}
    metadata = document.get("metadata")
    return {**metadata, **document} if isinstance(metadata, Mapping) else document


class _CellReader:
    """Reader of a document's runs, with what holds for all of them."""

    def __init__(
        self,
        ledger: Ledger,
        per_cent: bool,
        shown: bool,
        own_shown: bool,
        fingerprint: Mapping[str, str],
        decimal: Decimal,
    ) -> None:
        self.ledger = ledger
        self.per_cent = per_cent
        self.shown = shown
        self.own_shown = own_shown
        self.fingerprint = fingerprint
        self.decimal = decimal
        if per_cent:
            ledger.note("Pass rates above 1 were read as per cents, so all of them are.")

    def runs(self, merged: Iterable[tuple[Cell, RunFiles | None]]) -> list[Run]:
        """Measure every cell; repeats of a case in an arm are numbered as they come."""
        pairs = [
            (cell, cell if files is None or cell.record else files.cell, files)
            for cell, files in merged
        ]
        has_cases = any(known.case is not None for _, known, _ in pairs)
        if not has_cases:
            self.ledger.note(NO_CASES)
        seen: dict[tuple[str, str | None], int] = {}
        runs = []
        for cell, known, files in pairs:
            case, arm = known.case, known.arm or UNNAMED_ARM
            if case is None and has_cases:
                self.ledger.exclude(NO_CASE)
                continue
            index = seen.get((arm, case), 0)
            seen[arm, case] = index + 1
            metrics = self._metrics(cell, files)
            _count_unloaded(self.ledger, arm, cell.record, files)
            if not metrics:
                self.ledger.unmeasured(arm)
            runs.append(
                Run(
                    arm,
                    case,
                    index,
                    metrics,
                    TrialStatus.OK if metrics else TrialStatus.INTERRUPTED,
                    instant(known.at),
                    self.fingerprint,
                    words_of(cell.record) | words_of(files.cell.record if files else {}),
                )
            )
        return runs

    def _metrics(self, cell: Cell, files: RunFiles | None) -> dict[str, float]:
        stated = measure(
            cell.record,
            self.ledger,
            per_cent=self.per_cent,
            shows_gradings=self.shown,
            decimal=self.decimal,
        )
        if files is None:
            return stated
        # what its own files lack is no loss where the benchmark has it, so it is not counted
        own = measure(
            files.cell.record,
            Ledger() if cell.record else self.ledger,
            per_cent=self.per_cent,
            shows_gradings=self.own_shown,
            decimal=self.decimal,
        )
        for name in own.keys() & stated.keys():
            if abs(own[name] - stated[name]) > _SAME * max(1.0, abs(stated[name])):
                self.ledger.count(
                    f"the run's own files give another {name} than the benchmark made from "
                    "them; its own files were believed."
                )
        return stated | own


def _count_unloaded(ledger: Ledger, arm: str, record: Record, files: RunFiles | None) -> None:
    own = files.cell.record if files else {}
    if record.get("skill_loaded", own.get("skill_loaded")) is False:
        ledger.count(
            f"a run of {arm} says that the skill was not loaded. It counts all the same: a "
            "skill that does not load is part of what is tried, and leaving such runs out "
            "would flatter it."
        )


def _names(found: Sequence[Cell], files: Sequence[RunFiles]) -> dict[str, str]:
    known = [*found, *(item.cell for item in files if not found)]
    return {item.case_id: item.case_name for item in known if item.case_id and item.case_name}


def _fingerprint(about: Record) -> dict[str, str]:
    model = about.get("executor_model") or about.get("model")
    return {"model": model} if isinstance(model, str) and model.strip() else {}


def _title(about: Record) -> str | None:
    title = about.get("skill_name") or about.get("title")
    return title.strip() if isinstance(title, str) and title.strip() else None


def moment(about: Record) -> float | None:
    """Return when a document says it was made, in seconds since the epoch."""
    fields = {snake(str(key)): value for key, value in about.items()}
    texts = (fields[name] for name in TIME_FIELDS if isinstance(fields.get(name), str))
    return next((at for text in texts if (at := instant(text)) is not None), None)


def instant(text: str | None) -> float | None:
    """Read a time as seconds since the epoch; None when there is none."""
    if text is None:
        return None
    try:
        at = instants.from_text(text)
    except (UsageError, OverflowError, OSError):
        return None
    return at if at > 0 else None
