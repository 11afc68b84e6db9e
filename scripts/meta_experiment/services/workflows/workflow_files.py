"""The files of agentic workflows: found by path or by name, and read with what they compile to.

What was renamed or deleted is told in words that say where one looked.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from meta_experiment.errors import MetaExperimentError, NotFoundError, UnsafePathError, cite
from meta_experiment.files.confine import Content, read_confined
from meta_experiment.model.fields import suggestion
from meta_experiment.records import dataclass
from meta_experiment.types.results.workflow_list import CompiledState
from meta_experiment.types.workflows import (
    DeclaredExperiment,
    Oddity,
    OddityLevel,
    StateStorage,
    WorkflowSpecification,
)
from meta_experiment.workflows.declarations import read_declarations
from meta_experiment.workflows.document import WorkflowDocument, document_of, read_document
from meta_experiment.workflows.lock_file import read_compiled
from meta_experiment.workflows.workflow_names import branch_of, workflow_name

FOLDER = ".github/workflows"
SOURCE, COMPILED = ".md", ".lock.yml"


@dataclass(frozen=True, slots=True)
class WorkflowFile:
    """A workflow as it was read.

    `path` is relative to the root; `document` is empty where only the compiled file is there.
    """

    name: str
    path: str
    content: Content
    document: WorkflowDocument
    specification: WorkflowSpecification
    compiled: CompiledState

    @property
    def branch(self) -> str | None:
        """The branch that keeps its assignments; None where the cache does."""
        kept = self.specification.storage is StateStorage.REPO
        return branch_of(self.name) if kept else None

    @property
    def compile_command(self) -> str | None:
        """The command that compiles it, None where the compiled file is up to date."""
        due = self.compiled in (CompiledState.STALE, CompiledState.MISSING)
        return self.compile_always if due else None

    @property
    def compile_always(self) -> str:
        """The command that compiles it."""
        return f"gh aw compile {shlex.quote(self.name)}"


def find_workflow(root: Path, directory: Path, typed: str) -> WorkflowFile:
    """Return the workflow of a path, or of a name in the usual folder.

    Raises:
        NotFoundError: there is none. UnsafePathError: it lies outside the root, or behind a
            link. StorageError: it cannot be read.
    """
    return read_workflow(root, _place(root, directory, typed))


def workflow_paths(root: Path) -> list[str]:
    """Return the files of workflows in the usual folder; of one, its source where it is there.

    Raises OSError where the folder cannot be listed.
    """
    try:
        names = sorted(item.name for item in (root / FOLDER).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    sources = [name for name in names if name.endswith(SOURCE)]
    known = {workflow_name(name) for name in sources}
    alone = [name for name in names if name.endswith(COMPILED)]
    alone = [name for name in alone if workflow_name(name) not in known]
    return [f"{FOLDER}/{name}" for name in (*sources, *alone)]


def read_workflows(root: Path) -> Iterator[WorkflowFile]:
    """Yield every workflow of the usual folder; one that cannot be read is odd for that."""
    for path in workflow_paths(root):
        try:
            yield read_workflow(root, path)
        except MetaExperimentError as error:
            oddity = Oddity(1, 1, OddityLevel.ERROR, error.message)
            specification = WorkflowSpecification(oddities=(oddity,))
            parts = (Content(b"", 0), document_of(""), specification, CompiledState.MISSING)
            yield WorkflowFile(workflow_name(path), path, *parts)


def read_workflow(root: Path, path: str) -> WorkflowFile:
    """Read a workflow by its path from the root.

    Raises:
        NotFoundError: there is none. UnsafePathError, StorageError: it cannot be read safely.
    """
    content, name = read_confined(root, path), workflow_name(path)
    if path.endswith(COMPILED):
        parts = (document_of(""), read_compiled(content.data), CompiledState.ALONE)
        return WorkflowFile(name, path, content, *parts)
    document = read_document(content.data)
    specification = read_declarations(document)
    state = _compiled_state(root, path.removesuffix(SOURCE) + COMPILED, specification)
    return WorkflowFile(name, path, content, document, specification, state)


def specification_in(data: bytes, path: str) -> WorkflowSpecification:
    """Return what a file declares, compiled or not as its path says."""
    if path.endswith(COMPILED):
        return read_compiled(data)
    return read_declarations(read_document(data))


def _compiled_state(root: Path, path: str, source: WorkflowSpecification) -> CompiledState:
    try:
        compiled = read_compiled(read_confined(root, path).data)
    except NotFoundError:
        return CompiledState.MISSING
    same = _in_effect(compiled) == _in_effect(source)
    return CompiledState.CURRENT if same else CompiledState.STALE


def _in_effect(specification: WorkflowSpecification) -> list[DeclaredExperiment]:
    """Return the experiments without what tells the two kinds of file apart."""
    found = sorted(specification.experiments, key=lambda item: item.name)
    return [replace(item, line=0, column=0, bare=False) for item in found]


def _place(root: Path, directory: Path, typed: str) -> str:
    """Return the path from the root that somebody means."""
    for candidate in (directory / typed, root / typed):
        if candidate.is_file():
            return _below(root, candidate)
    name = typed.removesuffix(SOURCE).removesuffix(COMPILED)
    if "/" not in name and name not in ("", ".", ".."):
        for ending in (SOURCE, COMPILED):
            if (root / FOLDER / f"{name}{ending}").is_file():
                return f"{FOLDER}/{name}{ending}"
    known = [workflow_name(path) for path in workflow_paths(root)]
    raise NotFoundError(
        f"There is no workflow {cite(typed)}: no such file, and none of that name in {FOLDER}. "
        "It may have been renamed or deleted.",
        hint=suggestion(workflow_name(typed), known) or "meta-experiment workflows list",
    )


def _below(root: Path, path: Path) -> str:
    found = Path(os.path.normpath(path))
    for base in (root, Path(os.path.realpath(root))):
        if found.is_relative_to(base):
            return found.relative_to(base).as_posix()
    raise UnsafePathError(
        f"{found} lies outside {root}.", hint="Name another root with --root DIR."
    )
