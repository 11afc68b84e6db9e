"""Runs of one workflow out of a folder of downloads: their state, and what they came to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from meta_experiment.errors import CorruptStoreError
from meta_experiment.model.instants import to_text
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
from meta_experiment.workflows.state.union import merged
from meta_experiment.workflows.workflow_names import workflow_id, workflow_name

_ARTIFACT = re.compile(r"(?P<id>.+)-experiment")
_HASH = re.compile(r"[0-9a-f]{6,64}")  # stands for the name where a workflow calls another


@dataclass(frozen=True, slots=True)
class GatheredRuns:
    """What a folder of downloads tells of a workflow.

    `refused` are runs of which nothing counts, each with the reason; `empty` are those that
    left nothing, or nothing any more; `others` are of another workflow, and `foreign` the ids
    of those. `left_out` are the names of the rest by what could not be read of them.
    `directions` are which way graders say is better.
    """

    outcomes: tuple[RunOutcome, ...]
    ledger: RunLedger
    refused: Mapping[str, str]
    empty: tuple[str, ...]
    others: int
    foreign: frozenset[str]
    left_out: Mapping[str, tuple[str, ...]]
    directions: Mapping[str, Direction]

    def placed(self, ledger: RunLedger) -> RunLedger:
        """Return what all sources know of runs, in which runs of others do not stand.

        One of which the state has no time began when what it left says so.
        """
        began = {
            (item.run_id, item.attempt or 1): item.began
            for item in self.outcomes
            if item.began is not None
        }
        runs = [
            _timed(run, began.get((run.run_id, run.attempt or 1)))
            for run in ledger.runs
            if run.run_id not in self.foreign
        ]
        return merged([replace(ledger, runs=tuple(runs))])


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
    reader = StateReader()
    outcomes, refused, empty, others = [], dict[str, str](), [], 0
    foreign: set[str] = set()
    left_out: dict[str, list[str]] = defaultdict(list)
    told_directions: dict[str, Direction] = {}
    for files in runs_in(root, files_of((places or {}).values())):
        if files.refused is not None:
            refused[files.name] = files.refused
            continue
        if not files.files:
            empty.append(files.name)
            continue
        outcome = measure(files, places)
        if outcome.contradiction is not None:
            refused[files.name] = outcome.contradiction
            continue
        if workflow is not None and not _may_be_of(workflow, files, outcome):
            others += 1
            foreign.update({outcome.run_id} if outcome.run_id else ())
            continue
        for why in outcome.left_out:
            left_out[why].append(files.name)
        outcomes.append(outcome)
        _add_state(files, outcome, reader)
        told_directions = told_directions or directions(RunDocuments(files).first(GRADERS))
    return GatheredRuns(
        tuple(outcomes),
        reader.ledger,
        refused,
        tuple(empty),
        others,
        frozenset(foreign),
        {why: tuple(names) for why, names in left_out.items()},
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


def _timed(run: LedgerRun, began: float | None) -> LedgerRun:
    if run.at is not None or began is None:
        return run
    return replace(run, at=began, timestamp=to_text(began))


def _may_be_of(workflow: str, files: RunArtifacts, outcome: RunOutcome) -> bool:
    """Say whether a run may be of a workflow, by its path or the name of its artifact.

    The path tells workflows apart that keep their state under one name; an artifact does not.
    """
    if outcome.workflow is not None:
        return workflow_name(outcome.workflow.partition("@")[0]) == workflow_name(workflow)
    for file in files.of_experiments:
        named = _ARTIFACT.fullmatch(file.path.partition("/")[0])
        if named and not _HASH.fullmatch(named["id"]):
            return named["id"] == workflow_id(workflow)
    return True
