"""Result of `help`: what is explained."""

from __future__ import annotations

from enum import StrEnum

from meta_experiment.records import dataclass


class ManualSort(StrEnum):
    """Sort of a word that is explained."""

    VERB = "verb"
    NOUN = "noun"
    REASON_CODE = "reason code"
    ERROR_KIND = "error kind"
    METRIC = "metric"
    VARIABLE = "environment variable"
    EXIT_CODE = "exit code"
    DECISION = "decision"
    STATUS = "status"
    WORD = "word"
    OPTION = "option"


@dataclass(frozen=True, slots=True)
class ManualTerms:
    """Words under a title, each with what is said of it."""

    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ManualEntry:
    """Explanation of one word: what it is in a sentence, how it is typed, what to do."""

    name: str
    sort: ManualSort
    summary: str
    usage: str = ""
    about: tuple[str, ...] = ()
    terms: tuple[ManualTerms, ...] = ()
    example: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manual:
    """Explanations of what was asked for; without a word those of all there are, in short."""

    topic: str
    entries: tuple[ManualEntry, ...]
