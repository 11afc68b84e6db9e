"""Are entries of what was learnt as the program wrote them, and of what is stored?"""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.errors import MetaExperimentError
from meta_experiment.services.acting.learning import shown_digest
from meta_experiment.services.acting.learnings import learnings_in
from meta_experiment.services.find import find_in
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.health import Finding
from meta_experiment.types.results.learning import Learning

_NAME = "learnings"
_MOST = 20  # of a kind


def learnt_entries(workspace: Workspace, *, thorough: bool = False) -> Iterator[Finding]:
    """Look at the file, where there is one; thoroughly, compute its figures again."""
    if not workspace.layout.learnings.exists():
        return
    try:
        found = learnings_in(workspace.layout)
    except MetaExperimentError as error:
        yield Finding(_NAME, ok=False, detail=error.message, hint=error.hint)
        return
    for problem in found.problems[:_MOST]:
        yield Finding(
            _NAME,
            ok=False,
            detail=problem,
            hint="Look at .claude/meta/learnings.md, or git log",
        )
    wrong = [it for it in found.entries if thorough and _differs(workspace, it)]
    for entry in wrong[:_MOST]:
        name = entry.experiment_id
        yield Finding(
            _NAME,
            ok=False,
            detail=f"the figures of {name} are not those that its trials give now",
            hint=f"meta-experiment learn {name}",
        )
    if not (found.problems or wrong):
        entries = "1 entry" if len(found.entries) == 1 else f"{len(found.entries):,} entries"
        yield Finding(_NAME, ok=True, detail=f"{entries} as the program wrote them")


def _differs(workspace: Workspace, entry: Learning) -> bool:
    """Tell whether the trials that are here show something else; without them nobody knows."""
    if entry.edited or entry.happened is None:
        return False
    try:
        experiment = find_in(workspace.store, entry.experiment_id)
        if experiment.started is None or not workspace.store.log_revision(entry.experiment_id):
            return False
        return shown_digest(workspace, experiment) != entry.happened.analysis
    except MetaExperimentError:
        return False
