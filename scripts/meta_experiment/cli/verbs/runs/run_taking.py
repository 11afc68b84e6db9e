"""`runs take`: runs that another machine made."""

from __future__ import annotations

import os
from pathlib import Path

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.cli.run_options import key_of_parts
from meta_experiment.render.run_parts import taken_page
from meta_experiment.services.running.run_parts import take_runs


@verb(
    example=(
        "meta-experiment runs take exp-2026-01-31-review parts/\n"
        "  meta-experiment runs take exp-2026-01-31-review 1.part 2.part --admit"
    )
)
@click.argument("experiment_id", metavar="ID")
@click.argument("paths", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--admit",
    is_flag=True,
    help="Believe parts without a seal too: whoever wrote one can have made it up.",
)
def take_verb(place: Place, experiment_id: str, paths: tuple[str, ...], admit: bool) -> Result:
    """Take in what runs left on other machines: parts, or folders of them.

    They must bear the seal of META_EXPERIMENT_PARTS_KEY, be of the same plan and texts, and
    have begun at the same commit. What is here already stays; what was changed is refused.
    """
    done = take_runs(
        workspace(place),
        experiment_id,
        [Path(path) for path in paths],
        key_of_parts(os.environ),
        admit=admit,
    )
    return Result(done, taken_page(done))


command = take_verb
