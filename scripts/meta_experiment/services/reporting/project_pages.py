"""Pages of all experiments of a project, beside their index: made anew where something changed.

A page ends in a digest of what it was made from. Of an experiment that has ended it tells that
nothing has to be read again; of one that is open the hour is told, so that it is made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from meta_experiment import __version__
from meta_experiment.errors import MetaExperimentError
from meta_experiment.model.experiment_document import experiment_to_document
from meta_experiment.model.result_document import to_document
from meta_experiment.records import dataclass
from meta_experiment.services.reporting.report_files import (
    is_made_from,
    may_be_page,
    stamped,
    write_pages,
)
from meta_experiment.services.reporting.reporting import report
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.project_report import (
    ProjectExperiment,
    ProjectReport,
)
from meta_experiment.types.results.report import ReportDocument
from meta_experiment.types.results.report_standing import StandingState

_SHOWS_NOTHING = (StandingState.DRAFT, StandingState.DROPPED)


@dataclass(frozen=True, slots=True)
class PageTask:
    """A page that is to be made: what it is of, where it lies, and what it is made from."""

    experiment_id: str
    path: Path
    digest: str


def page_tasks(
    workspace: Workspace, project: ProjectReport, folder: Path, *, diff: bool
) -> Iterator[PageTask]:
    """Yield the pages that are not there yet, or were made from something else."""
    counting = workspace.checkout.counting().digest
    for item in project.experiments:
        if item.state in _SHOWS_NOTHING or not may_be_page(item.experiment_id):
            continue
        name, path = item.experiment_id, folder / f"{item.experiment_id}.html"
        experiment = workspace.store.experiment(name)
        digest = _digest(
            __version__,
            diff,
            counting,
            experiment_to_document(experiment),
            workspace.store.log_revision(name),
            _told(item),
        )
        if item.status.is_open or not is_made_from(path, digest):
            yield PageTask(name, path, digest)


def make_pages(
    workspace: Workspace,
    project: ProjectReport,
    tasks: Sequence[PageTask],
    write: Callable[[ReportDocument], str],
    *,
    diff: bool,
    done: Callable[[int, str], None],
) -> list[str]:
    """Make pages one by one, as of the moment of the index; return what hindered which.

    `done` is told how many are made, and which is next. What is made already stays where this
    is interrupted.
    """
    moment, problems = project.as_of, list[str]()
    then = replace(workspace, clock=lambda: moment)
    for number, task in enumerate(tasks):
        done(number, task.experiment_id)
        try:
            text = write(report(then, task.experiment_id, diff=diff))
            write_pages(workspace.files, {task.path: stamped(text, task.digest)})
        except MetaExperimentError as error:
            problems.append(f"{task.experiment_id} has no page: {error.message}")
    return problems


def _told(item: ProjectExperiment) -> object:
    """Return what the index knows of an experiment beside what is stored of it itself."""
    return to_document((item.status, item.next_action, item.finding, item.watches))


def _digest(*parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
