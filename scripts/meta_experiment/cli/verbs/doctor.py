"""`doctor`: would a prompt be served and observed in Claude Code here?"""

from __future__ import annotations

from meta_experiment.cli.frame import HEALTH_VERBS, Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.health import findings
from meta_experiment.services.health import doctor


@verb(example="meta-experiment doctor --json", kin=HEALTH_VERBS)
def doctor_verb(place: Place) -> Result:
    """Find out whether prompts can be served and observed in Claude Code here.

    Looks at the plugin, its hooks, serve-variant (which is really run, in a folder of its own),
    the interpreter, the client's settings, and every running experiment. Each finding comes
    with its fix; exit code 1 when something would keep a prompt from being served. For the
    installation and the registry themselves: check.
    """
    report = doctor.examine(workspace(place, settled=False))
    return Result(
        report,
        findings(report),
        exit_code=0 if report.healthy else 1,
    )


command = doctor_verb
