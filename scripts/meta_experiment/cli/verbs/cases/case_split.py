"""`cases split`: some cases for tuning, the others held out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.case_split import case_split_page
from meta_experiment.services.running import held_out


@verb(example="meta-experiment cases split cases.jsonl --holdout 30 --out tuning.jsonl")
@click.argument("path", metavar="PATH")
@click.option(
    "--holdout",
    "--share",
    required=True,
    type=click.FloatRange(0, 100, min_open=True, max_open=True),
    metavar="PCT",
    help="The share to hold out, in per cent; one case at least.",
)
@click.option("--out", required=True, metavar="FILE", help="A new file for the others.")
@click.option("--name", metavar="NAME", help="What to call those held out [as PATH].")
@click.option("--tracked", is_flag=True, help="Past uses also where git would commit them.")
@click.option(
    "--seed", metavar="N", type=int, default=0, show_default=True, help="Of the draw."
)
def split_verb(
    place: Place,
    path: str,
    holdout: float,
    out: str,
    name: str | None,
    **said: Any,
) -> Result:
    """Keep a share of the cases from whoever tunes the prompt, for one decision on them alone.

    They lie outside of the project, and `run ID --holdout NAME` runs them. Which they are
    follows from their ids and the seed. Give cases their criteria first.
    """
    source = place.directory / Path(path).expanduser()
    done = held_out.split(
        workspace(place, settled=False),
        source,
        place.directory / Path(out).expanduser(),
        share=holdout / 100,
        name=name or source.stem,
        **said,
    )
    return Result(done, case_split_page(done))


command = split_verb
