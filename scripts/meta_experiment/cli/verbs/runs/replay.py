"""`runs replay`: a recorded session, typed again."""

from __future__ import annotations

import os
from typing import Any

import click

from meta_experiment.cli.frame import Place, Result, Screen, say, verb
from meta_experiment.cli.open import client_folder, workspace
from meta_experiment.cli.run_options import (
    agent_options,
    caps,
    minutes_option,
    timeout_option,
    tokens_option,
    tool_option,
    usd_option,
)
from meta_experiment.render.replay import replay_page, turn_line
from meta_experiment.render.words import one_line
from meta_experiment.services.running import replaying
from meta_experiment.types.results.replay import ReplayEnd
from meta_experiment.types.runs import CellOutcome


@verb(
    example=(
        "meta-experiment runs replay 0773d97e --preview\n"
        "  meta-experiment runs replay 0773d97e --variant exp-2026-01-31-review:treatment "
        "--max-usd 2\n"
        "  meta-experiment runs replay 0773d97e --model haiku"
    )
)
@click.argument("session", metavar="SESSION")
@click.option(
    "--variant", metavar="ID:VARIANT", help="With this variant's files in their place."
)
@click.option("--model", metavar="NAME", help="By this model.")
@click.option("--effort", metavar="LEVEL", help="With this effort.")
@click.option("--commit", metavar="COMMIT", help="Where it stood [found, and told how].")
@tool_option
@click.option(
    "--max-turns", metavar="N", type=click.IntRange(1), help="Steps of one turn at most."
)
@timeout_option("Seconds of one turn.")
@usd_option("For all turns.")
@tokens_option("For all turns.")
@minutes_option
@click.option(
    "--preview", "--dry-run", is_flag=True, help="Say what would be typed, and run nothing."
)
def replay_verb(
    place: Place, screen: Screen, session: str, preview: bool, **said: Any
) -> Result:
    """Type all prompts of a recorded session again, and show what comes of it beside it.

    SESSION is its id, the beginning of that, or its transcript. It runs by Claude Code in a
    checkout at the commit of the session, fenced and supervised as any run. Killed or capped,
    the same call goes on. One replay is no evidence.
    """
    opened = workspace(place)
    request = replaying.ReplayRequest(
        session=session,
        options=agent_options(said),
        variant=said["variant"],
        commit=said["commit"],
        caps=caps(said),
    )
    planned = replaying.plan_replay(opened, request, client_folder())
    if preview:
        shown = replaying.preview(planned, request)
        return Result(shown, replay_page(shown))

    def tell(number: int, outcome: CellOutcome) -> None:
        failure = outcome.report.failure
        line = turn_line(
            number,
            len(planned.cases),
            outcome.report.status.value,
            failure.reason if failure else "",
        )
        say(one_line(line), screen.style, err=True)

    done = replaying.replay(opened, planned, request, os.environ, tell)
    return Result(done, replay_page(done), exit_code=int(done.ended is ReplayEnd.FAILED))


command = replay_verb
