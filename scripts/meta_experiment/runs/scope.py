"""Which cases may run at the same time, by what they say they work on.

A case that names neither files nor needs is in nobody's way. Two that can touch the same path,
or need the same thing, run one after the other; so do two runs of one such case. What needs `*`
runs alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

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
    scopes: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = {}
    for place, case in enumerate(cases):
        scopes.setdefault((case.files, case.needs), []).append(place)
    kinds = list(scopes.values())  # those of one kind are in the same cases' way
    against = _conflicts([cases[places[0]] for places in kinds])
    kind_of = {place: kind for kind, places in enumerate(kinds) for place in places}
    in_the_way = [
        sum(len(kinds[other]) for other in found) - (kind in found)
        for kind, found in enumerate(against)
    ]
    taken: list[set[int]] = [set() for _ in kinds]
    free = [0] * len(kinds)  # the first group that one may join
    group: dict[int, int] = {}
    for place in sorted(range(len(cases)), key=lambda place: -in_the_way[kind_of[place]]):
        kind = kind_of[place]
        while free[kind] in taken[kind]:
            free[kind] += 1
        group[place] = free[kind]
        for other in against[kind]:
            taken[other].add(group[place])
    joined: dict[int, list[str]] = {}
    for place, case in enumerate(cases):
        joined.setdefault(group[place], []).append(case.case_id)
    return tuple(tuple(joined[number]) for number in sorted(joined))


def bundles(cases: Sequence[Case]) -> tuple[tuple[str, ...], ...]:
    """Part cases into groups, by their ids, of which no two conflict; each as small as can be.

    Groups come in the order of their first case.
    """
    against, group = _conflicts(cases), dict[int, int]()
    for first in range(len(cases)):
        reached = [] if first in group else [first]
        while reached:
            place = reached.pop()
            if place not in group:
                group[place] = first
                reached += against[place]
    joined: dict[int, list[str]] = {}
    for place, case in enumerate(cases):
        joined.setdefault(group[place], []).append(case.case_id)
    return tuple(map(tuple, joined.values()))


def _conflicts(cases: Sequence[Case]) -> list[set[int]]:
    """Return for each case the places of those that it conflicts with, itself perhaps.

    What has wildcards, or needs everything, is compared with every case; of the rest those
    meet that need the same, or name a path that lies in one that another names.
    """
    sharing: dict[tuple[str, ...], list[int]] = {}
    for place, case in enumerate(cases):
        for key in _shared(case):
            sharing.setdefault(key, []).append(place)
    against: list[set[int]] = [set() for _ in cases]
    for place, case in enumerate(cases):
        if ALL in case.needs or any(map(globs.has_wildcard, case.files)):
            found = {other for other, one in enumerate(cases) if conflict(case, one)}
        else:
            keys = [key[:length] for key in _shared(case) for length in range(2, len(key) + 1)]
            found = {other for key in keys for other in sharing.get(key, ())}
        against[place] |= found
        for other in found:
            against[other].add(place)
    return against


def _shared(case: Case) -> Iterator[tuple[str, ...]]:
    """Yield what a case needs, and the names of its paths from the top."""
    yield from (("need", need) for need in case.needs)
    yield from (("file", *path.removesuffix("/").split("/")) for path in case.files)
