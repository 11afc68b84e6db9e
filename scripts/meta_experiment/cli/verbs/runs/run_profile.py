"""`runs profile`: what all runs say of the models that made them."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, markdown_option, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.run_profile import run_profile_page
from meta_experiment.services.running.run_profile import run_profile


@verb(example="meta-experiment runs profile --model claude-sonnet-4-5")
@click.option("--model", metavar="NAME", help="Only this one.")
@markdown_option
def profile_verb(place: Place, model: str | None) -> Result:
    """Sum up the runs of all experiments by model: successes, time, tokens, cost.

    Every variant counts alike, so that a profile says what a model does with the prompts that
    were tried, and nothing of these.
    """
    found = run_profile(workspace(place), model)
    return Result(found, run_profile_page(found))


command = profile_verb
