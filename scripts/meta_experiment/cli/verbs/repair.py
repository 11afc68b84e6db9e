"""`repair`: make anew what is derived, and say what cannot be."""

from __future__ import annotations

from meta_experiment.cli.frame import HEALTH_VERBS, Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.health import repaired
from meta_experiment.services.health import repairing


@verb(example="meta-experiment repair", kin=HEALTH_VERBS)
def repair_verb(place: Place) -> Result:
    """Do what recover does, then make summaries, board, index and ignore rules anew.

    Texts that are gone come back where the same bytes are kept elsewhere. Damaged lines are
    copied aside; trial logs and history are evidence and never rewritten. Exit code 1 when
    verify still finds something, which is then named.
    """
    done = repairing.repair(workspace(place, settled=False))
    return Result(done, repaired(done), exit_code=1 if done.left else 0)


command = repair_verb
