"""Ledgers of several sources as one: a union of attempts, the same in any order of arrival."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace

from meta_experiment.workflows.state.ledger import Counts, CountStatement, LedgerRun, RunLedger


def merged(ledgers: Iterable[RunLedger]) -> RunLedger:
    """Return the union of ledgers; what several of them have stands in it once."""
    parts = list(ledgers)
    sightings: dict[str, list[LedgerRun]] = {}
    for part in parts:
        for run in part.runs:
            sightings.setdefault(run.run_id, []).append(run)
    runs = [run for seen in sightings.values() for run in _attempts(seen)]
    stated = {_of_statement(item): item for part in parts for item in part.stated}
    bad = dict.fromkeys(item for part in parts for item in part.bad)
    return RunLedger(
        runs=tuple(sorted(runs, key=_place)),
        stated=tuple(stated[key] for key in sorted(stated)),
        uncounted=_highest(part.uncounted for part in parts),
        bad=tuple(bad),
    )


def attempts(ledger: RunLedger) -> dict[str, list[LedgerRun]]:
    """Return the attempts of each run, the latest last."""
    found: dict[str, list[LedgerRun]] = {}
    for run in ledger.runs:
        found.setdefault(run.run_id, []).append(run)
    for same in found.values():
        if len(same) > 1:
            same.sort(key=lambda run: (run.attempt or 0, *_place(run)))
    return found


def cut_off(ledger: RunLedger, experiment: str) -> dict[str, int]:
    """Return the runs of an experiment that are counted by variant and known in no other way.

    Of what a statement counts, the runs that are listed from before its moment are known. The
    statements of one ledger at several times leave the same runs over, and the later one those
    that were never seen, so that the highest number is the right one.
    """
    listed: dict[str, list[float]] = {}
    for run in ledger.runs:  # in the order of time, those without one first
        at = run.at if run.at is not None else -math.inf
        listed.setdefault(run.assignments.get(experiment, ""), []).append(at)
    highest: dict[str, int] = {}
    for item in ledger.stated:
        before = math.inf if item.before is None else item.before
        for variant, number in item.counts.get(experiment, {}).items():
            beyond = number - bisect_left(listed.get(variant, []), before)
            highest[variant] = max(beyond, highest.get(variant, 0))
    return {variant: number for variant, number in highest.items() if number > 0}


def _attempts(seen: Sequence[LedgerRun]) -> list[LedgerRun]:
    """Tell the attempts of one run apart, by their numbers where known, else by their times.

    What is known of some variants alone is no attempt of its own where another has the same.
    """
    if len(seen) == 1:
        return list(seen)
    exact: dict[tuple[object, ...], LedgerRun] = {}
    for run in seen:
        key = (run.at, _variants(run))
        exact[key] = _fuller(run, exact[key]) if key in exact else run
    told: list[LedgerRun] = []
    for run in sorted(exact.values(), key=lambda one: (one.at is None, _place(one))):
        same = [one for one in told if run.at in (None, one.at) and _agree(one, run)]
        if not same:
            told.append(run)
        elif len(same) == 1:
            told[told.index(same[0])] = _fuller(same[0], run)
    return told


def _agree(one: LedgerRun, other: LedgerRun) -> bool:
    """Say whether two sightings have the same variant of every experiment that both know."""
    return all(
        one.assignments.get(name, variant) == variant
        for name, variant in other.assignments.items()
    )


def _fuller(run: LedgerRun, other: LedgerRun) -> LedgerRun:
    """Return two sightings of one attempt as one, whichever came first."""
    first, second = sorted((run, other), key=_fullness, reverse=True)
    numbers = [one.attempt for one in (run, other) if one.attempt is not None]
    return replace(
        first,
        assignments={**second.assignments, **first.assignments},
        attempt=max(numbers, default=None),
        harness=first.harness or second.harness,
    )


def _fullness(run: LedgerRun) -> tuple[bool, int, str]:
    return (
        run.at is not None,
        len(run.more),
        repr((run.timestamp, run.harness, sorted(run.more.items()))),
    )


def _variants(run: LedgerRun) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(run.assignments.items()))


def _place(run: LedgerRun) -> tuple[float, str, tuple[tuple[str, str], ...]]:
    return run.at if run.at is not None else -math.inf, run.run_id, _variants(run)


def _of_statement(item: CountStatement) -> tuple[float, str]:
    before = math.inf if item.before is None else item.before
    return before, repr(sorted((name, sorted(of.items())) for name, of in item.counts.items()))


def _highest(counts: Iterable[Counts]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for name, variant, number in (
        (name, variant, number)
        for part in counts
        for name, variants in part.items()
        for variant, number in variants.items()
    ):
        known = found.setdefault(name, {})
        known[variant] = max(number, known.get(variant, 0))
    return found
