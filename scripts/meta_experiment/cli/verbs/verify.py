"""`verify`: does everything that is stored agree, byte for byte?"""

from __future__ import annotations

from meta_experiment.cli.frame import HEALTH_VERBS, Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.health import findings
from meta_experiment.services.health import verifying


@verb(example="meta-experiment verify --json", kin=HEALTH_VERBS)
def verify_verb(place: Place) -> Result:
    """Hold registry, logs, summaries, variants and backups against each other by checksums.

    Reads every stored byte and changes nothing; exit code 1 when something is wrong.
    """
    report = verifying.verify(workspace(place, settled=False))
    return Result(report, findings(report), exit_code=0 if report.healthy else 1)


command = verify_verb
