"""`store check`: does the store have what is here, and is here what it has?"""

from __future__ import annotations

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.health import findings
from meta_experiment.services.teams.checking_store import check_store
from meta_experiment.services.teams.store_address import opened_member


@verb(example="meta-experiment store check --json")
def check_verb(place: Place) -> Result:
    """Hold everything that the team's store has against everything that is here.

    Owner, machines, plans, each signature, and every byte of every log. It reads all and
    changes nothing; exit code 1 when something is wrong.
    """
    opened = workspace(place, settled=False)
    with opened_member(opened) as member:
        report = check_store(opened, member)
    return Result(report, findings(report), exit_code=0 if report.healthy else 1)


command = check_verb
