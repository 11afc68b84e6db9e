"""Pages of `runs pack` and `runs take`."""

from __future__ import annotations

from collections.abc import Iterator

from meta_experiment.render import words
from meta_experiment.render.blocks import Page, lines
from meta_experiment.types.results.run_parts import PackedRuns, TakenRuns

_UNSEALED = "without a seal, so that it is taken in by --admit alone"


def packed_page(done: PackedRuns) -> Page:
    """Say what is in the file."""
    sealed = "sealed" if done.is_sealed else _UNSEALED
    runs = words.counted(done.runs, "ended run")
    return lines(f"{done.path} holds {runs} of {done.experiment_id}, {sealed}.")


def taken_page(done: TakenRuns) -> Page:
    """Say what came of each part, and what is next."""
    return lines(*_sentences(done))


def _sentences(done: TakenRuns) -> Iterator[str]:
    for part in done.parts:
        share = f" (share {part.share})" if part.share else ""
        seal = "" if part.is_sealed else "; admitted without a seal"
        known = f", {part.known:,} were here" if part.known else ""
        runs = words.counted(part.new, "run")
        yield f"{part.path}{share}: {runs} taken in{known}{seal}."
    name = done.experiment_id
    yield f"{name} has {words.counted(done.runs, 'ended run')} here."
    if done.pledged:
        many = words.counted(len(done.pledged), "share")
        yield f"Of {many} nobody said how it ended: what it may have taken counts as spent."
    yield f"Next: meta-experiment run {name} --cases PATH --count-only"
