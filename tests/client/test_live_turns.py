"""Turns that do not go one after the other: at once, broken off, refused, long, many."""

import json
import signal
import threading
import time
from collections import Counter
from dataclasses import replace
from functools import partial

import pytest
from tests.client.endpoint import Endpoint, Refusal
from tests.client.live import (
    AGENT,
    BLOCK,
    COMMAND,
    TYPED_SKILL,
    Model,
    arm_in_sight,
    begin,
    call_agent,
    latest_item,
    ledger,
    row_of,
)

pytestmark = pytest.mark.client

HELPER = (
    "---\nname: helper\ndescription: Helps.\ntools: Read\nskills: reviewing\n---\n\n"
    "Help as helpers do.\n"
)
PATIENCE = 60.0  # seconds


def books_agree(live, endpoint, lost=()):
    """Compare trials and ledger; return what was sent, by item."""
    sent = ledger(endpoint.turns, lost)
    assert live.rows() == sorted(sent.values())
    return sent


def trial_of(live, row):
    """Return the one trial with these costs."""
    (trial,) = (trial for trial in live.trials() if row_of(trial) == row)
    return trial


@pytest.mark.long
def test_two_sessions_at_once_share_one_sequence(client):
    """Two people's worth of prompts at the same time: all recorded, arms balanced."""
    each = BLOCK
    live = begin(client, COMMAND)
    with Endpoint(respond=Model(COMMAND)) as endpoint:
        with live.client.session(endpoint) as one, live.client.session(endpoint) as other:
            for number in range(1, each + 1):
                awaited = [(one, number - 1), (other, number - 1)]
                one.send(live.prompt(number))
                other.send(live.prompt(100 + number))
                for session, results in awaited:
                    session.wait(results)
            one.close()
            other.close()
        sent = books_agree(live, endpoint)
    assert len(sent) == 2 * each
    assert Counter(row.variant for row in sent.values()) == {"control": each, "treatment": each}
    assert len({trial["unit"] for trial in live.trials()}) == 2 * each


@pytest.mark.long
def test_two_agents_that_preload_one_skill_are_one_trial(client):
    """Both agents of one prompt get the same arm, and their tokens are in one trial."""
    kind = replace(
        TYPED_SKILL,
        prompt="Give both halves of {item} away.",
        opening=lambda item: [*call_agent(item, agent="helper")] * 2,
    )
    live = begin(client, kind, before={".claude/agents/helper.md": HELPER})
    with Endpoint(respond=Model(kind)) as endpoint:
        live.work(endpoint, range(1, BLOCK + 1))
        sent = books_agree(live, endpoint)
    assert Counter(row.variant for row in sent.values()) == {"control": 5, "treatment": 5}
    halves = [
        request
        for request in endpoint.turns
        if "Help as helpers do" in str(request.body["system"])
    ]
    assert len(halves) == 26  # two for each item, and two failed readings of items 3, 6, 9 each


@pytest.mark.long
def test_an_agent_that_reports_after_the_next_prompt(client):
    """The tokens of an agent in the background belong to the prompt that sent it away."""
    kind = replace(AGENT, opening=partial(call_agent, background=True))
    live = begin(client, kind)
    model, second = Model(kind), threading.Event()

    def respond(body):
        answer, item = model(body), latest_item(body)
        late = item == 1 and arm_in_sight(body, item)
        return replace(answer, after=second) if late else answer

    with Endpoint(respond=respond) as endpoint:
        with live.client.session(endpoint) as session:
            session.say(live.prompt(1))
            session.say(live.prompt(2))
            second.set()
            until_told(endpoint, 1)
            until_told(endpoint, 2)
            time.sleep(0.5)  # the answer to the report
            session.close()
        sent = books_agree(live, endpoint)
    assert sorted(sent) == [1, 2]
    reports = [latest for latest in order_of_reports(endpoint) if latest == 1]
    assert reports, "the agent of the first prompt never reported"
    first_report = next(at for at, item in told(endpoint) if item == 1)
    second_prompt = next(r.at for r in endpoint.turns if live.prompt(2) in "\n".join(r.texts()))
    assert second_prompt < first_report


@pytest.mark.long
def test_a_forked_session_counts_its_own_work_alone(client):
    """What it took over from the session before is in that session's trial only."""
    live = begin(client, COMMAND)
    with Endpoint(respond=Model(COMMAND)) as endpoint:
        first = live.client.ask(endpoint, live.prompt(1))
        fork = ("--resume", first.opening["session_id"], "--fork-session")
        live.client.ask(endpoint, live.prompt(2), *fork)
        sent = books_agree(live, endpoint)
    assert sorted(sent) == [1, 2]


def told(endpoint):
    """Tell when the model heard of which item's end by a notification."""
    found = []
    for request in endpoint.turns:
        last = json.dumps(request.body["messages"][-1])
        if "<task-notification>" in last:
            found += [(request.at, item) for item in (1, 2) if f"item-{item}" in last]
    return found


def order_of_reports(endpoint):
    return [item for _, item in told(endpoint)]


def until_told(endpoint, item):
    until = time.monotonic() + PATIENCE
    while item not in order_of_reports(endpoint):
        assert time.monotonic() < until, f"the agent with item-{item} did not report"
        time.sleep(0.05)


@pytest.mark.long
def test_a_killed_client_leaves_an_interrupted_trial(client):
    """What was delivered before the end is in the trial; the next session goes on."""
    live = begin(client, COMMAND)
    with Endpoint(respond=Model(COMMAND, delays={3: 60.0})) as endpoint:
        with live.client.session(endpoint) as session:
            session.say(live.prompt(1))
            session.say(live.prompt(2))
            session.send(live.prompt(3))
            endpoint.wait_for(4)
            time.sleep(0.5)  # the transcript has what came before
            session.kill(signal.SIGKILL)
        live.work(endpoint, [4])
        live.meta("status")
        sent = books_agree(live, endpoint, lost=[3])
    assert trial_of(live, sent[3])["status"] == "interrupted"
    assert {trial_of(live, sent[item])["status"] for item in (1, 2, 4)} == {"ok"}


@pytest.mark.long
def test_an_interrupted_turn_counts_what_was_delivered(client):
    """Escape ends the trial as interrupted; the next prompt is a trial of its own."""
    live = begin(client, COMMAND)
    with Endpoint(respond=Model(COMMAND, delays={3: 60.0})) as endpoint:
        with live.client.session(endpoint) as session:
            session.say(live.prompt(1))
            session.send(live.prompt(3))
            endpoint.wait_for(3)
            time.sleep(0.5)
            session.interrupt()
            session.wait(1)
            session.say(live.prompt(2))
            session.close()
        sent = books_agree(live, endpoint, lost=[3])
    assert trial_of(live, sent[3])["status"] == "interrupted"
    assert {trial_of(live, sent[item])["status"] for item in (1, 2)} == {"ok"}


@pytest.mark.long
def test_refused_requests_are_errors_and_cost_nothing(client):
    """400, 401, 429, 500 and 529 end a task as error; one that a retry mends is ok."""
    live = begin(client, COMMAND)
    kinds = {
        2: Refusal(400, "invalid_request_error"),
        4: Refusal(401, "authentication_error"),
        5: Refusal(429, "rate_limit_error"),
        7: Refusal(500),
        8: Refusal(529, "overloaded_error"),
    }
    refusals = {item: [refusal] * 8 for item, refusal in kinds.items()}
    refusals[10] = [Refusal(500, retry=True)]
    with Endpoint(respond=Model(COMMAND, refusals=refusals)) as endpoint:
        live.work(endpoint, [1, *kinds, 10, 11])
        sent = ledger(endpoint.turns)
    trials = live.trials()
    refused = [trial for trial in trials if trial["status"] == "error"]
    answered = [trial for trial in trials if trial["status"] == "ok"]
    assert len(trials) == len(sent) == 8
    assert Counter(trial["variant"] for trial in refused) == Counter(
        sent[item].variant for item in kinds
    )
    assert all(not trial["metrics"].get("output_tokens") for trial in refused)
    assert sorted(row_of(trial) for trial in answered) == sorted(
        sent[item] for item in (1, 10, 11)
    )


@pytest.mark.long
def test_a_task_of_several_turns_is_one_trial(client):
    """What the user says until the next prompt under experiment belongs to the same task."""
    live = begin(client, COMMAND)
    with Endpoint(respond=Model(COMMAND)) as endpoint:
        with live.client.session(endpoint) as session:
            session.say(live.prompt(1))
            session.say("Go on with item-1, please.")
            session.say("And item-1 once more.")
            session.say(live.prompt(2))
            session.close()
        sent = books_agree(live, endpoint)
    first = trial_of(live, sent[1])["metrics"]
    assert first["followup_turns"] == 2
    assert first["turns"] == 3
    assert first["turn_output_tokens"] < first["output_tokens"]
    assert trial_of(live, sent[2])["metrics"]["followup_turns"] == 0


@pytest.mark.long
def test_a_task_that_goes_on_after_a_resume(client):
    """A session that is taken up again in another process keeps its trial's numbers."""
    live = begin(client, COMMAND)
    with Endpoint(respond=Model(COMMAND)) as endpoint:
        first = live.client.ask(endpoint, live.prompt(1))
        name = first.opening["session_id"]
        live.client.ask(endpoint, live.prompt(2), "--resume", name)
        sent = books_agree(live, endpoint)
    assert len(sent) == 2


@pytest.mark.long
def test_what_takes_no_part_is_in_nobodys_trial(client):
    """With half the traffic the other half gets the control, and costs no trial anything."""
    live = begin(client, COMMAND, "--traffic", "50")
    with Endpoint(respond=Model(COMMAND)) as endpoint:
        live.work(endpoint, range(1, 25))
        sent = ledger(endpoint.turns)
    counted = live.rows()
    assert 2 <= len(counted) <= 22
    left = sorted((Counter(sent.values()) - Counter(counted)).elements())
    assert len(left) == 24 - len(counted)
    assert {row.variant for row in left} == {"control"}


@pytest.mark.long
@pytest.mark.parametrize(
    ("deed", "left"), [("stop", "control"), ("promote", "treatment")], ids=["stop", "promote"]
)
def test_a_session_outlives_the_experiment(client, deed, left):
    """Who still has the served text gets what is left of the experiment; nothing is counted."""
    live = begin(client, COMMAND)
    options = ["--override", "for the test", "--yes"] if deed == "promote" else []
    with Endpoint(respond=Model(COMMAND)) as endpoint:
        with live.client.session(endpoint) as session:
            session.say(live.prompt(1))
            live.meta(deed, live.experiment, *options)
            for item in range(2, 6):
                session.say(live.prompt(item))
            session.close()
        sent = ledger(endpoint.turns)
    assert {sent[item].variant for item in range(2, 6)} == {left}
    (trial,) = live.trials()
    assert row_of(trial) == sent[1]


@pytest.mark.long
def test_a_transcript_of_twenty_megabytes(client):
    """A long history costs no exactness."""
    live = begin(client, COMMAND)
    with Endpoint(respond=Model(COMMAND)) as endpoint:
        name = live.client.ask(endpoint, live.prompt(1)).opening["session_id"]
        (transcript,) = (live.client.home / ".claude" / "projects").rglob(f"{name}.jsonl")
        filling = {"type": "progress", "sessionId": name, "content": "x" * 10_000}
        with transcript.open("a") as lines:
            lines.writelines(json.dumps({**filling, "n": n}) + "\n" for n in range(2_000))
        assert transcript.stat().st_size > 20_000_000
        run = live.client.ask(endpoint, live.prompt(2), "--resume", name)
        assert run.opening["session_id"] == name
        sent = books_agree(live, endpoint)
    assert len(sent) == 2


@pytest.mark.long
def test_one_trial_a_session_is_one_unit(client):
    """With sessions as units every run of a session is served the arm of its first prompt."""
    kind = replace(COMMAND, unit="session")
    live = begin(client, kind)
    with Endpoint(respond=Model(kind)) as endpoint:
        for number in range(10):
            live.work(endpoint, [2 * number + 1, 2 * number + 2])
        sent = books_agree(live, endpoint)
    arms = Counter((sent[odd].variant, sent[odd + 1].variant) for odd in range(1, 20, 2))
    assert arms == {("control", "control"): 5, ("treatment", "treatment"): 5}
    assert len({trial["unit"] for trial in live.trials()}) == 10
