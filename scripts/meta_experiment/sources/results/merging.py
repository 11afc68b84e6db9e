"""Merging of a benchmark's runs with the runs' own files, and of cells with their cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from meta_experiment.sources.results.cases import pairs_arms
from meta_experiment.sources.results.cells import Cell
from meta_experiment.sources.results.imported import Ledger
from meta_experiment.sources.results.result_words import snake
from meta_experiment.sources.results.wording import listed
from meta_experiment.sources.results.workspace_files import RunFiles

UNNAMED_ARM = "unnamed"
NOT_IN_BENCHMARK = "graded in the folder, but of no case and arm of its benchmark"
UNTOLD = "graded in the folder, but which run of its benchmark that is cannot be told"
Merged = list[tuple[Cell, RunFiles | None]]


def merged_runs(found: Sequence[Cell], files: Sequence[RunFiles], ledger: Ledger) -> Merged:
    """Give every run of a benchmark its own files; each of them is used once.

    Where a folder holds more runs of a case in an arm than its benchmark, which then sums them
    up, those of the folder are the runs.
    """
    left = list(files)
    merged: Merged = []
    for group in _grouped(found):
        own = [item for item in left if _same_case_and_arm(group[0], item.cell)]
        left = [item for item in left if item not in own]
        if len(own) > len(group):
            ledger.count(
                "a case and arm has more runs in the folder than in its benchmark; those of "
                "the folder were read."
            )
            merged += [(Cell({}), item) for item in own]
        else:
            merged += _paired(group, own, ledger)
    for item in left:
        comparable = any(_comparable(cell, item.cell) for cell in found)
        ledger.exclude(NOT_IN_BENCHMARK if comparable else UNTOLD)
    if left:
        ledger.note(f"Left out of the folder: {listed(item.path for item in left)}.")
    return merged


def cases_told(found: Sequence[Cell], ledger: Ledger) -> list[Cell]:
    """Return the cells without the numbers that are those of runs and not of cases.

    A number that is another in each arm would pair nothing.
    """
    numbers = Counter(cell.case_id for cell in found)
    names = Counter(cell.case_name for cell in found)
    if len({cell.arm for cell in found}) < 2 or pairs_arms(_by(found, "case_id")):
        return list(found)
    is_named = pairs_arms(_by(found, "case_name"))
    if not is_named and (None in numbers or max(numbers.values()) > 1):
        return list(found)
    if set(numbers) != {None}:
        ledger.note(
            "Each run has a number of its own, which was not taken for that of its case."
        )
    if is_named or None in names or max(names.values()) > 1:
        return [replace(cell, case_id=None) for cell in found]
    return [replace(cell, case_id=None, case_name=None) for cell in found]


def _by(found: Sequence[Cell], name: str) -> Iterator[tuple[str | None, str | None]]:
    return ((getattr(cell, name), cell.arm) for cell in found)


def _grouped(found: Sequence[Cell]) -> list[list[Cell]]:
    """Put the repeats of a case in an arm together, in the order of their first."""
    groups: dict[tuple[str | None, str, int | None], list[Cell]] = {}
    for place, cell in enumerate(found):
        alone = place if cell.case is None else None
        groups.setdefault((cell.case, _arm(cell), alone), []).append(cell)
    return list(groups.values())


def _paired(group: list[Cell], own: list[RunFiles], ledger: Ledger) -> Merged:
    """Pair repeats by their numbers or, where all are there, by their order."""
    files = {item.cell.number: item for item in own}
    numbers = [cell.number for cell in group]
    numbered = len(set(numbers)) == len(group) and files.keys() <= set(numbers)
    if len(own) == len(group) and not numbered:
        return list(zip(group, own, strict=True))
    if not numbered:
        ledger.exclude(UNTOLD, len(own))
        return [(cell, None) for cell in group]
    return [(cell, files.get(cell.number)) for cell in group]


def _comparable(cell: Cell, own: Cell) -> bool:
    """Say whether both tell their case in one way, by number or by name."""
    if cell.case_id and own.case_id:
        return True
    return cell.case_name is not None and own.case_name is not None


def _same_case_and_arm(cell: Cell, own: Cell) -> bool:
    if _arm(cell) != _arm(own):
        return False
    if cell.case_id and own.case_id:
        return cell.case_id == own.case_id
    names = (cell.case_name, own.case_name)
    return None not in names and len({snake(str(name)) for name in names}) == 1


def _arm(cell: Cell) -> str:
    return snake(cell.arm or UNNAMED_ARM)
