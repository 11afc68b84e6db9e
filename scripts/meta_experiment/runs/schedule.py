"""The order of runs: cases shuffled anew for every repeat, variants shuffled in every block.

It follows from the seed alone, so that a run that was killed goes on where it stopped, and no
variant comes always first. Every repeat goes through all cases before the next begins: cases
are evidence, repeats only sharpen them.
"""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.assign.uniform import shuffled
from meta_experiment.types.runs import RunBlock


def schedule(
    seed: int, case_ids: Sequence[str], variants: Sequence[str], repeats: int
) -> tuple[RunBlock, ...]:
    """Return all blocks in their order; the cases as they are listed do not change it."""
    cases = sorted(case_ids)
    arms = list(range(len(variants)))
    return tuple(
        RunBlock(
            cases[place],
            repeat,
            tuple(variants[arm] for arm in shuffled(arms, seed, "arms", cases[place], repeat)),
        )
        for repeat in range(1, repeats + 1)
        for place in shuffled(list(range(len(cases))), seed, "cases", repeat)
    )
