"""Result of `cases mine`: what the past gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from meta_experiment.records import dataclass
from meta_experiment.types.cases import Case, CaseOrigin, CommitSource
from meta_experiment.types.field_marks import ASIDE


class LeftOutReason(StrEnum):
    """Reason why a past use became no case; of several, the first."""

    ELSEWHERE = "elsewhere"
    NO_COMMIT = "no_commit"
    PICTURES = "pictures"
    LATER = "later"
    DIRTY = "dirty"
    GUESSED = "guessed"
    LONG = "long"
    LIMIT = "limit"


UNSURE = (LeftOutReason.LATER, LeftOutReason.DIRTY, LeftOutReason.GUESSED)
"""Reasons against uses that can be run again, though not just as it was."""


@dataclass(frozen=True, slots=True)
class MinedCase:
    """Case as it was made of a past use, without what was typed."""

    id: str
    commit: str
    origin: CaseOrigin


@dataclass(frozen=True, slots=True)
class MiningResult:
    """Cases made of past uses: of so many uses, so many can be run again, the others why not.

    `file` is empty where nothing was written. `commits_by` counts the cases by how their commit
    was found, `unclear` those of which nothing tells whether all was committed; `conversations`
    of them go on in what was said before; from `cut` of them secrets were cut.
    """

    name: str
    uses: int
    replayable: int
    left_out: Mapping[LeftOutReason, int]
    commits_by: Mapping[CommitSource, int]
    unclear: int
    cut: int
    file: str
    transcripts: int
    transcripts_left_out: int
    cases: tuple[MinedCase, ...]
    conversations: int = 0
    whole: tuple[Case, ...] = field(default=(), metadata=ASIDE)
    histories: Mapping[str, bytes] = field(default_factory=dict, metadata=ASIDE)
