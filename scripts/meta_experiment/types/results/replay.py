"""Result of `runs replay`: a recorded session and the same prompts typed again."""

from __future__ import annotations

from enum import StrEnum

from meta_experiment.records import dataclass
from meta_experiment.types.cases import CommitSource


class ReplayEnd(StrEnum):
    """What ended a replay; `preview`: it was not begun."""

    DONE = "done"
    CAPPED = "capped"
    FAILED = "failed"
    PREVIEW = "preview"


@dataclass(frozen=True, slots=True)
class ReplayFigures:
    """Figures of a turn, or of all; None is not known.

    US dollars, tokens of all kinds, seconds of work, uses of tools, how many of these failed,
    files that tools changed.
    """

    usd: float | None = None
    tokens: float | None = None
    seconds: float | None = None
    tool_calls: float | None = None
    tool_errors: float | None = None
    files: float | None = None


@dataclass(frozen=True, slots=True)
class ReplayTurn:
    """Turn as it was recorded and as it was replayed; `replayed` is None where it was not.

    `queued` was typed while an agent worked, so that its record is that of the turn before.
    `seen` says whether the text of the variant was seen to reach the model in it.
    """

    number: int
    prompt: str
    queued: bool
    recorded: ReplayFigures | None
    replayed: ReplayFigures | None
    recorded_status: str
    status: str
    error: str
    recorded_answer: str
    answer: str
    seen: bool


@dataclass(frozen=True, slots=True)
class Replay:
    """Replay of a session, beside its record.

    `variant` is `ID:NAME`, empty where the project's own texts were used. `commit_by` tells how
    the commit was found, None where it was named; `clean` whether all was committed then, None
    where nothing tells. Totals are of the turns that were replayed. `patch` is the file of all
    that changed, `unanswered` the prompts that were no model's.
    """

    session: str
    variant: str
    model: str
    recorded_model: str
    commit: str
    commit_by: CommitSource | None
    clean: bool | None
    ended: ReplayEnd
    reason: str
    turns: tuple[ReplayTurn, ...]
    recorded: ReplayFigures
    replayed: ReplayFigures
    patch: str
    unanswered: int
    pictures: int
    estimated: bool
    notes: tuple[str, ...]
