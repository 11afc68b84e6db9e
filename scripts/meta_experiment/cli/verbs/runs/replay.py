"""`runs replay`: a recorded session, typed again."""

from __future__ import annotations

import os
from typing import Any

import click

from meta_experiment.cli.frame import Place, Result, Screen, say, verb
from meta_experiment.cli.open import client_folder, workspace
from meta_experiment.render.replay import replay_page, turn_line
from meta_experiment.render.words import one_line
from meta_experiment.runs.agents.agent import AgentOptions
from meta_experiment.runs.budget import Caps
from meta_experiment.services.running import replaying
from meta_experiment.types.results.replay import ReplayEnd
from meta_experiment.types.runs import CellOutcome

_LONGEST = 24 * 3600.0


@verb(
    example=(
        "meta-experiment runs replay 0773d97e --preview\n"
        "  meta-experiment runs replay 0773d97e --variant exp-2026-01-31-review:treatment "
        "--max-usd 2\n"
        "  meta-experiment runs replay 0773d97e --model haiku"
    )
)
@click.argument("session", metavar="SESSION")
@click.option("--variant", metavar="ID:NAME", help="With this variant's files in their place.")
@click.option("--model", metavar="NAME", help="By this model.")
@click.option("--effort", metavar="LEVEL", help="With this effort.")
@click.option("--commit", metavar="COMMIT", help="Where it stood [found, and told how].")
@click.option(
    "--tool", "tools", multiple=True, metavar="RULE", help="A tool it may use. Repeatable."
)
@click.option("--max-turns", type=click.IntRange(1), help="Steps of one turn at most.")
@click.option(
    "--timeout", type=click.FloatRange(1, _LONGEST), default=600.0, show_default=True,
    help="Seconds of one turn.",
)  # fmt: skip
@click.option("--max-usd", type=click.FloatRange(0, min_open=True), help="For all turns.")
@click.option("--max-tokens", type=click.FloatRange(0, min_open=True), help="For all turns.")
@click.option("--max-minutes", type=click.FloatRange(0, min_open=True), help="Of this call.")
@click.option("--preview", is_flag=True, help="Say what would be typed, and run nothing.")
def replay_verb(
    place: Place, screen: Screen, session: str, preview: bool, **said: Any
) -> Result:
    """Type all prompts of a recorded session again, and show what comes of it beside it.

    SESSION is its id, the beginning of that, or its transcript. It runs by Claude Code in a
    checkout at the commit of the session, fenced and supervised as any run. Killed or capped,
    the same call goes on. One replay is no evidence.
    """
    opened = workspace(place)
    minutes = said["max_minutes"]
    request = replaying.ReplayRequest(
        session=session,
        options=AgentOptions(
            within=said["timeout"],
            model=said["model"],
            effort=said["effort"],
            tools=said["tools"],
            most_turns=said["max_turns"],
        ),
        variant=said["variant"],
        commit=said["commit"],
        caps=Caps(
            said["max_usd"], said["max_tokens"], None if minutes is None else 60.0 * minutes
        ),
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
