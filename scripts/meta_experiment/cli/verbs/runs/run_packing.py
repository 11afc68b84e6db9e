"""`runs pack`: what runs left here, as one file for another machine."""

from __future__ import annotations

import os
from pathlib import Path

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.cli.run_options import (
    key_of_parts,
    share_named,
    tokens_option,
    usd_option,
)
from meta_experiment.errors import RefusedError
from meta_experiment.render.run_parts import packed_page
from meta_experiment.runs.budget import Caps
from meta_experiment.services.running.run_parts import pack_runs


@verb(
    example=(
        "meta-experiment runs pack exp-2026-01-31-review --out runs.part\n"
        "  meta-experiment runs pack exp-2026-01-31-review --share 2/8 --sealed --out 2.part"
    )
)
@click.argument("experiment_id", metavar="ID")
@click.option("--out", required=True, metavar="FILE", help="The part that is written.")
@click.option("--share", metavar="N/M", help="Which share of the runs it is.")
@click.option("--sealed", is_flag=True, help="Refuse to write it without a seal.")
@click.option(
    "--pledge",
    is_flag=True,
    help="Before they begin: what is left of the caps counts as spent until the next part.",
)
@usd_option("With --pledge: of these runs.")
@tokens_option("With --pledge: of these runs.")
def pack_verb(
    place: Place,
    experiment_id: str,
    out: str,
    share: str | None,
    sealed: bool,
    pledge: bool,
    max_usd: float | None,
    max_tokens: float | None,
) -> Result:
    """Write all that runs left on this machine into one file, to be taken in by another.

    META_EXPERIMENT_PARTS_KEY seals it: a secret of at least 32 characters that both machines
    know. In it are prompts, answers and what agents changed.
    """
    key = key_of_parts(os.environ)
    if sealed and not key:
        raise RefusedError(
            "There is no key to seal the part by.",
            hint="Put one into META_EXPERIMENT_PARTS_KEY: openssl rand -hex 32",
        )
    done = pack_runs(
        workspace(place),
        experiment_id,
        Path(out),
        key,
        share=str(share_named(share)) if share else "",
        pledge=Caps(max_usd, max_tokens) if pledge else None,
    )
    return Result(done, packed_page(done))


command = pack_verb
