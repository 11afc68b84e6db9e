"""Runs that a source gives, of arms on cases, and an account of all that was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.sources.results.wording import listed
from meta_experiment.types import TrialStatus

NO_NUMBER = "no number where one was expected"
OTHER_UNIT = "in a unit that the metric does not have"
OUT_OF_RANGE = "outside what the metric can be"
NOT_GRADED = "not graded"
ZERO_UNMEASURED = "a zero that was never measured"
NO_ARM = "names no arm"
NO_CASE = "names no case"
COPIED = "in a second folder of the same case"
NO_CASES = (
    "Nothing names the case of a run, so that every run stands for itself and arms are "
    "compared as independent."
)


@dataclass(frozen=True, slots=True)
class Run:
    """Run of one arm on one case; `index` counts the repeats (0, 1, …).

    `case` None is a run that belongs to no case, so that it stands for itself. A metric
    that is missing is absent, never zero. `at` is in seconds since the epoch. `words` are
    what a grader wrote of this very run, `covariates` what was known before it.
    """

    arm: str
    case: str | None
    index: int
    metrics: Mapping[str, float]
    status: TrialStatus = TrialStatus.OK
    at: float | None = None
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    words: frozenset[str] = frozenset()
    covariates: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportedTrials:
    """All runs of one source.

    `identity` is the SHA-256 (hex) of the bytes that were read. `case_names` says what the
    cases are called where they also have a number. `excluded` counts what was left out, by
    reason; every assumption stands in `notes`. `at` is when the source says it was made.
    """

    kind: str
    name: str
    identity: str
    runs: tuple[Run, ...]
    excluded: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    case_names: Mapping[str, str] = field(default_factory=dict)
    title: str | None = None
    at: float | None = None

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms in the order of their first run."""
        return tuple(dict.fromkeys(run.arm for run in self.runs))


class Ledger:
    """Account of what reading a source leaves out and assumes, kept while it is read."""

    def __init__(self) -> None:
        self.excluded: Counter[str] = Counter()
        self.counted: Counter[str] = Counter()
        self._notes: dict[str, None] = {}
        self._ignored: Counter[str] = Counter()
        self.rejected: dict[str, None] = {}

    def exclude(self, reason: str, count: int = 1) -> None:
        """Count something that was left out."""
        self.excluded[reason] += count

    def reject(self, reason: str, example: str = "") -> None:
        """Count a value that was left out for what it is, with an example of it."""
        self.exclude(reason)
        self.rejected[example or reason] = None
        if example:
            self.note(f"{example}; it was left out.")

    def note(self, sentence: str) -> None:
        """Keep an assumption; the same sentence stands once."""
        self._notes[sentence] = None

    def count(self, sentence: str) -> None:
        """Count how many runs a sentence holds for; it becomes a note with that number."""
        self.counted[sentence] += 1

    def unmeasured(self, arm: str) -> None:
        """Remember a run of an arm that came without any result."""
        self.count(
            f"a run of {arm} has no result. It is recorded as interrupted, because an arm that "
            "loses more of its runs than the other is a warning."
        )

    def ignore(self, field_name: str) -> None:
        """Remember a number that stands for no metric known here."""
        self._ignored[field_name] += 1

    def notes(self) -> tuple[str, ...]:
        """Return all that was assumed, in the order in which it came up."""
        sentences = [*self._notes]
        sentences += [f"{number} × {sentence}" for sentence, number in self.counted.items()]
        if self._ignored:
            names = listed(sorted(self._ignored))
            sentences.append(f"Numbers that stand for no known metric: {names}.")
        return tuple(sentences)
