"""`status`: the board."""

from __future__ import annotations

from functools import cache

import click

from meta_experiment.cli.frame import Place, Result, Screen, verb
from meta_experiment.cli.open import client_folder, clock, layout, workspace
from meta_experiment.render import board as text
from meta_experiment.services.board import board, notice
from meta_experiment.services.serving import observing


@verb(example="meta-experiment status")
@click.argument("experiment_id", metavar="[ID]", required=False)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Entries shown in each section of the text.",
)
@click.option("--archived", is_flag=True, help="Show archived experiments as well.")
def status_verb(
    place: Place, screen: Screen, experiment_id: str | None, limit: int, archived: bool
) -> Result:
    """Show what runs, how far it is, what ended, and what to do next."""
    opened = cache(lambda: workspace(place))
    where = layout(place)
    if where.in_flight():
        opened()
    observing.sweep(where, clock())
    shown = board.board(where, clock, opened, experiment_id, archived=archived)
    if experiment_id is None:
        notice.from_rows(where, shown.rows)
    shown.notes.extend(observing.notes(where, clock(), client_folder()))
    if where.registry_lost():
        shown.notes.append(
            f"{where.registry} is gone, and a copy of it is kept. Bring it back (unless it "
            "belongs to another branch): meta-experiment recover"
        )
    document = {"experiments": shown.rows, "summary": shown.summary, "notes": shown.notes}
    if experiment_id is not None:
        written = text.one(shown.rows[0], screen.style)
    else:
        written = text.board(shown.rows, shown.summary, screen.style, limit)
    return Result(document, written, narration=tuple(f"Note: {item}" for item in shown.notes))


command = status_verb
