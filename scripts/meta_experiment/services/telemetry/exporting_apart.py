"""Telemetry in a process of its own, where this machine's user has switched it on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from meta_experiment.files.interruption import held
from meta_experiment.files.pack import own_program
from meta_experiment.files.roots import Layout
from meta_experiment.live.apart import run_apart
from meta_experiment.types.telemetry import OTLP

SWITCH = "META_EXPERIMENT_TELEMETRY"  # `otlp`, or the path of a file


def export_apart(layout: Layout, environment: Mapping[str, str]) -> bool:
    """Start an export to where the user's environment says; return whether it began."""
    wanted = environment.get(SWITCH, "").strip()
    if wanted != OTLP and not wanted.startswith("/"):
        return False
    destination = ["--otlp"] if wanted == OTLP else [f"--out={wanted}"]
    log = layout.local / "telemetry.log"
    with (
        suppress(OSError),
        held(),
    ):  # a signal must not meet the second process before it is one
        verb = ["telemetry", "export", *destination]
        run_apart(str(layout.root), verb, str(log), own_program())
        return True
    return False
