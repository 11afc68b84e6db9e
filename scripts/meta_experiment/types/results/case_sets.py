"""Result of `cases check`: what a set of cases is."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class CaseSetResult:
    """A set of cases: how many there are, and what of their runs can be judged.

    `criteria` counts those of each kind. `judged` cases have a criterion that needs no one,
    `by_hand` ones that wait for a person or a model, `unjudged` none at all. `pinned` name a
    commit, of which this repository does not have those of `missing`.
    """

    path: str
    cases: int
    judged: int
    by_hand: int
    unjudged: int
    criteria: Mapping[str, int]
    pinned: int
    missing: tuple[str, ...]
    mined: int
    waves: tuple[tuple[str, ...], ...]
