"""`archive`: take an experiment that has ended off the board; its data stay."""

from __future__ import annotations

from meta_experiment.cli.status_change import change_verb
from meta_experiment.services.acting import lifecycle

command = change_verb(
    "archive",
    "Take an experiment that has ended off the board; its data stay.",
    lifecycle.archive,
)
