"""What analysts import: an experiment with its tables, its plan and its report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from meta_experiment.files.read_only import ReadOnlyFileSystem
from meta_experiment.files.roots import named_layout
from meta_experiment.frames.tidy_frame import TidyFrame
from meta_experiment.frames.way_out import way_out
from meta_experiment.model.result_document import to_document
from meta_experiment.services.acting.analysing import Study, study
from meta_experiment.services.board.listing import FoundTrials, find_trials
from meta_experiment.services.board.tidy import tidy_trials
from meta_experiment.services.reporting.reporting import document
from meta_experiment.services.reporting.tidy_analysis import tidy_looks, tidy_units
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.report import ReportDocument
from meta_experiment.types.tidy_table import TidyTable


class ExperimentFrames:
    """An experiment as it was at the moment of loading; each part is made when it is asked for.

    Raises (by `units`, `looks` and `report`):
        InvalidStateError: the experiment has not started.
    """

    def __init__(self, workspace: Workspace, found: FoundTrials) -> None:
        """Hold what was read."""
        self._workspace = workspace
        self._found = found

    @property
    def experiment_id(self) -> str:
        """Its whole id."""
        return self._found.experiment.experiment_id

    @cached_property
    def trials(self) -> TidyFrame:
        """All trials, as `trials --jsonl` writes them: one a row, newest last."""
        return self._frame("trials", lambda: tidy_trials(self._found.trials, self._plan))

    @cached_property
    def units(self) -> TidyFrame:
        """The units with the one value of each metric that `analyze` compares."""
        return self._frame("units", lambda: tidy_units(self._study.basis))

    @cached_property
    def looks(self) -> TidyFrame:
        """The evidence as units closed; the last look of a treatment is that of `analyze`."""
        return self._frame("looks", lambda: tidy_looks(self._study.series))

    @property
    def plan(self) -> dict[str, Any]:
        """The plan as it stands in its file."""
        found: dict[str, Any] = to_document(self._plan)
        return found

    @cached_property
    def report(self) -> dict[str, Any]:
        """All that `report --json` says."""
        found: dict[str, Any] = to_document(self._report)
        return found

    def __repr__(self) -> str:
        """Say what it is and what it has."""
        experiment = self._found.experiment
        return (
            f"{self.experiment_id}: {experiment.status.value}, {len(self._found.trials):,} "
            "trials\n  .trials, .units, .looks  tables: to_pandas(), to_polars(), to_arrow(), "
            "or row by row\n  .plan, .report           as dictionaries"
        )

    _plan = property(lambda self: self._found.experiment.plan)

    @cached_property
    def _study(self) -> Study:
        found = self._found
        with way_out():
            return study(self._workspace, found.experiment, explore=True, log=found.log)

    @cached_property
    def _report(self) -> ReportDocument:
        return document(self._workspace, self._study, as_of=None, diff=True, units=False)

    def _frame(self, name: str, make: Callable[[], TidyTable]) -> TidyFrame:
        return TidyFrame(f"{name} of {self.experiment_id}", make())


def load(
    experiment: str, root: str | os.PathLike[str] | None = None, *, user: bool = False
) -> ExperimentFrames:
    """Load an experiment by its id, name or prompt, as the verbs take it; changes nothing.

    `root` is the project; without it, that of the working directory. With `user`, personal
    experiments.

    Raises:
        NotFoundError, ConflictError: no experiment, or several, are meant.
        UsageError: the root is no directory, or the experiment is an empty text.
        StorageError, CorruptStoreError: it cannot be read.
    """
    with way_out():
        named = None if root is None else str(Path(root).expanduser())
        place, now = named_layout(named, Path.cwd(), user=user), time.time()
        workspace = Workspace.open(place, lambda: now, files=ReadOnlyFileSystem())
        return ExperimentFrames(workspace, find_trials(workspace, experiment, None))
