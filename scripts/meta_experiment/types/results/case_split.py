"""Result of `cases split`: some cases for tuning, the others held out."""

from __future__ import annotations

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class CaseSplit:
    """Parts of a set of cases: `tuning` lie in `file`, `held_out` under `name`."""

    source: str
    name: str
    file: str
    tuning: int
    held_out: int
    seed: int
