"""Which cases may run at the same time, by what they say they work on.

A case that names neither files nor needs is in nobody's way. Two that can touch the same path,
or need the same thing, run one after the other; so do two runs of one such case. What needs `*`
runs alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meta_experiment.runs import globs
from meta_experiment.types.cases import Case

ALL = "*"  # the need of everything


def conflict(left: Case, right: Case) -> bool:
    """Tell whether two runs, of two cases or of one, must not happen at the same time."""
    if ALL in left.needs or ALL in right.needs:
        return True
    return not set(left.needs).isdisjoint(right.needs) or globs.overlap(left.files, right.files)


def may_run_with(case: Case, running: Iterable[Case]) -> bool:
    """Tell whether a run may begin beside those that are under way."""
    return not any(conflict(case, other) for other in running)


def waves(cases: Sequence[Case]) -> tuple[tuple[str, ...], ...]:
    """Part cases into groups, by their ids, within which none conflicts with another.

    Greedy colouring: the case with most conflicts first, those with as many in their order,
    each into the first group that it may join. Groups list their cases in the order given.
    """
    others: list[set[int]] = [set() for _ in cases]
    for place, case in enumerate(cases):
        for later in range(place + 1, len(cases)):
            if conflict(case, cases[later]):
                others[place].add(later)
                others[later].add(place)
    group: dict[int, int] = {}
    for place in sorted(range(len(cases)), key=lambda place: -len(others[place])):
        taken = {group[other] for other in others[place] if other in group}
        group[place] = next(number for number in range(len(cases)) if number not in taken)
    return tuple(
        tuple(case.case_id for place, case in enumerate(cases) if group[place] == number)
        for number in sorted(set(group.values()))
    )
