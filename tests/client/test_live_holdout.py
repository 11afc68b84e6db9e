"""A holdout on a served command: a text that was better turns worse, and is taken back.

By itself beside somebody's session, and where what launches and ends it is killed on the way.
"""

import os
import secrets
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import replace

import pytest
from tests.client.endpoint import Answer, Endpoint
from tests.client.live import (
    COMMAND,
    PROGRAM,
    Model,
    arm_in_sight,
    begin,
    latest_item,
    ledger,
    surroundings,
)

pytestmark = [pytest.mark.client, pytest.mark.long]
KIND = replace(COMMAND, text="\ufeff" + COMMAND.text.replace("\n", "\r\n"))
BLOCK = 5  # of so many uses one keeps the old text
LEAST = 10  # uses with it, before there is an answer
USES, LATER = range(1, 25), range(25, 25 + LEAST * BLOCK)
ARMS = {"control": "previous", "treatment": "promoted"}
PATIENCE = 120.0  # seconds
LONGEST = 40  # milliseconds from the first change until it is killed


def turned(body):
    """Answer as the scripted model, after the texts have changed places in what they cost."""
    answer = Model(KIND)(body)
    arm = arm_in_sight(body, item) if (item := latest_item(body)) else None
    if arm is None or answer.tools:
        return answer
    written = {"control": 100, "treatment": 900}[arm] + item % 5
    return replace(answer, usage={**answer.usage, "output_tokens": written})


def promoted(client):
    """Have the treatment promoted by what it costs in the real client."""
    live = begin(client, KIND, "--claim", "better", "--scale", "log")
    with Endpoint(respond=Model(KIND)) as endpoint:
        live.work(endpoint, USES)
    live.meta("promote", live.experiment, "--yes")
    holds(live, KIND.treatment)
    return live


def holds(live, text):
    """Hold that the file has just these bytes, and that git sees no change."""
    assert live.file.read_bytes() == text.encode()
    assert live.changes() == ""


def use(live, name):
    """Use the command; each text is served as often as in blocks, at what it costs by now."""
    with Endpoint(respond=turned) as endpoint:
        live.work(endpoint, LATER)
        sent = ledger(endpoint.requests)
    holds(live, KIND.treatment)
    rows = sorted(replace(row, variant=ARMS[row.variant]) for row in sent.values())
    assert replace(live, experiment=name).rows() == rows
    drawn = [sent[item].variant for item in LATER]
    blocks = [drawn[begin : begin + BLOCK] for begin in range(0, len(drawn), BLOCK)]
    assert [block.count("control") for block in blocks] == [1] * len(blocks)
    assert len({block.index("control") for block in blocks}) > 1


def states(live):
    return {item["id"]: item["status"] for item in live.meta("status")["experiments"]}


def taken_back(live, name):
    """Hold that the promotion is taken back for good, in one commit, and all is sound."""
    assert states(live) == {live.experiment: "rolled_back", name: "expired"}
    holds(live, KIND.control)
    said = live.git("log", "--format=%s").splitlines()
    assert [line.split()[:2] for line in said[:2]] == [
        ["experiment:", "roll"],
        ["experiment:", "promote"],
    ], said
    assert live.meta("auto", "--yes")["experiments"] == []
    assert [item for item in live.meta("verify")["findings"] if not item["ok"]] == []


def test_what_is_reversed_is_taken_back_beside_a_session(client):
    live = promoted(client)
    name = live.meta("holdout", live.experiment, "--yes")["experiment_id"]
    holds(live, KIND.treatment)
    use(live, name)
    (live.root / ".claude" / "meta" / "local" / "auto.stamp").unlink()
    with Endpoint([Answer("Hello.")]) as endpoint:
        live.client.ask(endpoint, "hello")
    until = time.monotonic() + PATIENCE
    while states(live)[live.experiment] != "rolled_back":
        assert time.monotonic() < until, f"nothing was taken back: {states(live)}"
        time.sleep(0.2)
    taken_back(live, name)


def kill_midway(live, *words):
    """Run the program and kill it at some moment after it has first changed the registry."""
    registry = live.root / ".claude" / "meta" / "experiments.json"
    before = registry.read_bytes()
    running = subprocess.Popen(
        [PROGRAM, *words],
        cwd=live.root,
        env=surroundings(live.client),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + PATIENCE
    while registry.read_bytes() == before:
        assert running.poll() is None, f"{words} ended and changed nothing"
        assert time.monotonic() < until, f"{words} does nothing"
        time.sleep(0.001)
    time.sleep(secrets.randbelow(LONGEST) / 1000)
    with suppress(ProcessLookupError):  # a quick one may be over
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def test_what_is_killed_on_the_way_is_finished_by_the_next_auto(client):
    live = promoted(client)
    name = f"{live.experiment}-holdout"
    kill_midway(live, "holdout", live.experiment, "--yes")
    holds(live, KIND.treatment)
    live.meta("auto", "--yes")
    if states(live)[name] == "draft":
        live.meta("holdout", live.experiment, "--yes")
    use(live, name)
    kill_midway(live, "auto", "--yes")
    assert live.file.read_bytes() in (KIND.control.encode(), KIND.treatment.encode())
    live.meta("auto", "--yes")
    live.meta("repair")  # what the killed one did not come to write into the history
    taken_back(live, name)
