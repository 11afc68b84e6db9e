"""The runs' own files of a skill-creator workspace: which tell of which run.

Most lie in `<case>/<arm>/[run-<n>/]{grading,timing}.json`, with `eval_metadata.json` beside
the arms. Others have the arm outside (`<arm>/<case>/…`), or parts of this in the name of the
file (`<arm>/eval-1-grading.json`). Copies that lie deeper belong to no run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from meta_experiment.records import dataclass
from meta_experiment.sources.results.cells import Cell, described
from meta_experiment.sources.results.imported import Ledger
from meta_experiment.sources.results.measures import measure
from meta_experiment.sources.results.result_words import is_arm, snake
from meta_experiment.sources.results.run_identity import same_measurements

METADATA = "eval_metadata.json"
_FILE = re.compile(
    r"(?:(?P<before>.+?)[-_.])?(?P<what>grading|timing)(?:[-_.](?P<after>.+))?\.json"
)
_REPEAT = re.compile(r"(?:run|repeat|rep|sample|attempt)[-_]?(\d+)")
_NUMBERED = re.compile(r"(?:eval|case|test)[-_]?(\d+)(?:[-_](.+))?")
_OUTER = ("runs", "results", "evals")  # folders that may hold all cases
_ARM = r"(?P<arm>(?:with|without|old|new|no)[-_]skill|baseline)"
_ARM_BEHIND = re.compile(rf"(?P<case>.+?)[-_]{_ARM}", re.IGNORECASE)
_ARM_BEFORE = re.compile(rf"{_ARM}[-_](?P<case>.+)", re.IGNORECASE)


class RunFile(NamedTuple):
    """File of a run, and what it tells of it: grading or timing."""

    case: str
    arm: str
    number: int | None
    what: str


@dataclass(frozen=True, slots=True)
class RunFiles:
    """Run as its own files tell it: grading over timing. `path` is that of one of them."""

    cell: Cell
    path: str


def belongs(path: str) -> bool:
    """Say whether a file below a workspace, with `/`, tells of a run or of a case."""
    return place(path) is not None or path.endswith(f"/{METADATA}")


def is_astray(path: str) -> bool:
    """Say whether a file is a grading or timing by its name and belongs to no run."""
    name = path.rpartition("/")[2].lower()
    graded = name.endswith(".json") and ("grading" in name or "timing" in name)
    return graded and place(path) is None


def place(path: str) -> RunFile | None:
    """Say which run a file below a workspace, with `/`, belongs to; None when to none."""
    *folders, name = path.split("/")
    file = _FILE.fullmatch(name)
    if file is None:
        return None
    words = [part for part in (file["before"], file["after"]) if part]
    if words and words[-1].isdigit() and file["after"]:
        words[-1] = f"run-{words[-1]}"
    repeats = [found for part in (*folders, *words) if (found := _REPEAT.fullmatch(part))]
    outer = [part for part in folders if not _REPEAT.fullmatch(part)]
    outer = outer[1:] if len(outer) > 1 and outer[0] in _OUTER else outer
    inner = [part for part in words if not _REPEAT.fullmatch(part)]
    parts = _parted(*outer, *inner)
    if len(parts) != 2 or len(repeats) > 1 or (inner and not any(map(is_arm, parts))):
        return None
    if all(map(is_arm, parts)):
        return None  # a copy inside an arm
    case, arm = parts[::-1] if _is_arm_first(*parts) else parts
    return RunFile(case, arm, int(repeats[0][1]) if repeats else None, file["what"])


def _is_arm_first(one: str, other: str) -> bool:
    """Tell by its name, or by that of a case behind it, whether the first of two is the arm."""
    if is_arm(one) or is_arm(other):
        return is_arm(one)
    return bool(_NUMBERED.fullmatch(other)) and not _NUMBERED.fullmatch(one)


def run_files(documents: Mapping[str, Any]) -> list[RunFiles]:
    """Put the files of every run together, in the order of their folders.

    `documents` are by path; those that belong to no run are passed over.
    """
    found: dict[tuple[str, str, int | None], dict[str, Mapping[str, Any]]] = {}
    paths: dict[tuple[str, str, int | None], str] = {}
    for path in sorted(documents):
        known, document = place(path), documents[path]
        if known is not None and isinstance(document, Mapping):
            found.setdefault(known[:3], {})[known.what] = document
            paths.setdefault(known[:3], path)
    runs = []
    for (case, arm, number), files in found.items():
        record = {**files.get("timing", {}), **files.get("grading", {})}
        path = paths[case, arm, number]
        base = described(_of_case(record), _case(case, _metadata(path, documents)))
        cell = Cell(record, arm, base.case_id, base.case_name, number)
        runs.append(RunFiles(cell, path))
    return runs


def without_copies(runs: Sequence[RunFiles]) -> list[RunFiles]:
    """Leave out runs that lie in another folder of the same case too.

    They say all the same, or have the same time and tokens to so many digits that they are
    one run.
    """
    kept: list[RunFiles] = []
    for item in runs:
        if not any(_is_copy(item, other) for other in kept):
            kept.append(item)
    return kept


def _is_copy(item: RunFiles, other: RunFiles) -> bool:
    ours, theirs = item.cell, other.cell
    if ours.case_id is None or (ours.case_id, ours.arm) != (theirs.case_id, theirs.arm):
        return False
    if item.path.split("/")[0] == other.path.split("/")[0]:
        return False  # repeats of one run may look alike
    return ours.record == theirs.record or same_measurements(
        measure(ours.record, Ledger()), measure(theirs.record, Ledger())
    )


def _parted(*parts: str) -> list[str]:
    """Part the only part, such as `eval-1-with_skill`, into case and arm."""
    forms = (_ARM_BEHIND, _ARM_BEFORE) if len(parts) == 1 else ()
    found = next((match for form in forms if (match := form.fullmatch(parts[0]))), None)
    return [*parts] if found is None else [found["case"], found["arm"]]


def _metadata(path: str, documents: Mapping[str, Any]) -> object:
    """Return what is said of the case in the nearest folder around a file."""
    folders = path.split("/")[:-1]
    for end in range(len(folders), 0, -1):
        found = documents.get("/".join((*folders[:end], METADATA)))
        if found is not None:
            return found
    return None


def _of_case(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a grading says of its case by names that nothing else in it has."""
    wanted = ("eval_id", "eval_name", "case_id", "case_name")
    return {key: value for key, value in record.items() if snake(str(key)) in wanted}


def _case(folder: str, metadata: object) -> Cell:
    numbered = _NUMBERED.fullmatch(folder)
    base = Cell({}, case_id=numbered[1], case_name=numbered[2]) if numbered else Cell({})
    base = Cell({}, case_id=base.case_id, case_name=base.case_name or folder)
    return described(metadata, base) if isinstance(metadata, Mapping) else base
