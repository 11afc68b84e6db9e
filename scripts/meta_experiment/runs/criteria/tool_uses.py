"""Criteria of the tools that an agent used."""

from __future__ import annotations

from meta_experiment.errors import cite
from meta_experiment.runs.criteria import bounded
from meta_experiment.runs.criteria.in_text import found_times
from meta_experiment.runs.criteria.run_work import Ruling, RunWork
from meta_experiment.types.cases import Criterion


def used(criterion: Criterion, work: RunWork) -> Ruling:
    """Count the uses of the target; where no bound is said, one is enough."""
    uses = [place for place, name in enumerate(work.tools) if name == criterion.target]
    pattern = criterion.options.get("input")
    if pattern is not None:
        if work.inputs is None:
            return Ruling(None, "what the tools were given is not known")
        try:
            found = found_times(str(pattern), "", [work.inputs[place] for place in uses])
        except bounded.NoAnswerError as failure:
            return Ruling(None, f"the pattern {failure}")
        uses = [place for place, times in zip(uses, found, strict=True) if times]
    most = criterion.options.get("max")
    least = criterion.options.get("min", 1 if most is None else 0)
    passed = _between(len(uses), least, most)
    return Ruling(passed, "" if passed else f"used {len(uses):,} times")


def _between(number: int, least: object, most: object) -> bool:
    enough = not isinstance(least, int) or number >= least
    return enough and (not isinstance(most, int) or number <= most)


def in_order(criterion: Criterion, work: RunWork) -> Ruling:
    """Ask for the target's first use before that of the other tool; both must be used."""
    later = str(criterion.options["before"])
    for name in (criterion.target, later):
        if name not in work.tools:
            return Ruling(passed=False, detail=f"{cite(name)} was not used")
    passed = work.tools.index(criterion.target) < work.tools.index(later)
    return Ruling(passed, "" if passed else f"{cite(later)} was used first")
