"""A replay beside its record: turn by turn, and in all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from meta_experiment.model.secrets import redacted
from meta_experiment.records import dataclass
from meta_experiment.sources.sessions.session_turns import SessionRecord, SessionTurn
from meta_experiment.types.results.replay import Replay, ReplayEnd, ReplayFigures, ReplayTurn
from meta_experiment.types.runs import CellOutcome

_MOST = 500  # characters of a prompt or an answer
_MOST_FINAL = 20_000  # of the last ones


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """What came of a replay: its outcomes in order, and its turns as the client wrote them."""

    outcomes: tuple[CellOutcome, ...] = ()
    turns: tuple[SessionTurn, ...] = ()
    patch: str = ""
    notes: tuple[str, ...] = ()


def replay_of(record: SessionRecord, done: ReplayOutcome) -> Replay:
    """Set both side by side; what the caller alone knows is left empty."""
    pairs = [*_paired(record.turns, done)]
    rows = tuple(
        _row(number, turn, again, final=number in (len(record.turns), len(done.outcomes)))
        for number, (turn, again) in enumerate(pairs, 1)
    )
    return Replay(
        session=record.session,
        variant="",
        model="",
        recorded_model=next((turn.model for turn in record.turns if turn.model), ""),
        commit="",
        commit_by=None,
        clean=None,
        ended=ReplayEnd.PREVIEW,
        reason="",
        turns=rows,
        recorded=_total(
            [row.recorded for row in rows[: len(done.outcomes) or None] if row.recorded],
            _files(record.turns[: len(done.outcomes) or None]),
        ),
        replayed=_total(
            [row.replayed for row in rows if row.replayed],
            _files(again[1] for _, again in pairs if again is not None and again[1]),
        ),
        patch=done.patch,
        unanswered=record.unanswered,
        pictures=sum(turn.pictures for turn in record.turns),
        estimated=any(turn.metrics and not turn.exact_cost for turn in record.turns),
        notes=done.notes,
    )


Again = tuple[CellOutcome, SessionTurn | None]


def _paired(
    turns: Sequence[SessionTurn], done: ReplayOutcome
) -> Iterator[tuple[SessionTurn, Again | None]]:
    """Yield each turn with its replay: the outcome, and what the client wrote at that time."""
    for number, turn in enumerate(turns):
        if number >= len(done.outcomes):
            yield turn, None
            continue
        outcome = done.outcomes[number]
        within = (
            item
            for item in done.turns
            if outcome.started <= item.at <= outcome.ended and item.metrics
        )
        yield turn, (outcome, next(within, None))


def _row(number: int, turn: SessionTurn, again: Again | None, *, final: bool) -> ReplayTurn:
    most = _MOST_FINAL if final else _MOST
    outcome = again[0] if again else None
    failure = outcome.report.failure if outcome else None
    return ReplayTurn(
        number=number,
        prompt=_cut(turn.prompt, _MOST),
        queued=turn.queued,
        recorded=_recorded(turn),
        replayed=_figures(*again) if again else None,
        recorded_status=turn.status,
        status=outcome.report.status.value if outcome else "",
        error=failure.reason if failure else "",
        recorded_answer=_cut(turn.answer, most),
        answer=_cut(outcome.report.output, most) if outcome else "",
        seen=bool(outcome and outcome.report.received),
    )


def _recorded(turn: SessionTurn) -> ReplayFigures | None:
    known = turn.metrics
    if not known:
        return None
    return ReplayFigures(
        usd=known.get("cost_usd"),
        tokens=known.get("total_tokens"),
        seconds=known.get("active_seconds"),
        tool_calls=known.get("tool_calls"),
        tool_errors=known.get("tool_errors"),
        files=known.get("files_touched"),
    )


def _figures(outcome: CellOutcome, turn: SessionTurn | None) -> ReplayFigures:
    """Return what the client measured by the same rules as the record, at its own price."""
    told = outcome.report.metrics
    known = {**told, **(turn.metrics if turn else {})}
    return ReplayFigures(
        usd=outcome.report.spent.usd,
        tokens=known.get("total_tokens"),
        seconds=known.get("active_seconds"),
        tool_calls=known.get("tool_calls"),
        tool_errors=known.get("tool_errors"),
        files=turn.metrics.get("files_touched") if turn else None,
    )


def _files(turns: Iterable[SessionTurn | None]) -> int:
    return len({name for turn in turns if turn for name in turn.files})


def _total(rows: Sequence[ReplayFigures], files: int) -> ReplayFigures:
    """Add figures up: unknown where one is."""
    return ReplayFigures(
        usd=_sum(row.usd for row in rows),
        tokens=_sum(row.tokens for row in rows),
        seconds=_sum(row.seconds for row in rows),
        tool_calls=_sum(row.tool_calls for row in rows),
        tool_errors=_sum(row.tool_errors for row in rows),
        files=float(files) if rows else None,
    )


def _sum(values: Iterable[float | None]) -> float | None:
    known = [*values]
    if not known or None in known:
        return None
    return math.fsum(item for item in known if item is not None)


def _cut(text: str, most: int) -> str:
    return redacted(text)[:most]
