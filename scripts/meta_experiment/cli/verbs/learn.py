"""`learn`: write down what an experiment taught, and read it back."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.errors import UsageError
from meta_experiment.render.learning import learning
from meta_experiment.services.acting import learning as learnings
from meta_experiment.types.vocabulary import Upshot


@verb(
    example=(
        "meta-experiment learn exp-2026-01-31-review --why 'the parts wait for each other' \\\n"
        "      --next 'Two agents review 10% faster, because one of three was idle'"
    )
)
@click.argument("experiment_id", metavar="[ID]", required=False)
@click.option("--why", "--reason", metavar="TEXT", help="What you take for the reason.")
@click.option(
    "--next", "next_step", metavar="TEXT", help="What to try next, best as a hypothesis."
)
@click.option(
    "--judged",
    type=click.Choice([item.value for item in Upshot]),
    help="What it did to its hypothesis [as the evidence says].",
)
@click.option(
    "--drop/--keep", "dropped", default=None, help="Nobody will follow what comes next. [keep]"
)
@click.option("--list", "listed", is_flag=True, help="Show what was learnt, newest first.")
@click.option("--file", "path", metavar="PATH", help="With --list: of this prompt file alone.")
def learn_verb(
    place: Place,
    experiment_id: str | None,
    why: str | None,
    next_step: str | None,
    judged: str | None,
    dropped: bool | None,
    listed: bool,
    path: str | None,
) -> Result:
    """Write down what an ended experiment taught, in .claude/meta/learnings.md, or read it.

    Figures are the program's, why and next are yours. A second time the entry is written
    again, and what it said before stays in it. The next experiment on the file is told what
    was refuted and what was left open.
    """
    words = (why, next_step, judged, dropped)
    if listed != (experiment_id is None):
        raise UsageError(
            "Expected an experiment to write of, or --list to read.",
            hint="meta-experiment learn --list, or: learn ID --why TEXT --next TEXT",
        )
    if listed and any(word is not None for word in words):
        raise UsageError("--list reads; --why, --next, --judged and --drop belong to an ID.")
    if not listed and path is not None:
        raise UsageError("--file chooses among what --list shows.")
    opened = workspace(place)
    if experiment_id is None:
        answer = learnings.learnt(opened, path)
    else:
        answer = learnings.learn(
            opened,
            experiment_id,
            why=why,
            next_step=next_step,
            judged=None if judged is None else Upshot(judged),
            dropped=dropped,
        )
    notes = tuple(f"Note: {answer.file}, {problem}." for problem in answer.problems)
    return Result(answer, learning(answer), narration=notes)


command = learn_verb
