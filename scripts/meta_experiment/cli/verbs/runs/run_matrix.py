"""`runs matrix`: a workflow whose jobs make the runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.judge_option import named_judge
from meta_experiment.cli.open import workspace
from meta_experiment.cli.run_options import (
    agent_options,
    caps,
    client_options,
    minutes_option,
    repeats_option,
    timeout_option,
    tokens_option,
    usd_option,
)
from meta_experiment.errors import UsageError
from meta_experiment.files.installed import public_requirement
from meta_experiment.render.run_matrix import matrix_page
from meta_experiment.runs.agents.named_agent import NamedAgent
from meta_experiment.runs.executors.actions_matrix import MatrixTerms
from meta_experiment.services.running.run_matrix import (
    CLAUDE,
    CLAUDE_SECRET,
    MatrixRequest,
    matrix,
)
from meta_experiment.services.running.run_plan import RunRequest

_PASSED = ("agent", "repeats", "timeout", "model", "effort", "max_turns", "max_budget_usd")
_JUDGING = ("judge", "judge_model")


@verb(
    example=(
        "meta-experiment runs matrix exp-2026-01-31-review --cases cases.jsonl --jobs 8 "
        "--max-usd 20 --out .github/workflows/review-runs.yml\n"
        "  meta-experiment runs matrix exp-2026-01-31-review --cases evals/ --jobs 4 "
        "--agent './agent.sh' --secret MODEL_TOKEN"
    )
)
@click.argument("experiment_id", metavar="ID")
@click.option("--cases", required=True, metavar="PATH", help="As for run, in the repository.")
@click.option(
    "--jobs", required=True, metavar="N", type=click.IntRange(1, 256), help="How many at most."
)
@click.option("--out", metavar="FILE", help="Where the workflow goes [shown].")
@click.option(
    "--agent", default="claude", show_default=True, metavar="NAME|COMMAND", help="As for run."
)
@client_options("What one run may cost, for claude.")
@click.option("--judge", metavar="NAME|COMMAND", help="As for run [nobody].")
@click.option("--judge-model", metavar="NAME", help="The model of the judge, for claude.")
@repeats_option
@timeout_option("Seconds of one run, where its case says nothing else.")
@usd_option("For all jobs together.")
@tokens_option("For all jobs together.")
@minutes_option
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME",
    help="A secret of the repository that agents get as a variable. Repeatable "
    "[ANTHROPIC_API_KEY, for claude].",
)
@click.option("--setup", metavar="FILE", help="A script that installs what the agent needs.")
@click.option("--client", metavar="VERSION", help="The version of Claude Code [the newest].")
@click.option(
    "--package",
    metavar="TEXT",
    help="What pip installs this program from [where it was installed from here].",
)
@click.option(
    "--runner", metavar="LABEL", default="ubuntu-24.04", show_default=True,
    help="Whose machines the jobs run on.",
)  # fmt: skip
def matrix_verb(
    place: Place, experiment_id: str, cases: str, jobs: int, out: str | None, **said: Any
) -> Result:
    """Write a workflow of GitHub Actions whose jobs make a share of the runs each.

    A last job counts what they made as one machine would. Run again, it makes only what is
    missing. Parts are sealed by the secret META_EXPERIMENT_PARTS_KEY. Nothing is pushed.
    """
    if not Path(cases).exists():
        raise UsageError(f"There are no cases at {cases}.")
    asks_claude = CLAUDE in (said["agent"], said["judge"])
    if said["client"] and not asks_claude:
        raise UsageError("--client is the version of Claude Code, and no agent is claude.")
    terms = MatrixTerms(
        experiment_id=experiment_id,
        cases=cases,
        jobs=jobs,
        flags=tuple(_flags(said, (*_PASSED, *_JUDGING))),
        counting=tuple(_flags(said, ("agent", "repeats", "model", "effort", *_JUDGING))),
        caps=caps(said),
        package=said["package"] or _package(),
        secrets=said["secrets"] or ((CLAUDE_SECRET,) if asks_claude else ()),
        setup=said["setup"] or "",
        client=(said["client"] or "latest") if asks_claude else None,
        runner=said["runner"],
    )
    judge = named_judge(said["judge"], said["judge_model"]) if said["judge"] else None
    request = RunRequest(
        Path(cases),
        NamedAgent(said["agent"], agent_options(said)).agent(os.environ),
        repeats=said["repeats"],
        judge=judge.judge(os.environ) if judge else None,
    )
    wished = MatrixRequest(terms, Path(out) if out else None)
    done = matrix(workspace(place), request, wished)
    return Result(done, matrix_page(done))


def _package() -> str:
    """Return what the jobs install. Raises UsageError where that is on this machine alone."""
    package = public_requirement()
    if not package:
        raise UsageError(
            "This program was installed from this machine, which the jobs do not see.",
            hint="Say from where they install it: "
            "--package 'meta-experiment @ git+https://HOST/OWNER/REPOSITORY@COMMIT'",
        )
    return package


def _flags(said: dict[str, Any], names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the options that were given, as `run` takes them."""
    given_ = [
        (f"--{name.replace('_', '-')}", str(said[name]))
        for name in names
        if said[name] is not None
    ]
    return [*given_, *(("--tool", rule) for rule in said["tools"])]


command = matrix_verb
