"""Entries of the registry whose ids no command of this tool makes, or takes."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.registry import read_strange
from meta_experiment.types.results.health import Finding

_CORRECT = "Correct the id in .claude/meta/experiments.json, or take the entry out."


def strange_entries(workspace: Workspace) -> Iterator[Finding]:
    """Find what is passed over. Raises as reading the registry does."""
    for place in read_strange(workspace.layout):
        yield Finding(
            "registry",
            ok=False,
            detail=f"experiments[{place}] in experiments.json is passed over and left as it "
            "is: its id is none of an experiment (letters, digits, '.', '_' and '-' are)",
            hint=_CORRECT,
        )
