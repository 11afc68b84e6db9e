"""`runs judge`: what another judge says of runs that were made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.judge_option import judge_named
from meta_experiment.cli.open import workspace
from meta_experiment.cli.run_options import caps, tokens_option, usd_option
from meta_experiment.render.run_judging import run_judging_page
from meta_experiment.services.running.run_judging import JudgingRequest, judge_runs


@verb(
    example=(
        "meta-experiment runs judge exp-2026-01-31-review --judge claude "
        "--target 'It names the index.'\n"
        "  meta-experiment runs judge exp-2026-01-31-review --judge claude "
        "--prefer 'the clearer review'\n"
        "  meta-experiment runs judge exp-2026-01-31-review --judge 'codex exec -' "
        "--cases cases.jsonl"
    )
)
@click.argument("experiment_id", metavar="ID")
@click.option("--judge", required=True, metavar="NAME|COMMAND", help="As for run.")
@click.option("--judge-model", metavar="NAME", help="The model of the judge, for claude.")
@click.option("--cases", metavar="PATH", help="Cases whose criteria it judges by,")
@click.option("--target", default="", metavar="TEXT", help="or what each run is to meet,")
@click.option("--prefer", default="", metavar="TEXT", help="and which of two is better.")
@click.option(
    "--criterion", default="", metavar="NAME",
    help="The criterion that --target takes the place of [the only one for a judge].",
)  # fmt: skip
@click.option(
    "--concurrency", metavar="N", type=click.IntRange(1, 64), default=2, show_default=True,
    help="Cases at a time.",
)  # fmt: skip
@usd_option("For this judge.")
@tokens_option("For this judge.")
def judge_verb(
    place: Place,
    experiment_id: str,
    judge: str,
    judge_model: str | None,
    cases: str | None,
    **said: Any,
) -> Result:
    """Judge runs that count once more: by another judge, or by another criterion.

    No run is made again. What was said of them before stands, and decides alone; this lies
    beside it. Called again it goes on where it stopped, and shows what there is.
    """
    request = JudgingRequest(
        judge=judge_named(judge, judge_model),
        cases=None if cases is None else Path(cases),
        target=said["target"].strip(),
        prefer=said["prefer"].strip(),
        criterion=said["criterion"],
        at_once=said["concurrency"],
        caps=caps(said),
    )
    done = judge_runs(workspace(place), experiment_id, request)
    return Result(done, run_judging_page(done))


command = judge_verb
