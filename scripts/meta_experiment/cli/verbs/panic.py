"""`panic`: every file back, every experiment paused."""

from __future__ import annotations

from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.cli.open import workspace
from meta_experiment.render.blocks import lines
from meta_experiment.services.health import recovery


@verb(example="meta-experiment panic")
def panic_verb(place: Place) -> Result:
    """Finish or undo what is half done and pause every running experiment.

    Promoted files stay: they are in nobody's experiment any more (see rollback).
    """
    done = recovery.panic(workspace(place))
    quiet = "Nothing was running; nothing had to be done."
    return Result(done, lines(*done.done or [quiet]))


command = panic_verb
