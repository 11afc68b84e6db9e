"""`baseline`: the past of a prompt file, before any experiment."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import bases, client_folder, workspace
from meta_experiment.render.baseline import baseline as shown
from meta_experiment.services.planning.baseline import baseline
from meta_experiment.services.planning.request import find_path
from meta_experiment.types import Unit


@verb(example="meta-experiment baseline .claude/commands/review.md --days 30")
@click.argument("name_or_file", metavar="NAME|FILE")
@click.option(
    "--days",
    metavar="DAYS",
    type=click.FloatRange(0, min_open=True),
    help="How far back [all].",
)
@click.option(
    "--metric",
    metavar="METRIC",
    default="active_seconds",
    show_default=True,
    help="What it would be about.",
)
@click.option(
    "--unit",
    type=click.Choice([Unit.SESSION.value, Unit.INVOCATION.value]),
    default=Unit.SESSION.value,
    show_default=True,
    help="What an experiment would randomise.",
)
@click.option("--everywhere", is_flag=True, help="Sessions of all projects, not of this root.")
@click.option(
    "--seed", metavar="N", type=int, default=0, show_default=True, help="Of the resampling."
)
def baseline_verb(
    place: Place,
    name_or_file: str,
    days: float | None,
    metric: str,
    unit: str,
    everywhere: bool,
    seed: int,
) -> Result:
    """Say how a command, skill or agent did so far, and whether an experiment can ever decide.

    Reads the client's transcripts on this machine, the newest 200 or 200 MB of this project;
    writes nothing. Costs are estimates from a price list, unless the client stated them.
    """
    file = find_path(name_or_file, place.directory, bases(place))
    prompts = [file] if file.is_file() else []
    seen = baseline(
        workspace(place, settled=False, prompts=prompts),
        str(file) if prompts else name_or_file,
        client_folder(),
        metric=metric,
        days=days,
        unit=Unit(unit),
        everywhere=everywhere,
        seed=seed,
    )
    return Result(seen, shown(seen))


command = baseline_verb
