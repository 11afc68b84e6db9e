"""`cases check`: what a set of cases is."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.case_sets import case_set_page
from meta_experiment.services.running import case_sets


@verb(example="meta-experiment cases check cases.jsonl")
@click.argument("path", metavar="PATH")
def check_verb(place: Place, path: str) -> Result:
    """Read cases and say how many there are, and what of their runs can be judged.

    PATH is what `run --cases` takes: JSON lines, an evals.json, or a folder of cases.
    """
    found = case_sets.case_set(workspace(place, settled=False), place.directory / path)
    return Result(found, case_set_page(found))


command = check_verb
