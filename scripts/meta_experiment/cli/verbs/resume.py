"""`resume`: go on after a pause, or after an end without a decision."""

from __future__ import annotations

from meta_experiment.cli.status_change import change_verb
from meta_experiment.services.acting import lifecycle

command = change_verb(
    "resume", "Go on after a pause, or after an end without a decision.", lifecycle.resume
)
