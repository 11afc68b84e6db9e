"""How each check of the data stands; one that has seen nothing has not passed."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.types import Checks
from meta_experiment.types.results.report_standing import CheckName, CheckReading, CheckState


def health(checks: Checks) -> Iterator[CheckReading]:
    """Read every check, in the order of their telling."""
    lost, ran, late = checks.attrition, checks.fingerprint, checks.lateness
    for name, ok, seen, noted in (
        (CheckName.ASSIGNMENT, checks.srm.ok, checks.srm.p_anytime is not None, None),
        (CheckName.LOSSES, lost.ok, any(lost.exposed.values()), lost.reason),
        *(() if late is None else ((CheckName.LATENESS, late.ok, True, None),)),
        (CheckName.EXPOSURE, checks.exposure.ok, bool(checks.exposure.assigned), None),
        (CheckName.VERSIONS, ran.ok, bool(ran.models or ran.clients), None),
    ):
        state = CheckState.NOTED if noted else CheckState.PASSED
        if not ok:
            state = CheckState.FAILED
        elif not seen:
            state = CheckState.NOTHING_YET
        yield CheckReading(name, state)
