"""`explain`: why there is no decision yet."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, narrated, verb
from meta_experiment.cli.open import workspace
from meta_experiment.model.result_document import to_document
from meta_experiment.render.blocks import lines
from meta_experiment.render.over_time import explained_over_time
from meta_experiment.services.acting import analysing


@verb(example="meta-experiment explain exp-2026-01-31-review")
@click.argument("experiment_id", metavar="ID")
def explain_verb(place: Place, experiment_id: str) -> Result:
    """Say in one sentence why there is no decision yet, or what it is."""
    explained = analysing.explain(workspace(place), experiment_id)
    return Result(
        explained,
        lines(explained.explanation, *explained_over_time(to_document(explained))),
        narration=narrated(explained.notes),
    )


command = explain_verb
