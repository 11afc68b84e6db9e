"""Page of `runs export`."""

from __future__ import annotations

from meta_experiment.render import words
from meta_experiment.render.blocks import Page, lines
from meta_experiment.types.results.run_export import RunExport


def run_export_page(done: RunExport) -> Page:
    """Say what was written, and what stands under which name there."""
    one, other = words.name(done.treatment), words.name(done.control)
    said = [
        f"{done.runs:,} runs were written to {done.file}.",
        f"with_skill is {one}, without_skill {other}.",
    ]
    if done.left_out:
        said.append(f"{done.left_out:,} have no verdict and were left out.")
    return lines(*said)
