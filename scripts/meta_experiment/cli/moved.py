"""The verbs that change a status and nothing else: one shape, several names."""

from __future__ import annotations

from collections.abc import Callable

import click

from meta_experiment.cli.frame import Place, Result, Screen, verb
from meta_experiment.cli.open import workspace
from meta_experiment.services.acting.lifecycle import Moved
from meta_experiment.services.workspace import Workspace


def moved(done: Moved) -> Result:
    """Return the result of a change of status."""
    document = {
        "experiment_id": done.experiment.experiment_id,
        "before": done.before.value,
        "status": done.experiment.status.value,
        "notes": list(done.notes),
    }
    narration = tuple(f"Note: {note}" for note in done.notes)
    return Result(document, done.sentence, narration=narration)


def moving_verb(
    name: str, sentence: str, change: Callable[[Workspace, str], Moved]
) -> click.Command:
    """Make the verb that makes this change; its help is the sentence."""

    @click.argument("experiment_id", metavar="ID")
    def body(place: Place, screen: Screen, experiment_id: str) -> Result:
        del screen
        return moved(change(workspace(place), experiment_id))

    body.__name__, body.__doc__ = name, sentence
    return verb(example=f"meta-experiment {name} exp-2026-01-31-review")(body)
