"""`runs rate`: what a person says of a run."""

from __future__ import annotations

from typing import Any

import click

from meta_experiment.cli.frame import Place, Result, conflicting, verb
from meta_experiment.cli.open import workspace
from meta_experiment.errors import UsageError
from meta_experiment.render.run_rating import run_rating_page, run_to_rate_page
from meta_experiment.services.running.run_rating import RunChoice, next_run, rate_run
from meta_experiment.types.runs import RunCell


@verb(
    example=(
        "meta-experiment runs rate exp-2026-01-31-review --next\n"
        "  meta-experiment runs rate exp-2026-01-31-review --run 0c1f9e2ab4 --pass\n"
        "  meta-experiment runs rate exp-2026-01-31-review --case slow-query "
        "--variant control --criterion clear --fail"
    )
)
@click.argument("experiment_id", metavar="ID")
@click.option("--next", "shown", is_flag=True, help="Show a run that waits for a verdict.")
@click.option("--beside-judge", is_flag=True, help="With --next: also one that a judge judged.")
@click.option("--run", "key", metavar="KEY", help="The run, as --next names it.")
@click.option("--case", metavar="NAME", help="Or its case,")
@click.option(
    "--repeat",
    metavar="N",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="repeat,",
)
@click.option("--variant", metavar="VARIANT", help="and variant.")
@click.option("--criterion", metavar="NAME", help="What is judged [the one that waits].")
@click.option("--pass/--fail", "passed", default=None, help="The verdict.")
@click.option(
    "--max-output",
    metavar="N",
    type=click.IntRange(1),
    default=20_000,
    show_default=True,
    help="Characters of the answer to show at most.",
)
def rate_verb(
    place: Place,
    experiment_id: str,
    shown: bool,
    beside_judge: bool,
    key: str | None,
    passed: bool | None,
    criterion: str | None,
    max_output: int,
    **cell: Any,
) -> Result:
    """Judge a run yourself: a criterion that is for a person, or one beside the judge.

    --next shows an answer without naming its variant. The verdict completes the run's trial;
    the first one on a criterion stands.
    """
    opened = workspace(place)
    if shown:
        found = next_run(opened, experiment_id, max_output, beside=beside_judge)
        return Result(found, run_to_rate_page(found))
    if passed is None:
        raise UsageError("Say --pass or --fail; --next shows a run that waits for it.")
    done = rate_run(opened, experiment_id, _choice(key, **cell), criterion, passed)
    return Result(done, run_rating_page(done), narration=conflicting(done.conflicts))


def _choice(key: str | None, case: str | None, repeat: int, variant: str | None) -> RunChoice:
    if key is not None and case is None and variant is None:
        return RunChoice(key=key)
    if key is None and case is not None and variant is not None:
        return RunChoice(cell=RunCell(case, repeat, variant))
    raise UsageError("Say which run: --run KEY, or --case NAME and --variant NAME.")


command = rate_verb
