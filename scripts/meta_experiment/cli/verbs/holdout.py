"""`holdout`: after a promotion a share keeps the old version, and says what that is worth."""

from __future__ import annotations

import click

from meta_experiment.cli.frame import Place, Result, Screen, narrated, verb
from meta_experiment.cli.open import workspace
from meta_experiment.errors import RefusedError
from meta_experiment.render.holdout import holdout
from meta_experiment.services.acting.holdout_view import holdout_view
from meta_experiment.services.planning import holdout_launch
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Status
from meta_experiment.types.results.holdout import HoldoutAnswer


@verb(example="meta-experiment holdout exp-2026-01-31-review --share 20", changes=True)
@click.argument("experiment_id", metavar="ID")
@click.option(
    "--share",
    type=click.FloatRange(1, 50),
    metavar="PCT",
    help="How many per cent keep the old version [20].",
)
@click.option(
    "--days",
    type=click.FloatRange(1, 3650),
    metavar="DAYS",
    help="Its last day, if nothing ends it before [90].",
)
@click.option(
    "--auto/--no-auto",
    default=None,
    help="Roll back by itself what is shown to be reversed [as the experiment was planned].",
)
def holdout_verb(
    place: Place,
    screen: Screen,
    experiment_id: str,
    share: float | None,
    days: float | None,
    auto: bool | None,
    dry_run: bool,
    yes: bool,
) -> Result:
    """Keep a share on the old version after a promotion, and watch whether it holds.

    Only what is used after the launch counts. Three answers, each right at every look: still
    better, reversed, decayed. It ends by itself once it is answered, on its last day, or when
    the model changes; git sees nothing of it. Before the launch it says how many uses each
    answer takes, and a terminal is asked; without one it takes --share or --yes. Once there is
    one, this verb shows it; an option launches another after it has ended.
    """
    opened = workspace(place, settled=not dry_run)
    request = holdout_launch.HoldoutRequest(None if share is None else share / 100, days, auto)
    known = holdout_launch.launched_before(opened, experiment_id)
    if known is None or request.asks or dry_run:
        agreed = not dry_run and (yes or share is not None)
        done = _launched(opened, experiment_id, request, screen, dry_run=dry_run, agreed=agreed)
    elif known.status is Status.DRAFT:
        done = holdout_launch.resumed(opened, known)
    else:
        done = holdout_view(opened, known)
    return Result(done, holdout(done), narration=narrated(done.notes))


def _launched(
    opened: Workspace,
    experiment_id: str,
    request: holdout_launch.HoldoutRequest,
    screen: Screen,
    *,
    dry_run: bool,
    agreed: bool,
) -> HoldoutAnswer:
    """Launch a holdout that was agreed to; else say what it takes, and ask where one can.

    Raises:
        RefusedError: the person said no. Else as `holdout_launch.launch`.
    """
    if not agreed:
        beforehand = holdout_launch.launch(opened, experiment_id, request, preview=True)
        if dry_run or not screen.interactive:
            return beforehand
        screen.write(holdout(beforehand), err=True)
        if not click.confirm("Launch it?", err=True):
            raise RefusedError("Nothing was launched.")
    return holdout_launch.launch(opened, experiment_id, request, preview=False)


command = holdout_verb
