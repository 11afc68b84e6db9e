"""Page of `cases split`."""

from __future__ import annotations

from meta_experiment.render import words
from meta_experiment.render.blocks import Heading, Notes, Page
from meta_experiment.types.results.case_split import CaseSplit


def case_split_page(done: CaseSplit) -> Page:
    """Show where the parts are, and what keeps them apart."""
    title = f"{words.counted(done.tuning, 'case')} for tuning, {done.held_out:,} held out"
    notes = (
        f"Tune on {done.file}; decide by a new experiment: run ID --holdout {done.name}",
        f"{done.source} still holds all of them: remove it, or keep it from whoever tunes.",
    )
    return ((Heading(title), Notes(notes)),)
