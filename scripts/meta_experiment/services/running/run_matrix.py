"""The matrix of a plan: its runs parted among jobs of GitHub Actions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from meta_experiment.errors import DependencyError, RefusedError, UsageError, cite
from meta_experiment.files.atomic import write_atomically
from meta_experiment.git import Git
from meta_experiment.records import dataclass
from meta_experiment.runs.executors.actions_matrix import (
    KEY,
    MatrixTerms,
    caps_of_a_job,
    workflow_text,
)
from meta_experiment.runs.run_shares import shares_of
from meta_experiment.services.running.run_plan import RunRequest, plan_runs
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.run_matrix import MatrixResult

_SECRET = re.compile(r"(?!GITHUB_)[A-Z_][A-Z0-9_]{0,99}")
_LABEL = re.compile(r"[A-Za-z0-9._-]{1,100}")
_STATE = ".claude/meta/experiments.json"
CLAUDE, CLAUDE_SECRET = "claude", "ANTHROPIC_API_KEY"


@dataclass(frozen=True, slots=True)
class MatrixRequest:
    """Request for a workflow: the terms, as far as no plan says them, and where it goes."""

    terms: MatrixTerms
    out: Path | None


def matrix(workspace: Workspace, request: RunRequest, wished: MatrixRequest) -> MatrixResult:
    """Part the runs of a plan among jobs, and write the workflow that makes them.

    Raises:
        UsageError: a name is none, or the plan cannot be run on these cases.
        RefusedError: the cases lie outside of the repository, or another file is in the way.
        DependencyError: git is missing.
    """
    terms = wished.terms
    _require_names(terms)
    git = workspace.git
    if git is None:
        raise DependencyError("git is not installed.", hint="Make git available on PATH.")
    planned = plan_runs(workspace, terms.experiment_id, request)
    shares = shares_of(planned.blocks, planned.cases, terms.jobs)
    terms = replace(
        terms,
        experiment_id=planned.experiment.experiment_id,
        jobs=len(shares),
        cases=_inside(workspace.root, terms.cases),
        setup=_inside(workspace.root, terms.setup) if terms.setup else "",
        below=_below(git),
    )
    text = workflow_text(terms)
    if wished.out is not None:
        _write(workspace, wished.out, text)
    own = caps_of_a_job(terms.caps, terms.jobs)
    return MatrixResult(
        experiment_id=terms.experiment_id,
        path=None if wished.out is None else str(wished.out),
        runs=tuple(
            sum(len(block.variants) for block in planned.blocks if block.case_id in share)
            for share in shares
        ),
        usd_of_a_job=own.usd,
        tokens_of_a_job=own.tokens,
        secrets=(KEY, *terms.secrets),
        notes=tuple(_notes(git, wished.terms, terms)),
        workflow=text,
    )


def _require_names(terms: MatrixTerms) -> None:
    for name in terms.secrets:
        if not _SECRET.fullmatch(name):
            raise UsageError(
                f"{cite(name)} is no name of a secret; expected one such as {CLAUDE_SECRET}.",
                hint="Name it alone: its value stays with GitHub (gh secret set NAME).",
            )
        if name == KEY:
            raise UsageError(f"{KEY} is not for agents: who knows it can make up runs.")
    if not _LABEL.fullmatch(terms.runner):
        raise UsageError(f"{cite(terms.runner)} is no label of a runner, such as ubuntu-24.04.")


def _inside(root: Path, path: str) -> str:
    """Return a path from the project. Raises RefusedError."""
    whole = Path(path).resolve()
    if not whole.is_relative_to(root.resolve()):
        raise RefusedError(
            f"{path} lies outside of {root}, where no job finds it.",
            hint="Keep it in the repository.",
        )
    return whole.relative_to(root.resolve()).as_posix()


def _below(git: Git) -> str:
    return os.fsdecode(git.run("rev-parse", "--show-prefix").output).strip().rstrip("/")


def _write(workspace: Workspace, path: Path, text: str) -> None:
    data = text.encode()
    if path.exists() and "meta-experiment runs take" not in path.read_text("utf-8", "replace"):
        raise RefusedError(
            f"{path} is no workflow of a matrix; it is left as it is.",
            hint="Name another file with --out.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(workspace.files, path, data, mode=0o644)


def _notes(git: Git, wished: MatrixTerms, terms: MatrixTerms) -> Iterator[str]:
    if terms.jobs < wished.jobs:
        yield (
            f"{terms.jobs} of {wished.jobs} jobs: there are no more cases that may run at the "
            "same time."
        )
    missing = [name for name in (_STATE, terms.cases, terms.setup) if name]
    if loose := [name for name in missing if not _is_committed(git, name)]:
        yield f"Jobs find what is committed and pushed; commit {', '.join(loose)}."
    if terms.caps.usd is None and terms.caps.tokens is None:
        yield (
            "No cap is given: jobs make all runs of their share, also where fewer would decide."
        )
    else:
        yield (
            "Jobs do not hear of each other: each makes all of its share up to its cap, also "
            "where fewer runs would decide."
        )
    if terms.client == "latest":
        yield "Each job installs the newest Claude Code; --client VERSION names one for all."


def _is_committed(git: Git, name: str) -> bool:
    known = git.run("ls-files", "--error-unmatch", "--", name).code == 0
    return known and not git.run("status", "--porcelain", "--", name).output.strip()
