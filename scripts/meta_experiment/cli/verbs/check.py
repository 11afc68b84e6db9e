"""`check`: is this installation and this registry healthy?"""

from __future__ import annotations

from meta_experiment.cli.frame import HEALTH_VERBS, Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.health import findings
from meta_experiment.services.health import checking


@verb(example="meta-experiment check --json", kin=HEALTH_VERBS)
def check_verb(place: Place) -> Result:
    """Check interpreter, packages, git, permissions, registry, stored variants and logs."""
    report = checking.check(workspace(place, settled=False))
    return Result(
        report,
        findings(report),
        exit_code=0 if report.healthy else 1,
    )


command = check_verb
