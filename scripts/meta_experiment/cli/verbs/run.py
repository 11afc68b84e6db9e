"""`run`: all variants on the same cases, until the answer is known."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from meta_experiment.cli.frame import Place, Result, Screen, verb
from meta_experiment.cli.open import workspace
from meta_experiment.cli.run_progress import RunProgress
from meta_experiment.errors import UsageError
from meta_experiment.render.run import run_page
from meta_experiment.runs.agents import JUDGES, Agent, AgentOptions, agent_of
from meta_experiment.runs.budget import Caps
from meta_experiment.services.running import run_plan, running
from meta_experiment.services.running.clearing import clear_runs
from meta_experiment.services.running.held_out import held_out
from meta_experiment.services.workspace import Workspace

_LONGEST = 24 * 3600.0
_LONGEST_VERDICT = 300.0
_MOST_SAID = 4 * 1024 * 1024  # bytes that a judge may print about one question
_MOST_AT_ONCE = 8  # of those that nobody asked for


@verb(
    example=(
        "meta-experiment run exp-2026-01-31-review --cases cases.jsonl --repeats 3\n"
        "  meta-experiment run exp-2026-01-31-review --cases evals/ --agent 'codex exec -'\n"
        "  meta-experiment run exp-2026-01-31-review --cases evals/ --preview"
    )
)
@click.argument("experiment_id", metavar="ID")
@click.option(
    "--cases",
    metavar="PATH",
    help="JSON lines, a folder in the form of claude plugin eval, or an evals.json.",
)
@click.option("--holdout", metavar="NAME", help="Instead: the cases held out under this name.")
@click.option(
    "--agent",
    default="claude",
    show_default=True,
    metavar="NAME|COMMAND",
    help="Who does the tasks: claude, or a command line that reads the prompt on stdin.",
)
@click.option("--model", metavar="NAME", help="The model, for claude.")
@click.option("--effort", metavar="LEVEL", help="The effort, for claude.")
@click.option(
    "--tool", "tools", multiple=True, metavar="RULE", help="A tool it may use. Repeatable."
)
@click.option("--max-turns", type=click.IntRange(1), help="Turns of one run at most.")
@click.option(
    "--max-budget-usd",
    type=click.FloatRange(0, min_open=True),
    help="What one run may cost, for claude; see --max-usd for all of them.",
)
@click.option(
    "--judge",
    metavar="NAME|COMMAND",
    help="Who judges by criteria of the types judge and preference: claude, or a command as "
    "for --agent [nobody].",
)
@click.option("--judge-model", metavar="NAME", help="The model of the judge, for claude.")
@click.option(
    "--another-judge", is_flag=True, help="Go on though another judge judged what was run."
)
@click.option(
    "--repeats", type=click.IntRange(1, 1000), default=1, show_default=True,
    help="How often each case is run in every arm.",
)  # fmt: skip
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    help="Runs at a time [one for each core: more make each other slow].",
)
@click.option(
    "--timeout", type=click.FloatRange(1, _LONGEST), default=600.0, show_default=True,
    help="Seconds of one run, where its case says nothing else.",
)  # fmt: skip
@click.option("--max-usd", type=click.FloatRange(0, min_open=True), help="For all runs.")
@click.option("--max-tokens", type=click.FloatRange(0, min_open=True), help="For all runs.")
@click.option("--max-minutes", type=click.FloatRange(0, min_open=True), help="Of this call.")
@click.option("--preview", is_flag=True, help="Say what would be run, and run nothing.")
def run_verb(
    place: Place, screen: Screen, experiment_id: str, preview: bool, **said: Any
) -> Result:
    """Run every variant on the same cases, and stop as soon as the answer is known.

    Each run has a checkout of its own, and the plan's rule looks after each pair. Killed or
    capped, it goes on where it stopped when it is called again.
    """
    opened = workspace(place)
    request = _request(said, _cases(opened, said["cases"], said["holdout"]))
    if preview:
        shown = run_plan.preview(opened, experiment_id, request)
        return Result(shown, run_page(shown))
    for _ in clear_runs(opened):  # of experiments that have ended, or that nobody runs
        pass
    planned = run_plan.plan_runs(opened, experiment_id, request)
    with RunProgress(screen, planned) as progress:
        done = running.run(opened, planned, request, progress.tell)
    return Result(done, run_page(done))


def _cases(opened: Workspace, cases: str | None, holdout: str | None) -> Path:
    if (cases is None) is (holdout is None):
        raise UsageError("Expected either --cases PATH or --holdout NAME.")
    if holdout is not None:
        return held_out(opened, holdout)
    path = Path(cases or "")
    if not path.exists():
        raise UsageError(
            f"There are no cases at {path}.",
            hint='Write JSON lines: {"id": "one", "prompt": "…", "criteria": […]}',
        )
    return path


def _request(said: dict[str, Any], cases: Path) -> run_plan.RunRequest:
    minutes = said["max_minutes"]
    options = AgentOptions(
        within=said["timeout"],
        model=said["model"],
        effort=said["effort"],
        tools=said["tools"],
        most_turns=said["max_turns"],
        most_usd=said["max_budget_usd"],
    )
    return run_plan.RunRequest(
        cases=cases,
        agent=agent_of(said["agent"], options, os.environ),
        repeats=said["repeats"],
        held_out=said["holdout"] or "",
        at_once=said["concurrency"] or _cores(),
        judge=_judge(said["judge"], said["judge_model"]),
        another_judge=said["another_judge"],
        caps=Caps(
            said["max_usd"], said["max_tokens"], None if minutes is None else 60.0 * minutes
        ),
    )


def _judge(words: str | None, model: str | None) -> Agent | None:
    if words is None:
        return None
    options = AgentOptions(_LONGEST_VERDICT, _MOST_SAID, model)
    return agent_of(words, options, os.environ, JUDGES)


def _cores() -> int:
    known = getattr(os, "sched_getaffinity", None)
    return min(_MOST_AT_ONCE, len(known(0)) if known else os.cpu_count() or 1)


command = run_verb
