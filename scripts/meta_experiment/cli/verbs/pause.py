"""`pause`: stop assigning new units; trials under way may still be recorded."""

from __future__ import annotations

from meta_experiment.cli.status_change import change_verb
from meta_experiment.services.acting import lifecycle

command = change_verb(
    "pause",
    "Stop assigning new units; trials under way may still be recorded.",
    lifecycle.pause,
)
