"""Answers about runs on the branch that keeps them, where no artifact has them any more."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from meta_experiment.git import Git
from meta_experiment.workflows.outcomes.documents import Document, words
from meta_experiment.workflows.outcomes.grades import answers
from meta_experiment.workflows.outcomes.measuring import RunOutcome
from meta_experiment.workflows.outcomes.run_files import EVALS
from meta_experiment.workflows.state.branches import files_on, state_branches
from meta_experiment.workflows.workflow_names import workflow_id

BRANCHES = "evals/"


def read_answers(
    git: Git, workflow: str, remote: str = "origin"
) -> dict[str, dict[str, float]]:
    """Return what was answered of each run, by its id, from one's own branch and a remote's.

    A line that cannot be read is left out, as is a branch that is too large; none is no error.

    Raises:
        CorruptStoreError: what stands there is no file. DependencyError, GitError: git cannot
            be asked, or an object is missing or damaged.
    """
    found: dict[str, list[Document]] = {}
    branches = state_branches(git, remote, BRANCHES).get(workflow_id(workflow), {})
    for name, commit in sorted(branches.items(), reverse=True):
        for _, data in files_on(git, name, commit, [EVALS]):
            for line in (data or b"").splitlines():
                document = _parsed(line)
                run_id = words(document.get("runid")) or words(document.get("run_id"))
                if run_id is not None:
                    found.setdefault(run_id, []).append(document)
    return {run_id: answers(lines, run_id, []) for run_id, lines in found.items()}


def with_answers(
    outcomes: Iterable[RunOutcome], answered: dict[str, dict[str, float]]
) -> tuple[RunOutcome, ...]:
    """Add what was answered of runs whose own artifacts do not tell it."""
    return tuple(
        replace(item, metrics={**answered.get(item.run_id or "", {}), **item.metrics})
        for item in outcomes
    )


def _parsed(line: bytes) -> Document:
    try:
        found = json.loads(line) if line.strip() else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
