"""What experiments taught: entries of `learnings.md`, and answers of `learn`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from meta_experiment.records import dataclass
from meta_experiment.types.analysis import Interval
from meta_experiment.types.vocabulary import (
    Decision,
    GuardrailState,
    ReasonCode,
    Status,
    Upshot,
)


@dataclass(frozen=True, slots=True)
class TextChange:
    """Change of texts: lines of the treatment that was ahead, and the SHA-256 of every arm."""

    lines_added: int
    lines_removed: int
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Happening:
    """What an experiment came to, as the program computed it.

    `effect` is that of `treatment`, a fraction, positive for better; `guardrails` are by
    METRIC:TREATMENT; `override` the words of who acted without evidence; `analysis` the SHA-256
    of the analysis all this is from.
    """

    status: Status
    decision: Decision | None
    reason_code: ReasonCode | None
    reason: str
    override: str | None
    treatment: str | None
    effect: float | None
    interval: Interval | None
    units: Mapping[str, int]
    days: float | None
    guardrails: Mapping[str, GuardrailState]
    excluded: int
    models: Mapping[str, int]
    clients: Mapping[str, int]
    analysis: str


@dataclass(frozen=True, slots=True)
class MetricFound:
    """What was learnt of the metric itself: mean and standard deviation of the control."""

    metric: str
    direction: str
    scale: str
    mean: float | None
    sd: float | None


@dataclass(frozen=True, slots=True)
class LaterFinding:
    """What was found of it after the entry was written: of a holdout, say."""

    date: str
    what: str
    finding: str


@dataclass(frozen=True, slots=True)
class EarlierWords:
    """What an entry said before it was written again, and of which analysis."""

    date: str
    judged: Upshot
    why: str
    next: str
    analysis: str | None


@dataclass(frozen=True, slots=True)
class Learning:
    """Entry of one experiment. `why` and `next` are the user's, the rest is the program's.

    `predicted` is the improvement that the hypothesis promised. `dropped` says that nobody
    will follow `next`, `taken_up_by` which experiment does. `edited` says that what the program
    wrote was changed since, or cannot be read.
    """

    experiment_id: str
    date: str
    files: tuple[str, ...]
    hypothesis: str
    changed: TextChange | None
    happened: Happening | None
    predicted: float | None
    measured: MetricFound | None
    judged: Upshot
    why: str
    next: str
    dropped: bool = False
    later: tuple[LaterFinding, ...] = ()
    before: tuple[EarlierWords, ...] = ()
    taken_up_by: str | None = None
    edited: bool = False
    remarks: tuple[str, ...] = field(default=())

    @property
    def is_open(self) -> bool:
        """Whether what comes next is still to be done."""
        return bool(self.next) and not self.dropped and self.taken_up_by is None


@dataclass(frozen=True, slots=True)
class LearningAnswer:
    """Entries, newest first; `written` is the experiment whose entry was written, if any was.

    `problems` say what of the file cannot be read as the program wrote it.
    """

    entries: tuple[Learning, ...]
    written: str | None
    problems: tuple[str, ...]
    file: str
