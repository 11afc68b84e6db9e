"""`runs export`: runs for the viewer of another tool."""

from __future__ import annotations

from pathlib import Path

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.run_export import run_export_page
from meta_experiment.services.running.run_export import export


@verb(example="meta-experiment runs export exp-2026-01-31-review --out benchmark.json")
@click.argument("experiment_id", metavar="ID")
@click.option("--out", required=True, metavar="FILE", help="A new file.")
@click.option("--variant", metavar="VARIANT", help="The treatment, where there are several.")
def export_verb(place: Place, experiment_id: str, out: str, variant: str | None) -> Result:
    """Write the runs that count as a benchmark.json, which skill-creator's viewer opens.

    The treatment is its with_skill, the control its without_skill. Secrets are cut.
    """
    target = place.directory / Path(out).expanduser()
    done = export(workspace(place), experiment_id, target, variant)
    return Result(done, run_export_page(done))


command = export_verb
