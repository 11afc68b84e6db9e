"""Rows of plan files of which no experiment was made yet."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from meta_experiment.decide.telling.stages import step_of_plan
from meta_experiment.errors import MetaExperimentError, as_word
from meta_experiment.services.board.rows import Row
from meta_experiment.services.planning.conflicts import is_same
from meta_experiment.services.planning.request import Request
from meta_experiment.services.planning.shaping import review_of_file, what_next
from meta_experiment.services.planning.tried_before import tried_before
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.board import plan_file_names
from meta_experiment.types import Experiment
from meta_experiment.types.vocabulary import Lack

_MOST = 20  # plan files that are read
_OURS = {"hypothesis", "metrics"}  # a file that happens to be called plan.yaml has neither


def plan_rows(workspace: Workspace, experiments: Collection[Experiment]) -> list[Row]:
    """Make the rows of the plan files at the top of the root."""
    return [
        made
        for name in plan_file_names(workspace.layout)[:_MOST]
        if _is_file(workspace.root / name)
        for made in _row(workspace, name, experiments)
    ]


def _row(workspace: Workspace, name: str, experiments: Collection[Experiment]) -> Iterator[Row]:
    try:
        request, found = review_of_file(workspace, workspace.root / name, experiments)
    except MetaExperimentError as error:
        if _is_meant(name):
            yield _unread(name, error.message)
        return
    document = request.document
    if not (_is_meant(name) or _OURS & document.keys()) or _is_made(request, experiments):
        return
    _, heard = tried_before(workspace, document["files"], document.get("hypothesis"))
    yield {
        "file": name,
        "name": document.get("name"),
        "hypothesis": document.get("hypothesis"),
        "files": list(document["files"]),
        "stage": found.step.stage.value,
        "missing": [lack.value for lack in found.step.missing],
        "skill": found.step.skill.value,
        "next_action": what_next(found.step, name, found.fault),
        "warnings": [*found.warnings, *heard],
    }


def _unread(name: str, fault: str) -> Row:
    step = step_of_plan((Lack.SOUND_PLAN,))
    return {
        "file": name,
        "name": None,
        "hypothesis": None,
        "files": [],
        "stage": step.stage.value,
        "missing": [lack.value for lack in step.missing],
        "skill": step.skill.value,
        "next_action": f"mend it, then: meta-experiment plan --plan {as_word(name)}",
        "warnings": [fault],
    }


def _is_made(request: Request, experiments: Collection[Experiment]) -> bool:
    """Tell whether an experiment of this plan exists: its files, and its hypothesis."""
    files, hypothesis = set(request.document["files"]), request.document.get("hypothesis")
    return any(
        bool(files)
        and files == set(other.plan.files)
        and (hypothesis is None or is_same(str(hypothesis), other.plan.hypothesis))
        for other in experiments
    )


def _is_meant(name: str) -> bool:
    """Tell whether a file is called NAME.plan.yaml; plan.yaml may be somebody else's."""
    return name.count(".") > 1


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
