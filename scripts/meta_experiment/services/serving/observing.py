"""Sweep of what the live loop left to be done, and notes of what went wrong in it.

`status` passes here, so nothing is imported that a glance does not need.
"""

from __future__ import annotations

import os
from pathlib import Path

from meta_experiment.files.roots import Layout
from meta_experiment.model.instants import DAY
from meta_experiment.protocol import places
from meta_experiment.protocol.faults import Fault, faults_of
from meta_experiment.services.serving.neighbours import neighbour_notes


def sweep(layout: Layout, now: float) -> int:
    """Close the trials of sessions that are over; return how many. One listing when none."""
    try:
        with os.scandir(layout.local / "sessions") as entries:
            if next(entries, None) is None:
                return 0
    except OSError:
        return 0
    from meta_experiment.live import closing

    try:
        return closing.sweep(str(layout.root), now)
    except (OSError, ValueError):
        return 0  # what is open stays open for the next look


def notes(layout: Layout, now: float, client: Path) -> list[str]:
    """Say what keeps prompts from being served here, or went wrong within a day.

    `client` is the client's own folder.
    """
    found = fault_notes(layout, now)
    if layout.active_index.exists():
        from meta_experiment.services.serving.uncounted import uncounted_notes

        found += uncounted_notes(layout, client)
    return found + neighbour_notes(layout) + _home_notes(layout)


def fault_notes(layout: Layout, now: float) -> list[str]:
    """Say in one sentence that something went wrong within a day; two looks at the disk."""
    recent = _since(now - DAY, layout)
    if not recent:
        return []
    times = "once" if len(recent) == 1 else f"{len(recent):,} times"
    last = max(recent, key=lambda fault: fault.at)
    sentence = f"Serving or observing went wrong {times} within a day, last: {last.text[:200]}."
    return [f"{sentence} See: meta-experiment doctor"]


def _home_notes(layout: Layout) -> list[str]:
    """Say that experiments run on personal prompts, which no project's board shows."""
    try:
        roots = places.roots(places.data_folder(os.environ))
        homes = [item.path for item in roots if item.scope == places.USER]
        if not homes or homes[0] == str(layout.root):
            return []
        from meta_experiment.protocol import index

        count = sum(entry.running for entry in index.entries(homes[0]))
    except OSError:
        return []
    if not count:
        return []
    what = "1 experiment runs" if count == 1 else f"{count:,} experiments run"
    return [f"{what} on personal prompts. See: meta-experiment status --user"]


def _since(earliest: float, layout: Layout) -> list[Fault]:
    root, data = str(layout.root), places.data_folder(os.environ)
    logs = [places.faults_file(data), places.sealed_faults(root)]
    if not any(_modified(log) >= earliest for log in logs):
        return []
    return [fault for fault in faults_of(root, data) if fault.at >= earliest]


def _modified(path: str) -> float:
    try:
        return Path(path).stat().st_mtime
    except OSError:
        return 0.0
