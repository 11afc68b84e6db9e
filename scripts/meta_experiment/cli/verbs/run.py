"""`run`: all variants on the same cases, until the answer is known."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from meta_experiment.cli.frame import Place, Result, Screen, narrated, say, verb
from meta_experiment.cli.judge_option import named_judge
from meta_experiment.cli.open import client_folder, workspace
from meta_experiment.cli.plan_options import requested_by_file
from meta_experiment.cli.run_options import (
    agent_options,
    caps,
    client_options,
    minutes_option,
    repeats_option,
    share_named,
    timeout_option,
    tokens_option,
    usd_option,
)
from meta_experiment.cli.run_progress import RunProgress
from meta_experiment.errors import UsageError
from meta_experiment.render.run import run_page
from meta_experiment.render.words import one_line
from meta_experiment.runs.agents.named_agent import NamedAgent
from meta_experiment.runs.executors import EXECUTORS, LOCAL, Employment
from meta_experiment.services.planning import creating
from meta_experiment.services.planning.made_before import made_before
from meta_experiment.services.planning.request import Request
from meta_experiment.services.running import run_plan, running
from meta_experiment.services.running.clearing import clear_runs
from meta_experiment.services.running.held_out import held_out
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, Unit
from meta_experiment.types.results.run import RunEnd, RunResult

_GO_ON = "The same line once more goes on; --max-usd, --max-tokens or --max-minutes bound it."
_MOST_AT_ONCE = 8  # of those that nobody asked for


@verb(
    example=(
        "meta-experiment run exp-2026-01-31-review --cases cases.jsonl --repeats 3\n"
        "  meta-experiment run exp-2026-01-31-review --cases evals/ --agent 'codex exec -'\n"
        "  meta-experiment run exp-2026-01-31-review --cases evals/ --preview\n"
        "  meta-experiment run --plan plan.yaml --cases cases.jsonl --max-usd 5"
    )
)
@click.argument("experiment_id", metavar="[ID]", required=False)
@click.option(
    "--plan",
    "plan_file",
    metavar="FILE",
    help="Instead of ID: the experiment of this plan, made now or by this very plan before.",
)
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
@client_options("What one run may cost, for claude; see --max-usd for all of them.")
@click.option(
    "--judge",
    metavar="NAME|COMMAND",
    help="Who judges by criteria of the types judge and preference: claude, or a command as "
    "for --agent [nobody].",
)
@click.option("--judge-model", metavar="NAME", help="The model of the judge, for claude.")
@click.option(
    "--another-agent", is_flag=True, help="Go on though another agent ran what was run."
)
@click.option(
    "--another-judge", is_flag=True, help="Go on though another judge judged what was run."
)
@repeats_option
@click.option(
    "--concurrency",
    metavar="N",
    type=click.IntRange(1, 64),
    help="Runs at a time [one for each core: more make each other slow].",
)
@click.option(
    "--executor",
    type=click.Choice(list(EXECUTORS)),
    default=LOCAL,
    show_default=True,
    help="Who makes them: this machine, or the workers of Dask.",
)
@click.option(
    "--scheduler", metavar="ADDRESS", help="Dask's [workers made on this machine meanwhile]."
)
@click.option(
    "--share",
    metavar="N/M",
    help="Make the n-th of m shares of the runs and count none: runs pack takes it elsewhere.",
)
@click.option(
    "--count-only", is_flag=True, help="Count what was made, here or elsewhere; make no run."
)
@timeout_option("Seconds of one run, where its case says nothing else.")
@usd_option("For all runs.")
@tokens_option("For all runs.")
@minutes_option
@click.option(
    "--preview", "--dry-run", is_flag=True, help="Say what would be run, and run nothing."
)
@click.option("--yes", is_flag=True, help="Do not stop behind the first block.")
def run_verb(
    place: Place,
    screen: Screen,
    experiment_id: str | None,
    plan_file: str | None,
    preview: bool,
    yes: bool,
    **said: Any,
) -> Result:
    """Run every variant on the same cases, and stop as soon as the answer is known.

    Each run has a checkout of its own, and the plan's rule looks after each pair. Killed or
    capped, it goes on where it stopped when it is called again. Where nothing tells yet what a
    run takes, and neither a cap nor --yes is given, it makes the first block, says what the
    rest will take, and asks; without a terminal it stops there, and goes on at the next call.
    """
    if (experiment_id is None) is (plan_file is None):
        raise UsageError("Expected either the ID of an experiment or --plan FILE.")
    asked: Request | None = None
    found: str | Experiment = experiment_id or ""
    if plan_file is None:
        opened = workspace(place)
    else:
        opened, asked = requested_by_file(place, plan_file, Unit.CASE)
        found = made_before(opened, asked) or creating.drafted(opened, asked)
    request = _request(said, _cases(opened, said["cases"], said["holdout"]))
    if preview:
        shown = run_plan.preview(opened, found, request)
        return Result(shown, run_page(shown))
    for _ in clear_runs(opened):  # of experiments that have ended, or that nobody runs
        pass
    planned = run_plan.plan_runs(opened, found, request)
    if asked is not None:  # nothing is made of a plan that cannot be run
        planned = run_plan.plan_runs(opened, _made(opened, asked, screen), request)
    sure = yes or request.caps.any or request.share or request.count_only
    done = _run(opened, planned, request, screen, may_ask=not sure)
    return Result(done, run_page(done))


def _made(opened: Workspace, asked: Request, screen: Screen) -> Experiment:
    """Return the experiment of a plan, made now unless it was made before."""
    before = made_before(opened, asked)
    if before is not None:
        told = f"{before.experiment_id} was made of this plan, and goes on."
        say(told, screen.style, err=True)
        return before
    made = creating.create(opened, asked, client_folder())
    for line in (f"{made.experiment_id} is made of this plan.", *narrated(made.notes)):
        say(one_line(line), screen.style, err=True)
    return made.experiment


def _run(
    opened: Workspace,
    planned: run_plan.RunPlan,
    request: run_plan.RunRequest,
    screen: Screen,
    *,
    may_ask: bool,
) -> RunResult:
    """Make the runs, the first block before all others where nothing tells what one takes."""
    probing = may_ask and run_plan.needs_probe(opened, planned)
    if probing:
        planned = replace(planned, probing=True)
    with RunProgress(screen, planned, request.at_once) as progress:
        done = running.run(opened, planned, request, progress.tell)
    if done.ended is not RunEnd.PROBED:
        return done
    planned = run_plan.plan_runs(opened, done.experiment_id, request)
    if not (screen.interactive and click.confirm("Go on with the others?", err=True)):
        return replace(done, outlook=planned.outlook, notes=(*done.notes, _GO_ON))
    with RunProgress(screen, planned, request.at_once, silent=True) as progress:
        return running.run(opened, planned, request, progress.tell)


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
    agent = NamedAgent(said["agent"], agent_options(said))
    judge = named_judge(said["judge"], said["judge_model"]) if said["judge"] else None
    return run_plan.RunRequest(
        cases=cases,
        agent=agent.agent(os.environ),
        repeats=said["repeats"],
        held_out=said["holdout"] or "",
        at_once=said["concurrency"] or _cores(),
        judge=judge.judge(os.environ) if judge else None,
        another_judge=said["another_judge"],
        another_agent=said["another_agent"],
        caps=caps(said),
        share=share_named(said["share"]) if said["share"] else None,
        count_only=said["count_only"],
        employment=Employment(said["executor"], said["scheduler"] or "", agent, judge),
    )


def _cores() -> int:
    known = getattr(os, "sched_getaffinity", None)
    return min(_MOST_AT_ONCE, len(known(0)) if known else os.cpu_count() or 1)


command = run_verb
