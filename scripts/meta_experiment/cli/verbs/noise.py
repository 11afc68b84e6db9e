"""`noise`: how different two identical arms look."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.noise import noise as shown
from meta_experiment.services.planning.noise import noise


@verb(example="meta-experiment noise --metric active_seconds --units 20")
@click.argument("experiment_id", metavar="[ID]", required=False)
@click.option(
    "--metric",
    metavar="METRIC",
    help="Past values of it [the primary of ID, or active_seconds].",
)
@click.option(
    "--units", metavar="N", type=click.IntRange(2, 100_000), help="Units per arm [a table]."
)
@click.option(
    "--seed", metavar="N", type=int, default=0, show_default=True, help="Of the resampling."
)
def noise_verb(
    place: Place,
    experiment_id: str | None,
    metric: str | None,
    units: int | None,
    seed: int,
) -> Result:
    """Show the A/A noise floor: how far apart two identical arms look on your own past values.

    An improvement smaller than the typical difference of equal arms is not news.
    """
    seen = noise(workspace(place), experiment_id, metric, units, seed)
    return Result(seen, shown(seen))


command = noise_verb
