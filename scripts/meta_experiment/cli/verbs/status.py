"""`status`: the board.

The one look that also puts in order what time has changed: the trials of sessions that are over
are closed, and what the next session is told at its start follows the board.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, cast

import click

from meta_experiment.cli.frame import Place, Result, Screen, narrated, verb
from meta_experiment.cli.open import client_folder, clock, layout, workspace
from meta_experiment.errors import UsageError
from meta_experiment.render import board as text
from meta_experiment.services.board import board, notice
from meta_experiment.services.serving import observing
from meta_experiment.services.teams.shipping_apart import in_use, ship_apart
from meta_experiment.services.teams.team_board import tell_of_teams

if TYPE_CHECKING:
    from meta_experiment.types.results.board import BoardView


@verb(example="meta-experiment status")
@click.argument("experiment_id", metavar="[ID]", required=False)
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Entries shown in each section of the text.",
)
@click.option("--archived", is_flag=True, help="Show archived experiments as well.")
@click.option("--csv", metavar="FILE", help="Write the list as CSV; - for the standard output.")
@click.option("--watch", is_flag=True, help="Draw it anew every two seconds, until Ctrl-C.")
def status_verb(
    place: Place,
    screen: Screen,
    experiment_id: str | None,
    limit: int,
    archived: bool,
    csv: str | None,
    watch: bool,
) -> Result:
    """Show what runs, how far it is, what ended, and what to do next."""
    if csv is not None and watch:
        raise UsageError(
            "--watch draws on a terminal, and --csv writes a file once: expected one of them.",
            hint=f"meta-experiment status --csv {csv}",
        )
    look = partial(_look, place, experiment_id, limit, archived)
    if csv is not None:
        return _written(place, look().answer, csv)
    if not watch:
        return look()
    from meta_experiment.cli import moving

    return moving.watch(look, screen)


def _written(place: Place, answer: object, file: str) -> Result:
    from meta_experiment.cli.table_files import write_table
    from meta_experiment.render.blocks import lines
    from meta_experiment.services.board.tidy import tidy_experiments

    view = cast("BoardView", answer)
    said = write_table(place, lambda: tidy_experiments(view["experiments"]), csv=file)
    return Result(view, lines(*said or ()))


def _look(place: Place, experiment_id: str | None, limit: int, archived: bool) -> Result:
    opened = cache(lambda: workspace(place))
    where = layout(place)
    if where.in_flight():
        opened()
    observing.sweep(where, clock())
    view = board.board(where, clock, opened, experiment_id, archived=archived)
    if experiment_id is None:
        notice.from_rows(where, view["experiments"])
    view["notes"].extend(observing.notes(where, clock(), client_folder()))
    if where.registry_lost():
        view["notes"].append(
            f"{where.registry} is gone, and a copy of it is kept. Bring it back (unless it "
            "belongs to another branch): meta-experiment recover"
        )
    tell_of_teams(where, view)
    if in_use(where):
        from meta_experiment.services.teams.exchange_note import sentences

        view["notes"].extend(sentences(where))
        ship_apart(where, clock())
    page = (
        text.board(view, limit)
        if experiment_id is None
        else (text.one(view["experiments"][0]),)
    )
    return Result(view, page, narration=narrated(view["notes"]))


command = status_verb
