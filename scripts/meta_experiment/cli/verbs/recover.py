"""`recover`: finish or undo what a crash left half done."""

from __future__ import annotations

from meta_experiment.cli.frame import HEALTH_VERBS, Place, Result, Screen, verb
from meta_experiment.cli.open import workspace
from meta_experiment.model.result_document import to_document
from meta_experiment.services.health import recovery
from meta_experiment.types.results.recovery import Recovery

_NOTHING = "Nothing to recover (damage: verify; not served: doctor)."


@verb(example="meta-experiment recover", kin=HEALTH_VERBS)
def recover_verb(place: Place, screen: Screen) -> Result:
    """Finish or undo interrupted changes, and bring a damaged registry back.

    Every other verb does the first part by itself; this one says what it found.
    """
    del screen
    lines = recovery.recover(workspace(place, settled=False))
    return Result(to_document(Recovery(lines)), "\n".join(lines) or _NOTHING)


command = recover_verb
