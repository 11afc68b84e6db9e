"""`telemetry`: what is on record, told to a collector or a file."""

from __future__ import annotations

from meta_experiment.cli.groups import Noun

command = Noun(
    "telemetry",
    "Tell a collector or a file of assignments, exposures, trials and decisions.",
    {"export": "meta_experiment.cli.verbs.telemetry.telemetry_export:command"},
)
