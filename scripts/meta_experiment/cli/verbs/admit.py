"""`admit`: whose trials count beside this checkout's own."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.blocks import lines
from meta_experiment.services.recording import admitting


@verb(example="meta-experiment admit exp-2026-01-31-review 1a2b3c4d")
@click.argument("experiment_id", metavar="ID")
@click.argument("writers", metavar="[WRITER]...", nargs=-1)
@click.option("--remove", is_flag=True, help="Let them count no longer.")
def admit_verb(
    place: Place, experiment_id: str, writers: tuple[str, ...], remove: bool
) -> Result:
    """Let trials count that another checkout, or this one before, has written.

    What a commit, an archive or a neighbour brought along decides nothing until you name its
    writer, as `trials ID` shows it (or a file, or a machine). Without a writer it says whose
    logs count and whose do not. Whoever may commit files of that name can then add trials.
    """
    done = admitting.admit(workspace(place), experiment_id, writers, remove=remove)
    admitted = ", ".join(done.admitted)
    sentences = [
        f"{done.experiment_id}: this checkout's own trials count"
        + (f", and those of {admitted}." if admitted else "."),
        *done.sentences,
    ]
    return Result(done, lines(*sentences))


command = admit_verb
