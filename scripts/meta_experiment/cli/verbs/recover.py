"""`recover`: finish or undo what a crash left half done."""

from __future__ import annotations

from meta_experiment.cli.frame import HEALTH_VERBS, Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.blocks import lines
from meta_experiment.services.health import recovery
from meta_experiment.types.results.recovery import Recovery

_NOTHING = "Nothing to recover (damage: verify; not served: doctor)."


@verb(example="meta-experiment recover", kin=HEALTH_VERBS)
def recover_verb(place: Place) -> Result:
    """Finish or undo interrupted changes, and bring a damaged registry back.

    A registry that two branches changed, and whose merge git left open, is merged by
    experiment; one that a merge left out is registered again. None is lost.

    Every other verb does the first part by itself; this one says what it found.
    """
    done = recovery.recover(workspace(place, settled=False))
    return Result(Recovery(done), lines(*done or [_NOTHING]))


command = recover_verb
