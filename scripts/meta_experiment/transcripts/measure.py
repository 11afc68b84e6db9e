"""Measures of one trial from the turns of a session. Pure: no file, no clock.

A trial reaches from the prompt of its exposure to the next prompt under experiment, or to
30 idle minutes. Work in the background belongs to the trial that began it, whenever it ends.
"""

from __future__ import annotations

from meta_experiment.protocol.events import TOOLS
from meta_experiment.transcripts.prices import estimated_cost, stated_cost
from meta_experiment.transcripts.turns import ANSWERED, FAILED, INTERRUPTED, OPEN
from meta_experiment.transcripts.work import covered, merged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Set as AbstractSet

    from meta_experiment.transcripts.prices import Prices
    from meta_experiment.transcripts.turns import Transcript, Turn
    from meta_experiment.transcripts.work import Usage, Work

IDLE = 1800.0  # seconds without a prompt after which a trial is over
NO_ANSWER = "no_answer"
EXACT, ESTIMATED = "exact", "estimate"
OWN_COMMANDS = frozenset(
    {"meta_experiment", "meta-experiment:meta_experiment", "meta-experiment"}
)
_OLD_NAMES = {"Task": "Agent", "MultiEdit": "Edit", "NotebookEdit": "Edit"}


class Span:
    """The turns of one trial.

    Attributes:
        turns: that of the exposure, follow-ups and reports of background work, in order.
        followups: how many of them a person asked for after the first.
        bounded: whether a later prompt ended it.
        waits: whether work in the background has not been reported yet.
        grows: whether its last turn may go on.
        refused: names of agents that the client did not start.
        started: names of those that it did start.
    """

    __slots__ = ("bounded", "followups", "grows", "refused", "started", "turns", "waits")

    def __init__(
        self, turns: list[Turn], followups: int, *, bounded: bool, waits: bool, grows: bool
    ) -> None:
        self.turns = turns
        self.followups = followups
        self.bounded = bounded
        self.waits = waits
        self.grows = grows
        self.refused = {name for turn in turns for work in turn.works for name in work.refused}
        self.started = {work.agent_name for turn in turns for work in turn.agents}

    @property
    def is_over(self) -> bool:
        """Whether nothing can be added to it any more."""
        return self.bounded and not self.waits and not self.grows


class TrialMeasurement:
    """Measurement of a trial; `reason` is not empty when it is excluded instead."""

    __slots__ = ("fingerprint", "metrics", "reason", "status")

    def __init__(
        self,
        metrics: dict[str, float],
        status: str,
        fingerprint: dict[str, str],
        reason: str = "",
    ) -> None:
        self.metrics = metrics
        self.status = status
        self.fingerprint = fingerprint
        self.reason = reason


def span(
    transcript: Transcript,
    prompt_id: str,
    others: AbstractSet[str],
    until: float | None = None,
) -> Span | None:
    """Find the turns of the trial that a prompt began; None when the prompt is not there.

    `others` are the ids of all prompts under experiment in the session. What was asked after
    `until`, when the experiment ended, is no part of it; what is answered after that is.
    """
    turns = transcript.turns
    at = next((n for n, turn in enumerate(turns) if turn.prompt_id == prompt_id), None)
    if at is None:
        return None
    own = [turns[at]]
    sent = turns[at].sent
    active = turns[at].own.ended
    followups, bounded = 0, False
    for turn in turns[at + 1 :]:
        if turn.prompt_id in others and not (turn.came_to_nothing and turn is not turns[-1]):
            bounded = True
        elif turn.notified:
            if not sent.isdisjoint(turn.notified):
                own.append(turn)
                sent |= turn.sent
        elif not bounded and not _is_aside(turn):
            bounded = _idled(active, turn.own.started) or _is_after(turn, until)
            if not bounded:
                own.append(turn)
                sent |= turn.sent
                followups += 1
        active = max(active or 0.0, turn.own.ended or 0.0) or None
    launched = {call for turn in own for work in turn.works for call in work.launched}
    return Span(
        own,
        followups,
        bounded=bounded or until is not None,
        waits=not launched <= transcript.delivered,
        grows=own[-1] is turns[-1] and (until is None or own[-1].state == OPEN),
    )


def measure(
    found: Span,
    *,
    prices: Prices,
    state: object = None,
    telemetry: Callable[[Sequence[str], Sequence[Usage | None]], float | None] | None = None,
) -> TrialMeasurement:
    """Measure the turns of a trial.

    Args:
        found: the turns.
        prices: what tokens cost where nobody says it exactly.
        state: the client's statement of the cost of the whole session, if it made one.
        telemetry: gives the exact cost of prompts with such requests, if it can.
    """
    turns = found.turns
    whole = merged(work for turn in turns for work in turn.works)
    status = _status(turns)
    if turns[0].came_to_nothing and turns[0].state != INTERRUPTED:
        return TrialMeasurement({}, status, {}, NO_ANSWER)
    metrics: dict[str, float] = {}
    _add_times(metrics, turns, whole)
    _add_tokens(metrics, turns, whole)
    _add_counts(metrics, found, whole)
    fingerprint = _fingerprint(turns)
    usages = list(whole.messages.values())
    cost = stated_cost(usages, state) if usages else None
    if cost is None and usages and telemetry is not None:
        cost = telemetry([turn.prompt_id for turn in turns], usages)
    basis = EXACT
    if cost is None and usages:
        cost, basis = estimated_cost(usages, prices), ESTIMATED
    if cost is not None:
        metrics["cost_usd"] = cost
        fingerprint["cost"] = basis
    return TrialMeasurement(metrics, status, fingerprint)


def _is_aside(turn: Turn) -> bool:
    """Tell what adds nothing to a task: one of our commands, or what no model answered."""
    return turn.came_to_nothing or not OWN_COMMANDS.isdisjoint(turn.named[:1])


def _idled(before: float | None, after: float | None) -> bool:
    return before is not None and after is not None and after - before > IDLE


def _is_after(turn: Turn, until: float | None) -> bool:
    return until is not None and turn.own.started is not None and turn.own.started > until


def _status(turns: Sequence[Turn]) -> str:
    """Say how the last turn ended: ok, error or interrupted."""
    last = turns[-1]
    if last.state == FAILED:
        return "error"
    return "ok" if last.state == ANSWERED else "interrupted"


def _add_times(metrics: dict[str, float], turns: Sequence[Turn], whole: Work) -> None:
    # a forked prompt is answered by an agent alone
    forked = not turns[0].own.messages
    first = merged(turns[0].works) if forked else turns[0].own
    spans = {
        "duration_seconds": _length(whole.started, whole.ended),
        "active_seconds": _active(turns),
        "turn_duration_seconds": _length(first.started, first.ended),
    }
    for name, seconds in spans.items():
        if seconds is not None and seconds > 0:
            metrics[name] = round(seconds, 3)


def _add_tokens(metrics: dict[str, float], turns: Sequence[Turn], whole: Work) -> None:
    usages = list(whole.messages.values())
    known = [usage for usage in usages if usage is not None]
    if not known or len(known) < len(usages):
        return  # a sum of some of them would look like a sum of all
    metrics["input_tokens"] = sum(usage.input for usage in known)
    metrics["output_tokens"] = sum(usage.output for usage in known)
    metrics["cache_read_tokens"] = sum(usage.read for usage in known)
    metrics["cache_creation_tokens"] = sum(usage.written for usage in known)
    metrics["total_tokens"] = total = sum(usage.total for usage in known)
    first = [usage for usage in merged(turns[0].works).messages.values() if usage is not None]
    if first:
        metrics["turn_output_tokens"] = sum(usage.output for usage in first)
        metrics["turn_total_tokens"] = sum(usage.total for usage in first)
    if total:
        agents = merged(work for turn in turns for work in turn.agents).messages.values()
        metrics["subagent_share"] = sum(usage.total for usage in agents if usage) / total


def _add_counts(metrics: dict[str, float], found: Span, whole: Work) -> None:
    metrics["turns"] = len(whole.messages)
    metrics["followup_turns"] = found.followups
    metrics["tool_calls"] = len(whole.calls)
    metrics["tool_errors"] = len(whole.failed)
    metrics["files_touched"] = len(whole.files)
    metrics["lines_changed"] = whole.lines
    # a closed list: its zeros are true ones, and the number of names stays bounded
    for tool in TOOLS:
        calls = [
            call for call, name in whole.calls.items() if _OLD_NAMES.get(name, name) == tool
        ]
        metrics[f"tool_calls.{tool}"] = len(calls)
        metrics[f"tool_errors.{tool}"] = sum(call in whole.failed for call in calls)


def _fingerprint(turns: Sequence[Turn]) -> dict[str, str]:
    found = {}
    for name, value in (("model", _model(turns)), ("client", turns[0].version)):
        if value:
            found[name] = value.encode("utf-8", "replace").decode()[:200]
    return found


def _model(turns: Sequence[Turn]) -> str:
    """Return the model of the main conversation, or else of the agent that did the work."""
    for work in [turn.own for turn in turns] + [work for turn in turns for work in turn.agents]:
        for usage in work.messages.values():
            if usage is not None and usage.model:
                return usage.model
    return ""


def _length(started: float | None, ended: float | None) -> float | None:
    return None if started is None or ended is None else ended - started


def _active(turns: Sequence[Turn]) -> float:
    """Return the seconds of work: without pauses between turns and waits for a person."""
    spans = [
        (turn.own.started, turn.own.ended)
        for turn in turns
        if turn.own.started is not None and turn.own.ended is not None
    ]
    spans += [span for turn in turns for work in turn.agents for span in work.stretches()]
    return covered(spans) - sum(turn.waited for turn in turns)
