"""`resume`: go on after a pause, or after an end without a decision."""

from __future__ import annotations

from meta_experiment.cli.moved import moving_verb
from meta_experiment.services.acting import lifecycle

command = moving_verb(
    "resume", "Go on after a pause, or after an end without a decision.", lifecycle.resume
)
