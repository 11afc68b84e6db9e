"""The verbs that change a status and nothing else: one shape, several names."""

from __future__ import annotations

from collections.abc import Callable

import click

from meta_experiment.cli.frame import Place, Result, narrated, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.blocks import lines
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.status_change import StatusChange


def change_result(done: StatusChange) -> Result:
    """Return the result of a change of status."""
    return Result(done, lines(done.sentence), narration=narrated(done.notes))


def change_verb(
    name: str, sentence: str, change: Callable[[Workspace, str], StatusChange]
) -> click.Command:
    """Make the verb that makes this change; its help is the sentence."""

    @click.argument("experiment_id", metavar="ID")
    def body(place: Place, experiment_id: str) -> Result:
        return change_result(change(workspace(place), experiment_id))

    body.__name__, body.__doc__ = name, sentence
    return verb(example=f"meta-experiment {name} exp-2026-01-31-review")(body)
