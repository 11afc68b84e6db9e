"""`pause`: stop assigning new units; trials under way may still be recorded."""

from __future__ import annotations

from meta_experiment.cli.moved import moving_verb
from meta_experiment.services.acting import lifecycle

command = moving_verb(
    "pause",
    "Stop assigning new units; trials under way may still be recorded.",
    lifecycle.pause,
)
