"""Experiments that have ended cost the board nothing but their outcome."""

from __future__ import annotations

from dataclasses import replace

from tests.store.making import experiment, line, write_log

from meta_experiment.files.roots import Layout
from meta_experiment.services.board import refreshing
from meta_experiment.services.board.board import board
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.registry import update_registry
from meta_experiment.types import Status

ENDED = 25


def rows(layout, selector=None):
    shown = board(
        layout,
        lambda: 2e9,
        lambda: Workspace.open(layout, lambda: 2e9),
        selector,
        archived=True,
    )
    return {item["id"]: item["variants"][0]["n"] for item in shown["experiments"]}


def test_only_the_last_to_end_are_read_until_one_is_asked_for(tmp_path, monkeypatch):
    """A cold board reads few logs of the ended; asked for by name, one is read and kept."""
    layout = Layout(tmp_path)
    workspace = Workspace.open(layout, lambda: 2e9)
    ended = [
        replace(
            experiment(f"exp-{number:02d}", status=Status.EXPIRED),
            started=1.0,
            ended=1000.0 + number,
        )
        for number in range(ENDED)
    ]
    update_registry(layout, workspace.files, lambda _: ended)
    for item in ended:
        write_log(layout, line(metrics={"duration_seconds": 2.0}), "h-0", item.experiment_id)
    counts = rows(layout)
    assert [name for name, n in counts.items() if n is None] == [
        f"exp-{number:02d}" for number in range(ENDED - refreshing._READ_AT_REST)
    ]
    assert rows(layout, "exp-00") == {"exp-00": 1}
    read = []
    monkeypatch.setattr(refreshing, "examine", lambda *arguments: read.append(arguments))
    assert rows(layout)["exp-00"] == 1
    assert not read
