"""A replay beside its record: what stands beside what, and what is not known."""

from meta_experiment.services.running.replay_view import ReplayOutcome, replay_of
from meta_experiment.sources.sessions.session_turns import SessionRecord, SessionTurn
from meta_experiment.types import TrialStatus
from meta_experiment.types.runs import (
    AgentReport,
    CellOutcome,
    Failure,
    FailureKind,
    RunCell,
    Spent,
)

SECRET = "sk-ant-" + 6 * "a1B2"


def turn(prompt, at=0.0, tokens=100.0, files=("a",), **more):
    metrics = {
        "total_tokens": tokens, "cost_usd": 0.5, "active_seconds": 2.0, "tool_calls": 3.0,
        "tool_errors": 1.0, "files_touched": float(len(files)),
    }  # fmt: skip
    known = {"metrics": metrics, "files": frozenset(files), "answer": f"{prompt}!", **more}
    return SessionTurn(prompt, at, **known)


def outcome(number, at, usd=0.1, **more):
    told = {"output": "done", "spent": Spent(usd, 7.0), "received": False, **more}
    report = AgentReport(
        status=told.pop("status", TrialStatus.OK), metrics={"tool_calls": 9.0}, **told
    )
    return CellOutcome(RunCell(f"turn-{number}", 1, "x"), report, (), at, at + 5)


def recorded(*turns):
    return SessionRecord("s-1", "s-1.jsonl", None, turns, 2)


def test_every_turn_stands_beside_its_own():
    """By the time at which it was made, and at the price that the client told."""
    record = recorded(turn("One"), turn("Two", files=("a", "b")), turn("Three"))
    again = (turn("One", 101.0, 10.0), turn("Two", 111.0, 20.0, files=("c",)))
    seen = outcome(2, 110.0, received=True)
    found = replay_of(record, ReplayOutcome((outcome(1, 100.0), seen), again, "/patch"))
    first, second, third = found.turns
    assert (first.recorded.tokens, first.replayed.tokens, first.replayed.usd) == (100, 10, 0.1)
    assert (second.recorded.files, second.replayed.files) == (2, 1)
    assert (first.seen, second.seen) == (False, True)
    assert (third.replayed, third.status, third.answer) == (None, "", "")
    assert (found.recorded.tokens, found.replayed.tokens) == (200, 30)
    assert (found.recorded.files, found.replayed.files) == (2, 2)
    assert (found.replayed.usd, found.recorded.tool_errors) == (0.2, 2)
    assert (found.unanswered, found.estimated, found.patch) == (2, True, "/patch")


def test_what_is_not_known_is_not_nothing():
    """A turn without a price has a total of none; one that was cut off, what its agent told."""
    record = recorded(turn("One"), SessionTurn("Two", 0.0, queued=True))
    gone = Failure(FailureKind.AGENT, "it did not end within 5 seconds")
    cut = outcome(2, 200.0, usd=None, status=TrialStatus.TIMEOUT, failure=gone)
    found = replay_of(record, ReplayOutcome((outcome(1, 100.0), cut), (turn("One", 101.0),)))
    assert found.turns[1].recorded is None
    assert found.turns[1].replayed.tool_calls == 9
    assert found.turns[1].replayed.tokens is None
    assert (found.turns[1].status, found.turns[1].error) == ("timeout", gone.reason)
    assert (found.replayed.usd, found.replayed.tokens, found.replayed.seconds) == (None,) * 3
    assert found.replayed.tool_calls == 12


def test_before_it_begins_the_whole_record_is_shown():
    found = replay_of(recorded(turn("One"), turn("Two")), ReplayOutcome())
    assert (found.recorded.tokens, found.replayed.tokens, found.replayed.files) == (
        200,
        None,
        None,
    )


def test_secrets_are_cut_and_all_but_the_last_answer_is():
    long = turn(f"key {SECRET} {'x' * 600}", answer="y" * 600)
    found = replay_of(recorded(long, long), ReplayOutcome())
    assert SECRET not in found.turns[0].prompt
    assert [len(item.prompt) for item in found.turns] == [500, 500]
    assert [len(item.recorded_answer) for item in found.turns] == [500, 600]
