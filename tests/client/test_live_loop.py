"""The whole loop in the real client: started, served, recorded, promoted, taken back."""

import stat
from collections import Counter
from dataclasses import replace

import pytest
from tests.client.endpoint import Endpoint
from tests.client.live import (
    BLOCK,
    COMMAND,
    KINDS,
    MODE,
    ONE_LOOK,
    TYPED_SKILL,
    Model,
    begin,
    ledger,
    row_of,
)

pytestmark = pytest.mark.client
SESSION = 13  # invocations in one session: blocks go on in the next


@pytest.mark.long
def test_an_experiment_on_sessions_of_one_prompt_each(client):
    """Ten times the client is started, asked once and left; sessions are the units."""
    kind = replace(TYPED_SKILL, unit="session")
    live = begin(client, kind, *ONE_LOOK)
    with Endpoint(respond=Model(kind)) as endpoint:
        for item in range(1, BLOCK + 1):
            live.hold_back()
            assert live.client.ask(endpoint, live.prompt(item)).exit_code == 0
        sent = ledger(endpoint.turns)
    assert Counter(row.variant for row in sent.values()) == {"control": 5, "treatment": 5}
    assert live.rows() == sorted(sent.values())
    promoted_and_taken_back(live)


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "rounds", "options"),
    [
        pytest.param(COMMAND, 4 * BLOCK, (), id="at-every-look"),
        *(pytest.param(kind, 2 * BLOCK, ONE_LOOK, id=kind.name) for kind in KINDS[1:]),
    ],
)
def test_an_experiment_runs_from_start_to_rollback(client, kind, rounds, options):
    """Both arms arrive, every cost is recorded, auto promotes, rollback takes back."""
    live = begin(client, kind, *options)
    with Endpoint(respond=Model(kind)) as endpoint:
        for first in range(1, rounds + 1, SESSION):
            live.work(endpoint, range(first, min(first + SESSION, rounds + 1)))
        sent = ledger(endpoint.turns)
    assert sorted(sent) == list(range(1, rounds + 1))
    for first in range(1, rounds + 2 - BLOCK, BLOCK):
        arms = Counter(sent[item].variant for item in range(first, first + BLOCK))
        assert arms == {"control": BLOCK / 2, "treatment": BLOCK / 2}
    trials = live.trials()
    assert sorted(row_of(trial) for trial in trials) == sorted(sent.values())
    assert {trial["status"] for trial in trials} == {"ok"}
    promoted_and_taken_back(live)


def promoted_and_taken_back(live):
    repository = (live.root / ".git").exists()
    if repository:
        assert live.changes() == ""
    (step,) = live.meta("auto", "--yes")["experiments"]
    assert step["action"] == "promote", step
    assert file_of(live) == (live.kind.treatment, MODE)
    if repository:
        assert live.git("rev-list", "--count", "HEAD") == "2\n"
        assert live.git("show", "--name-only", "--format=").split() == [live.kind.path]
        assert live.changes() == ""
    live.meta("rollback", live.experiment, "--yes")
    assert file_of(live) == (live.kind.control, MODE)
    if repository:
        assert live.changes() == ""


def file_of(live):
    return live.file.read_bytes().decode(), stat.S_IMODE(live.file.stat().st_mode)
