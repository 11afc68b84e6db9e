"""`plan`: what a plan could show, without creating it."""

from __future__ import annotations

from typing import Any

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import client_folder
from meta_experiment.cli.plan_options import plan_options, requested
from meta_experiment.render import forecast as text
from meta_experiment.services.planning.preview import preview


@verb(
    example=(
        "meta-experiment plan --primary-metric cost_usd --sample-size 20 --per-day 6 \\\n"
        "      --max-duration-days 28"
    )
)
@plan_options
@click.option(
    "--per-day", type=float, metavar="N", help="Units of all arms that arrive in a day."
)
@click.option(
    "--control-past",
    metavar="N,K|N,MEAN,SD|RATE",
    help="What is known of the control: its sums, or a rough rate, as '1 in 20'.",
)
def plan_verb(
    place: Place, per_day: float | None, control_past: str | None, **flags: Any
) -> Result:
    """Say what a plan can and cannot show, and what it lacks; writes nothing.

    Takes the flags of create, or a plan file that need not be whole: what is missing is
    said, with the skill that helps. Spread and rate come from this project's own past where
    there is one; else from --control-past or the hypothesis ("from 4% to 5%"), and what is
    assumed is said, with the one question that would settle it.
    """
    opened, request = requested(place, flags, whole=False)
    seen = preview(
        opened,
        request,
        per_day,
        client_folder(),
        plan_file=flags["plan_file"],
        control_past=control_past,
    )
    return Result(seen, text.preview(seen))


command = plan_verb
