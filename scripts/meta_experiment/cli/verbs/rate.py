"""`rate`: add quality to a trial that was served."""

from __future__ import annotations

import os
from pathlib import Path

import click

from meta_experiment.cli.frame import Place, Result, conflicting, numbers, verb
from meta_experiment.cli.open import clock, workspace
from meta_experiment.errors import RefusedError, UsageError
from meta_experiment.files.roots import Layout
from meta_experiment.live.client_process import client_around
from meta_experiment.protocol import places
from meta_experiment.render.blocks import lines
from meta_experiment.render.words import compact, printable
from meta_experiment.services.recording import rating
from meta_experiment.services.workspace import Workspace


@verb(example="meta-experiment rate 4")
@click.argument("words", metavar="[1-5 | -- COMMAND...]", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="METRIC=VALUE",
    help="Another metric, such as issues_caught=3. Repeatable.",
)
@click.option(
    "--run",
    "run",
    metavar="NAME",
    help="Run COMMAND; the metric is 1 when it exits with 0, else 0.",
)
@click.option("--trial-id", metavar="KEY", help="Which trial [the newest of this session].")
@click.option("--session", metavar="KEY", help="Which session [CLAUDE_CODE_SESSION_ID].")
@click.option("--experiment", metavar="ID", help="Only trials of this experiment.")
def rate_verb(
    place: Place,
    words: tuple[str, ...],
    metrics: tuple[str, ...],
    run: str | None,
    **filters: str | None,
) -> Result:
    """Say how good the newest answer of this session was: 1 (useless) to 5 (perfect).

    It is added to the trial of the prompt under experiment that was served last, open or
    closed. In a shell, --run takes the word of a command: rate --run tests_passed -- npm test
    """
    rated = numbers("--metric", metrics)
    if run is not None:
        rated |= {run: _outcome(words)}
    elif words:
        rated |= {rating.RATING: _stars(words)}
    session = filters["session"] or os.environ.get("CLAUDE_CODE_SESSION_ID") or None
    client = () if filters["session"] else client_around(os.environ)
    selector = rating.TrialSelector(filters["trial_id"], session, filters["experiment"], client)
    done = rating.rate(_workspaces(workspace(place)), selector, rated)
    values = ", ".join(f"{name} {compact(value)}" for name, value in done.metrics.items())
    return Result(
        done,
        # The variant is not named: who knows it does not judge the next one alike.
        lines(
            f"Noted for {printable(done.experiment_id)}, trial {printable(done.trial_id)}: "
            f"{printable(values)}."
        ),
        narration=conflicting(done.conflicts),
    )


def _workspaces(here: Workspace) -> list[Workspace]:
    """Return the user's place, and the other roots whose prompts are served on this machine."""
    listed = places.roots(places.data_folder(os.environ))
    others = [Path(root.path) for root in listed if Path(root.path) != here.root]
    return [here, *(Workspace.open(Layout(root), clock) for root in others if root.is_dir())]


def _stars(words: tuple[str, ...]) -> float:
    try:
        value = float(*words)
    except (TypeError, ValueError):
        value = 0.0
    if not rating.LOWEST <= value <= rating.HIGHEST:
        raise UsageError(
            f"'{' '.join(words)}' is no rating; expected one number from 1 to 5.",
            hint="meta-experiment rate 4, or: rate --metric issues_caught=3",
        )
    return value


def _outcome(words: tuple[str, ...]) -> float:
    if not words:
        raise UsageError(
            "--run names no command.",
            hint="meta-experiment rate --run tests_passed -- npm test",
        )
    if os.environ.get("CLAUDECODE"):
        # Leave to call this verb must not be leave to run anything.
        raise RefusedError(
            "--run is not for use inside Claude Code, where calls of this program may be "
            "allowed without asking.",
            hint="Run the command itself, then: meta-experiment rate --metric NAME=1 (or 0)",
        )
    return rating.outcome_of(words)


command = rate_verb
