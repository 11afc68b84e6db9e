"""`record`: write down what happened."""

from __future__ import annotations

import sys
from typing import Any

import click

from meta_experiment.cli.frame import Place, Result, conflicting, numbers, pairs, verb
from meta_experiment.cli.open import workspace
from meta_experiment.errors import UsageError
from meta_experiment.render.blocks import lines
from meta_experiment.render.words import counted
from meta_experiment.services.recording import recording
from meta_experiment.services.teams.shipping_apart import ship_apart
from meta_experiment.types import TrialStatus
from meta_experiment.types.results.recording import RecordingResult


@verb(
    example=(
        "meta-experiment record exp-2026-01-31-review --variant treatment \\\n"
        "      --metric duration_seconds=41.5 --metric output_tokens=1830"
    )
)
@click.argument("experiment_id", metavar="ID", required=False)
@click.option("--variant", metavar="VARIANT", help="The arm that was served.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="METRIC=VALUE",
    help="Repeatable; leave out what was not measured.",
)
@click.option(
    "--covariate",
    "covariates",
    multiple=True,
    metavar="NAME=VALUE",
    help="What was known before the variant was drawn. Repeatable.",
)
@click.option(
    "--unit", metavar="KEY", help="What was randomised; trials of one unit count once."
)
@click.option("--trial-id", metavar="KEY", help="From assign; the same id twice is one trial.")
@click.option(
    "--status",
    type=click.Choice([item.value for item in TrialStatus]),
    default=None,
    help="How the trial ended [ok].",
)
@click.option(
    "--fingerprint",
    multiple=True,
    metavar="KEY=VALUE",
    help="What it ran on, such as model=NAME. Repeatable.",
)
@click.option(
    "--stdin",
    "from_stdin",
    is_flag=True,
    help="Read JSON lines: experiment, variant, metrics, covariates?, unit?, trial_id?, …",
)
def record_verb(
    place: Place,
    experiment_id: str | None,
    variant: str | None,
    metrics: tuple[str, ...],
    from_stdin: bool,
    **keys: Any,
) -> Result:
    """Record a trial, or many from stdin: all of them or, if one is wrong, none.

    What this command acknowledges is on the disk.
    """
    if from_stdin:
        if variant or metrics or any(keys.values()):
            raise UsageError(
                "--stdin reads everything from the lines; leave the other flags out."
            )
        if sys.stdin is None:
            raise UsageError(
                "--stdin reads JSON lines from the standard input, which is closed.",
                hint="meta-experiment record --stdin < observations.jsonl",
            )
        documents = recording.parse_lines(recording.lines_of(sys.stdin.buffer))
        if experiment_id is not None:
            documents = [{"experiment": experiment_id, **document} for document in documents]
    else:
        documents = [_document(experiment_id, variant, metrics, keys)]
    opened = workspace(place)
    done = recording.record(opened, documents)
    ship_apart(opened.layout, opened.clock())
    return Result(
        done,
        lines(_told(done)),
        narration=conflicting(done.conflicts),
    )


def _told(done: RecordingResult) -> str:
    if done.known == done.recorded:
        return f"{counted(done.known, 'trial')} {_known(done)}"
    told = f"Recorded {counted(done.recorded, 'trial')}{_several(done)}."
    return f"{told} {done.known:,} of them {_known(done)}" if done.known else told


def _several(done: RecordingResult) -> str:
    observations = len(done.trial_ids)
    return (
        ""
        if observations == done.recorded
        else f", of which {observations:,} observations tell"
    )


def _known(done: RecordingResult) -> str:
    """Say what had an outcome before: of a trial that is told twice the first stands."""
    were, them = ("was", "it") if done.known == 1 else ("were", "them")
    return f"{were} known already; what is new of {them} was added."


def _document(
    experiment_id: str | None,
    variant: str | None,
    metrics: tuple[str, ...],
    keys: dict[str, Any],
) -> dict[str, Any]:
    if experiment_id is None or variant is None:
        raise UsageError(
            "An experiment and --variant are needed, or --stdin.",
            hint="meta-experiment record ID --variant treatment --metric duration_seconds=41.5",
        )
    optional = {key: value for key, value in keys.items() if value}
    if "fingerprint" in optional:
        optional["fingerprint"] = pairs("--fingerprint", optional["fingerprint"])
    if "covariates" in optional:
        optional["covariates"] = numbers("--covariate", optional["covariates"])
    return {
        "experiment": experiment_id,
        "variant": variant,
        "metrics": numbers("--metric", metrics),
        **optional,
    }


command = record_verb
