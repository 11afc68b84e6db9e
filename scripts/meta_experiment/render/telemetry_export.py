"""What was told to telemetry."""

from __future__ import annotations

from meta_experiment.render import words
from meta_experiment.render.blocks import Page, lines
from meta_experiment.types.results.telemetry_export import TelemetryExport


def telemetry_page(done: TelemetryExport) -> Page:
    """Show how many events went where, and what waits."""
    told = ", ".join(f"{many:,} {kind}" for kind, many in done.sent.items()) or "nothing new"
    said = [f"To {words.name(done.destination)}: {told}."]
    if done.waiting:
        why = words.one_line(done.reason or "")
        said.append(f"{words.counted(done.waiting, 'event')} wait for the next time. {why}")
    return lines(*said)
