"""`amend`: change a plan on the record."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.errors import UsageError, cite
from meta_experiment.render.blocks import Paragraph
from meta_experiment.services.planning import amending


@verb(
    example=(
        "meta-experiment amend exp-2026-01-31-review --set max_duration_days=28 \\\n"
        "      --why 'two weeks of holidays'"
    )
)
@click.argument("experiment_id", metavar="ID")
@click.option(
    "--set",
    "settings",
    multiple=True,
    required=True,
    metavar="KEY=VALUE",
    help="A field of the plan and its new value. Repeatable.",
)
@click.option(
    "--why",
    "--reason",
    metavar="TEXT",
    required=True,
    help="Stays on the record beside the result.",
)
def amend_verb(place: Place, experiment_id: str, settings: tuple[str, ...], why: str) -> Result:
    """Change a plan on the record; once there are data, not what decides their meaning."""
    pairs = []
    for setting in settings:
        key, separator, value = setting.partition("=")
        if not separator:
            raise UsageError(f"--set {cite(setting)}: expected KEY=VALUE.")
        pairs.append((key.strip(), value.strip()))
    done = amending.amend(workspace(place), experiment_id, pairs, why)
    changes = tuple(f"{item.key}: {item.before} -> {item.after}" for item in done.made)
    section = (Paragraph((f"{done.experiment_id} amended.",)), Paragraph(changes, indent=2))
    return Result(done, (section,))


command = amend_verb
