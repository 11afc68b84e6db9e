"""Runs that stand in two sources: carried over from one to the other, and still one run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from meta_experiment.sources.results.imported import Run
from meta_experiment.sources.results.run_identity import is_fine, same_measurements

_ENOUGH = 80  # characters that two runs do not have in common by chance
_ROUNDING = 0.011

Key = tuple[str, str, int | frozenset[str]]  # case, metric, and its value or words


def copies(earlier: Sequence[Run], later: Sequence[Run]) -> dict[int, int]:
    """Return the place of the earlier run for each later one that is the same run, by place.

    A run is known by its time and tokens, which a source may have rounded, or by the words
    that its grader found for it. Phrases that a grader uses twice in one source say nothing.
    """
    phrases = _phrases(earlier), _phrases(later)
    known: dict[Key, list[int]] = {}
    for place, run in enumerate(earlier):
        for key in _keys(run, phrases[0]):
            known.setdefault(key, []).append(place)
    found: dict[int, int] = {}
    taken: set[int] = set()
    for place, run in enumerate(later):
        near = (one for key in _near(run, phrases[1]) for one in known.get(key, ()))
        same = next(
            (one for one in near if one not in taken and _same(earlier[one], run, phrases)),
            None,
        )
        if same is not None:
            taken.add(same)
            found[place] = same
    return found


def _keys(run: Run, phrases: frozenset[str]) -> Iterator[Key]:
    """Yield what a run that is the same must have: nearly these values, or these words."""
    if run.case is None:
        return
    for name, value in run.metrics.items():
        if is_fine(name):
            yield run.case, name, math.floor(value)
    yield run.case, "", run.words - phrases


def _near(run: Run, phrases: frozenset[str]) -> Iterator[Key]:
    for case, name, value in _keys(run, phrases):
        if isinstance(value, int):
            yield from ((case, name, value + step) for step in (0, -1, 1))
        elif value:
            yield case, name, value


def _same(one: Run, other: Run, phrases: Sequence[frozenset[str]]) -> bool:
    if same_measurements(one.metrics, other.metrics):
        return True
    ours, theirs = one.words - phrases[0], other.words - phrases[1]
    alike = ours == theirs and sum(map(len, ours)) >= _ENOUGH
    return alike and not _differ(one.metrics, other.metrics)


def _differ(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    shared = one.keys() & other.keys()
    return any(
        abs(one[name] - other[name]) > _ROUNDING * max(1.0, abs(one[name])) for name in shared
    )


def _phrases(runs: Sequence[Run]) -> frozenset[str]:
    counts = Counter(text for run in runs for text in run.words)
    return frozenset(text for text, count in counts.items() if count > 1)
