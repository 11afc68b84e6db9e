"""`explain`: why there is no decision yet."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, Screen, verb
from meta_experiment.cli.open import workspace
from meta_experiment.services.acting import analysing


@verb(example="meta-experiment explain exp-2026-01-31-review")
@click.argument("experiment_id", metavar="ID")
def explain_verb(place: Place, screen: Screen, experiment_id: str) -> Result:
    """Say in one sentence why there is no decision yet, or what it is."""
    del screen
    explained = analysing.explain(workspace(place), experiment_id)
    return Result(
        {
            "experiment_id": explained.experiment_id,
            "status": explained.status,
            "decision": explained.decision,
            "reason_code": explained.reason_code,
            "explanation": explained.sentence,
            "notes": list(explained.apart),
        },
        explained.sentence,
        narration=tuple(f"Note: {item}" for item in explained.apart),
    )


command = explain_verb
