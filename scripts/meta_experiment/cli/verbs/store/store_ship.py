"""`store ship`: exchange what is new, both ways."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, narrated, verb
from meta_experiment.cli.open import workspace
from meta_experiment.errors import HeldStoreError, LockedError
from meta_experiment.render.blocks import lines
from meta_experiment.render.team_store import exchange_page
from meta_experiment.services.acting.team_sharing import share_now
from meta_experiment.services.teams.restoring import restore_all
from meta_experiment.services.teams.store_address import opened_member
from meta_experiment.types.results.team_store import StoreExchange


@verb(example="meta-experiment store ship")
@click.option(
    "--experiment",
    "experiments",
    metavar="ID",
    multiple=True,
    help="This one alone. Repeatable. [all of a team]",
)
@click.option(
    "--background", is_flag=True, help="As it starts by itself: one that is at it is let alone."
)
@click.option(
    "--restore", is_flag=True, help="First take back what a backup took from a log here."
)
def ship_verb(
    place: Place, experiments: tuple[str, ...], background: bool, restore: bool
) -> Result:
    """Bring what this checkout wrote into the team's store, and take what others wrote.

    With it this checkout leases positions of each experiment for days ahead, and takes up what
    the team decided: it ends serving, and the promoted text comes by git.

    Each line once, whatever is cut off in between; run it again at any time. It also runs by
    itself, every few minutes while trials come, in a process that nobody waits for. What is not
    signed by a machine that counts, or does not fit, stays outside and is told.
    """
    opened = workspace(place)
    restored: tuple[str, ...] = ()
    if restore:
        with opened_member(opened) as member:
            restored = restore_all(opened, member, experiments)
    try:
        shared = share_now(opened, experiments)
    except LockedError as error:
        if not background or isinstance(error, HeldStoreError):
            raise
        return Result(StoreExchange("", (), {}, {}, (), ()), lines("Another process is at it."))
    done = shared.exchanged
    return Result(
        done,
        exchange_page(done),
        narration=narrated((*restored, *shared.notes)),
        exit_code=1 if any(item.refused for item in done.experiments) else 0,
    )


command = ship_verb
