"""The board says what an analysis says, also when nothing but time has passed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.store.making import experiment, line, write_log

from meta_experiment.files.roots import Layout
from meta_experiment.services.acting.analysing import analyze
from meta_experiment.services.board import refreshing
from meta_experiment.services.board.board import board
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.registry import update_registry
from meta_experiment.types import Status, Stopping

START, HOUR = 1.7e9, 3600.0
SIZE = 10


class Board:
    """A running experiment that is looked at once, some hours after its start."""

    def __init__(self, root, status):
        self.layout, self.now = Layout(root), START
        given = experiment("exp-1", status=status)
        plan = replace(given.plan, stopping=Stopping.FIXED, sample_size=SIZE)
        given = replace(given, plan=plan, started=START)
        update_registry(self.layout, self.workspace().files, lambda _: [given])

    def workspace(self):
        return Workspace.open(self.layout, lambda: self.now)

    def row(self, hours):
        self.now = START + hours * HOUR
        view = board(self.layout, lambda: self.now, self.workspace, None, archived=False)
        (shown,) = view["experiments"]
        return shown["decision"], shown["reason_code"]

    def analysis(self):
        found = analyze(self.workspace(), "exp-1").analysis
        return found.decision.value, found.reason_code.value


def outcomes(*, open_at, units=SIZE):
    """One outcome for each unit of both arms but the last treatment, which stays open."""
    lines = [
        line(
            at=START + 1 + number,
            trial_id=f"{name}{number}",
            unit=f"{name}{number}",
            variant=name,
            metrics={"duration_seconds": seconds + number % 5},
        )
        for number in range(units)
        for name, seconds in (("control", 100.0), ("treatment", 40.0))
    ]
    left = line(event="assigned", at=open_at, trial_id="open", unit="open", variant="treatment")
    return "".join([*lines[:-1], left])


@pytest.mark.parametrize("status", [Status.RUNNING, Status.PAUSED])
def test_a_trial_that_is_given_up_changes_the_board_by_itself(tmp_path, status):
    """It waits for the open trial a day long, and then both decide without it."""
    shown = Board(tmp_path, status)
    write_log(shown.layout, outcomes(open_at=START + 2 * HOUR), experiment_id="exp-1")
    seen = []
    for hours in (3, 25.9, 26.1, 13 * 24, 15 * 24):
        seen.append(shown.row(hours))
        assert seen[-1] == shown.analysis()
    assert [code for _, code in seen] == ["waiting_for_trials"] * 2 + ["treatment_better"] * 3


def test_the_end_of_its_days_changes_the_board_by_itself(tmp_path):
    """Too few units after the last day: undecided, on the board as in the analysis."""
    shown = Board(tmp_path, Status.RUNNING)
    write_log(shown.layout, outcomes(open_at=START + 1, units=3), experiment_id="exp-1")
    for hours in (3, 13 * 24, 15 * 24):
        assert shown.row(hours) == shown.analysis()
    assert shown.analysis() == ("INCONCLUSIVE", "horizon_reached")


def test_a_row_is_made_once_for_each_change(tmp_path, monkeypatch):
    """Between two changes, and after the last, nothing is read again."""
    shown = Board(tmp_path, Status.RUNNING)
    write_log(shown.layout, outcomes(open_at=START + 2 * HOUR), experiment_id="exp-1")
    read, examine = [], refreshing.examine
    monkeypatch.setattr(
        refreshing,
        "examine",
        lambda *them, **more: read.append(shown.now) or examine(*them, **more),
    )
    for hours in (3, 4, 25, 27, 28, 15 * 24, 16 * 24, 17 * 24):
        shown.row(hours)
    assert read == [START + hours * HOUR for hours in (3, 27, 15 * 24)]
