"""Results of packing runs as one file, and of taking such files in."""

from __future__ import annotations

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class PackedRuns:
    """A part: where it is, how many ended runs and files are in it, whether it is sealed."""

    experiment_id: str
    path: str
    runs: int
    files: int
    is_sealed: bool


@dataclass(frozen=True, slots=True)
class TakenPart:
    """A part that was taken in: which share it is, how many of its runs were new, or known."""

    path: str
    share: str
    new: int
    known: int
    is_sealed: bool


@dataclass(frozen=True, slots=True)
class TakenRuns:
    """All parts that were taken in, and how many ended runs there are now.

    `pledged` is what shares may have taken of which nobody heard how they ended, in US dollars;
    None where they had another cap.
    """

    experiment_id: str
    parts: tuple[TakenPart, ...]
    pledged: tuple[float | None, ...]
    runs: int
