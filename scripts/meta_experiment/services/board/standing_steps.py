"""What the board knows of running experiments, so that `auto` need not weigh it again."""

from __future__ import annotations

from meta_experiment.services.board.board import up_to_date
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Decision, ReasonCode
from meta_experiment.types.results.auto import AutoStep


def standing_steps(workspace: Workspace) -> dict[str, AutoStep]:
    """Return by experiment how it is decided, as its row has it, before anything is done of it.

    Not of holdouts, nor where harm is to end an arm: that asks for all of the analysis.
    """
    kept = up_to_date(workspace.layout, workspace.clock(), lambda: workspace, [])
    rows = (entry.row for entry in kept.entries.values())
    return {
        row["id"]: AutoStep(
            row["id"],
            Decision(row["decision"]),
            ReasonCode(row["reason_code"]),
            None,
            row["reason"],
            tuple(row["alerts"]),
            reason=row["reason"],
        )
        for row in rows
        if row["status"] == "running"
        and row["decision"] is not None
        and row["watches"] is None
        and all(arm["at"] is not None for arm in row["ended"])
    }
