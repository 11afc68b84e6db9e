"""Runs that stand in two sources: carried over from one to the other, and still one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from meta_experiment.sources.identity import same_measurements
from meta_experiment.sources.imported import Run

_ENOUGH = 80  # characters that two runs do not have in common by chance
_ROUNDING = 0.011
_MOST = 100  # repeats of a case, each of which is compared with each


def copies(earlier: Sequence[Run], later: Sequence[Run]) -> dict[int, int]:
    """Return the place of the earlier run for each later one that is the same run, by place.

    A run is known by its time and tokens, which a source may have rounded, or by the words
    that its grader found for it. Phrases that a grader uses twice in one source say nothing.
    """
    phrases = [_phrases(earlier), _phrases(later)]
    by_case: dict[str, list[int]] = {}
    for place, run in enumerate(earlier):
        if run.case is not None:
            by_case.setdefault(run.case, []).append(place)
    found = {}
    for place, run in enumerate(later):
        alike = by_case.get(run.case or "", [])
        near = alike if len(alike) <= _MOST else ()
        same = next((one for one in near if _same(earlier[one], run, phrases)), None)
        if same is not None:
            alike.remove(same)
            found[place] = same
    return found


def _same(one: Run, other: Run, phrases: Sequence[frozenset[str]]) -> bool:
    if same_measurements(one.metrics, other.metrics):
        return True
    ours, theirs = one.words - phrases[0], other.words - phrases[1]
    told = ours == theirs and sum(map(len, ours)) >= _ENOUGH
    return told and not _differ(one.metrics, other.metrics)


def _differ(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    shared = one.keys() & other.keys()
    return any(
        abs(one[name] - other[name]) > _ROUNDING * max(1.0, abs(one[name])) for name in shared
    )


def _phrases(runs: Sequence[Run]) -> frozenset[str]:
    counts = Counter(text for run in runs for text in run.words)
    return frozenset(text for text, count in counts.items() if count > 1)
