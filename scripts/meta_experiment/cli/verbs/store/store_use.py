"""`store use`: join a team's project, and use its store from now on."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.team_store import use_page
from meta_experiment.services.teams.taking_into_use import StoreRequest, use_store


@verb(
    example="meta-experiment store use postgresql://ann@db.example.org/team --create\n"
    "  meta-experiment store use --url-command 'pass show team-store' --project review"
)
@click.argument("url", metavar="[URL]", required=False)
@click.option("--project", metavar="NAME", help="In the store [owner/name of the git remote].")
@click.option(
    "--url-command",
    metavar="COMMAND",
    help="A program that prints the address.",
)
@click.option("--name", metavar="NAME", help="Of this machine, for people [its host name].")
@click.option("--create", is_flag=True, help="Make the project; this machine owns it then.")
@click.option("--anew", is_flag=True, help="It is meant to be another store than before.")
@click.option(
    "--ship-only",
    is_flag=True,
    help="Take no trials of others: for one of many machines that needs no board.",
)
def use_verb(
    place: Place,
    url: str | None,
    project: str | None,
    url_command: str | None,
    name: str | None,
    create: bool,
    anew: bool,
    ship_only: bool,
) -> Result:
    """Join a team's project, and let this checkout exchange trials through its store.

    The first makes the project (--create) and owns it: the owner admits machines, and the
    owner's key is pinned here. A password in the address is never kept: leave it to
    PGPASSFILE or PGSERVICE, to META_EXPERIMENT_STORE, or to a program that prints the address.
    Experiments take part whose plans name a team (create --team BRANCH).
    """
    request = StoreRequest(url, url_command or "", project, name, create, anew, ship_only)
    done = use_store(workspace(place), request)
    return Result(done, use_page(done))


command = use_verb
