"""`store admit`: whose trials count in the project."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.team_store import admission_page
from meta_experiment.services.teams.removed_deciders import decisions_of
from meta_experiment.services.teams.store_address import opened_member
from meta_experiment.services.teams.team_joining import admit
from meta_experiment.types.results.team_store import StoreAdmission


@verb(example="meta-experiment store admit 1a2b3c4d5e6f7a8b")
@click.argument("machines", metavar="MACHINE...", nargs=-1, required=True)
@click.option("--remove", is_flag=True, help="Let them count no longer.")
@click.option("--here", is_flag=True, help="In this checkout alone, whatever the owner says.")
def admit_verb(place: Place, machines: tuple[str, ...], remove: bool, here: bool) -> Result:
    """Let the trials of machines count, by the beginning of their ids or by their names.

    The owner's word counts for all, under the owner's signature; anybody else can say it for
    their own checkout. Compare the fingerprint with what `store use` showed on the machine
    before: whoever can write to the store can join under any name.

    What a machine decided while it counted stays when it counts no longer.
    """
    opened = workspace(place)
    with opened_member(opened) as member:
        words = admit(opened, member, machines, remove=remove, here=here)
        gone = [item.machine for item in words] if remove and not here else []
        notes = decisions_of(opened, member, gone)
    done = StoreAdmission(member.setting.project, words, not remove, here, notes)
    return Result(done, admission_page(done))


command = admit_verb
