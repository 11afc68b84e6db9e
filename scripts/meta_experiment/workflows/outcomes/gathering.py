"""Runs of one workflow out of a folder of downloads: their state, and what they came to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from meta_experiment.errors import CorruptStoreError
from meta_experiment.records import dataclass
from meta_experiment.types import Direction
from meta_experiment.workflows.outcomes.documents import RunDocuments
from meta_experiment.workflows.outcomes.field_places import FieldPlace, files_of
from meta_experiment.workflows.outcomes.found_file import LeftOutError
from meta_experiment.workflows.outcomes.grades import directions
from meta_experiment.workflows.outcomes.measuring import RunOutcome, measure
from meta_experiment.workflows.outcomes.run_files import GRADERS, RunArtifacts, runs_in
from meta_experiment.workflows.state.ledger import BadLine, LedgerRun, RunLedger
from meta_experiment.workflows.state.parsing import (
    ASSIGNMENTS_FILE,
    BadStateError,
    StateReader,
    read_assignments,
)
from meta_experiment.workflows.workflow_names import workflow_id

_ARTIFACT = re.compile(r"(?P<id>.+)-experiment")
_HASH = re.compile(r"[0-9a-f]{6,64}")  # stands for the name where a workflow calls another


@dataclass(frozen=True, slots=True)
class GatheredRuns:
    """What a folder of downloads tells of a workflow.

    `refused` are runs of which nothing counts, each with the reason; `empty` are those that
    left nothing, or nothing any more; `others` are of another workflow. `left_out` counts what
    could not be read of the rest, by reason. `directions` are which way graders say is better.
    """

    outcomes: tuple[RunOutcome, ...]
    ledger: RunLedger
    refused: Mapping[str, str]
    empty: tuple[str, ...]
    others: int
    left_out: Mapping[str, int]
    directions: Mapping[str, Direction]


def gather(
    root: Path,
    workflow: str | None = None,
    places: Mapping[str, FieldPlace] | None = None,
) -> GatheredRuns:
    """Read every run in a folder; of `workflow`, by its file or name, where that is given.

    `places` are numbers to be read beside the usual ones, by the names of their metrics.

    Raises:
        NotFoundError: there is no such folder, or no run in it. StorageError: it cannot be
            listed.
    """
    wanted = None if workflow is None else workflow_id(workflow)
    reader = StateReader()
    outcomes, refused, empty, others = [], dict[str, str](), [], 0
    left_out: Counter[str] = Counter()
    told_directions: dict[str, Direction] = {}
    for files in runs_in(root, files_of((places or {}).values())):
        if files.refused is not None:
            refused[files.name] = files.refused
            continue
        if not files.files:
            empty.append(files.name)
            continue
        outcome = measure(files, places)
        told = _workflow_of(files, outcome)
        if wanted is not None and told not in (None, wanted):
            others += 1
            continue
        left_out.update(outcome.left_out)
        outcomes.append(outcome)
        _add_state(files, outcome, reader)
        told_directions = told_directions or directions(RunDocuments(files).first(GRADERS))
    return GatheredRuns(
        tuple(outcomes),
        reader.ledger,
        refused,
        tuple(empty),
        others,
        dict(left_out),
        told_directions,
    )


def _add_state(files: RunArtifacts, outcome: RunOutcome, reader: StateReader) -> None:
    """Read the state that a run carries along, and its own variants."""
    own = None
    for file in files.of_experiments:
        source = f"{files.name}/{file.path}"
        try:
            data = file.read()
            if file.path.endswith(ASSIGNMENTS_FILE):
                own = own or read_assignments(data)
            else:
                reader.add(data, source)
        except (LeftOutError, BadStateError) as error:
            reader.add_bad(BadLine(source, 0, str(error)))
        except CorruptStoreError as error:
            reader.add_bad(BadLine(source, 0, error.message))
    variants = own or outcome.variants
    if variants and outcome.run_id is not None:
        reader.add_run(LedgerRun(outcome.run_id, variants, attempt=outcome.attempt))


def _workflow_of(files: RunArtifacts, outcome: RunOutcome) -> str | None:
    """Return whose run it is, by what the run or the name of its artifact says."""
    if outcome.workflow is not None:
        return workflow_id(outcome.workflow.partition("@")[0])
    for file in files.of_experiments:
        named = _ARTIFACT.fullmatch(file.path.partition("/")[0])
        if named and not _HASH.fullmatch(named["id"]):
            return named["id"]
    return None
