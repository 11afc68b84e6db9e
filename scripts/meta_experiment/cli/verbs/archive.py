"""`archive`: take an experiment that has ended off the board; its data stay."""

from __future__ import annotations

from meta_experiment.cli.moved import moving_verb
from meta_experiment.services.acting import lifecycle

command = moving_verb(
    "archive",
    "Take an experiment that has ended off the board; its data stay.",
    lifecycle.archive,
)
