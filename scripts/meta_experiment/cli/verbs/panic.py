"""`panic`: every file back, every experiment paused."""

from __future__ import annotations

from meta_experiment.cli.frame import Place, Result, Screen, verb
from meta_experiment.cli.open import workspace
from meta_experiment.model.result_document import to_document
from meta_experiment.services.health import recovery


@verb(example="meta-experiment panic")
def panic_verb(place: Place, screen: Screen) -> Result:
    """Finish or undo what is half done and pause every running experiment.

    Promoted files stay: they are in nobody's experiment any more (see rollback).
    """
    del screen
    done = recovery.panic(workspace(place))
    text = "\n".join(done.done) or "Nothing was running; nothing had to be done."
    return Result(to_document(done), text)


command = panic_verb
