"""A bandit with four arms on a served command: shares move between sessions, by themselves."""

import time

import pytest
from tests.client.endpoint import Endpoint
from tests.client.live import COMMAND, Model, begin, ledger

from meta_experiment.assign.draw import moving_arm
from meta_experiment.decide.best_chances import closed_first
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import index
from meta_experiment.services.recording.assigning import mixed_seed
from meta_experiment.services.recording.renewing import weights_of
from meta_experiment.services.workspace import Workspace

pytestmark = [pytest.mark.client, pytest.mark.long]
PATIENCE = 120.0  # seconds
ARMS = ("control", "treatment", "b", "c")
TURNS = 8  # uses before shares move: two of each arm
LOST = 20  # the item that is being answered when the client is killed


def bandit(client):
    files = {
        f"{name}.md": COMMAND.text.replace("[arm control", f"[arm {name}") for name in "bc"
    }
    further = [
        word for name in files for word in ("--file", f"{name[0]}:{COMMAND.path}={name}")
    ]
    moving = ["--assignment", "bandit", "--aim", "few_bad_uses", "--burn-in", "2"]
    return begin(
        client, COMMAND, *further, *moving, "--scale", "log", "--no-auto", before=files
    )


def known(live):
    """Return on how many closed trials the shares in force rest; no verb is asked."""
    (entry,) = index.entries(str(live.root))
    return entry.known


def wait_for(live, trials):
    """Wait until the shares rest on so many trials: the end of a session renews them."""
    until = time.monotonic() + PATIENCE
    while known(live) < trials:
        assert time.monotonic() < until, f"shares rest on {known(live)} trials, not {trials}"
        time.sleep(0.2)


def test_four_arms_move_and_every_draw_is_told_again(client, monkeypatch):
    monkeypatch.setenv("HOME", str(client.home))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    live = bandit(client)
    slow = Model(COMMAND, delays={LOST: 60.0})
    with Endpoint(respond=slow) as endpoint:
        live.work(endpoint, range(1, TURNS + 1))
        wait_for(live, TURNS)
        live.work(endpoint, range(TURNS + 1, LOST))
        wait_for(live, LOST - 1)
        with live.client.session(endpoint) as session:
            session.send(live.prompt(LOST))
            until = time.monotonic() + PATIENCE
            while LOST not in ledger(endpoint.requests, {LOST}):
                assert time.monotonic() < until, "the prompt never came"
                time.sleep(0.1)
            session.kill()
        live.work(endpoint, range(LOST + 1, LOST + 11))
        wait_for(live, LOST + 9)
        sent = ledger(endpoint.requests, {LOST})
    (entry,) = index.entries(str(live.root))
    assert entry.weights[ARMS.index("treatment")] > 8000
    late = [sent[item].variant for item in range(LOST + 1, LOST + 11)]
    assert late.count("treatment") >= 4
    first = [sent[item].variant for item in range(1, TURNS + 1)]
    assert sorted(first) == sorted(ARMS * 2)

    space = Workspace.open(Layout(live.root), time.time)
    experiment = space.store.experiment(live.experiment)
    trials = sorted(space.store.trials(experiment).trials, key=lambda trial: trial.order)
    assert [trial.variant for trial in trials] == [
        row.variant for _, row in sorted(sent.items())
    ]
    plan, seed, closed = experiment.plan, mixed_seed(space, experiment), closed_first(trials)
    for place, trial in enumerate(trials):
        assert trial.variant == moving_arm(plan, trial.draw.parts, seed, place)
        if place < TURNS:
            assert (trial.draw.parts, trial.draw.known) == ((1,) * 4, 0)
        else:
            due = weights_of(plan, closed[: trial.draw.known], ())
            assert (trial.draw.known >= TURNS, list(trial.draw.parts)) == (True, due)
    assert len({trial.draw for trial in trials}) == 3  # in turns, and after either session
    assert [item for item in live.meta("verify")["findings"] if not item["ok"]] == []
    row = live.meta("status", live.experiment)["experiments"][0]
    assert row["bandit"]["leads"] == "treatment"
    assert row["bandit"]["spared"] > 0
    assert live.changes() == ""
