"""What the board says of experiments of a team: whether this checkout takes part in them.

`status` passes here, so nothing is imported that a glance does not need.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from meta_experiment.files.roots import Layout
from meta_experiment.services.teams.shipping_apart import in_use

if TYPE_CHECKING:
    from meta_experiment.types.results.board import BoardRow, BoardView

NO_STORE = "no team's store is in use here, so its trials reach nobody else"
_ARCHIVE = "meta-experiment archive "
USE = "meta-experiment store use URL --project NAME"


def tell_of_teams(layout: Layout, view: BoardView) -> None:
    """Say of experiments of a team that run what this checkout lacks to take part in them.

    Raises:
        StorageError: what it started cannot be read.
    """
    own, why_not = _standing(layout)
    running = [row for row in view["experiments"] if row["team"] and row["status"] == "running"]
    undecided: list[BoardRow] = []
    for row in running:
        team = row["team"]
        named = team["machines"] if team else []
        started = _started(layout, row)
        if not (started and own) and (commit := _decided(layout, row)):
            _say_next(
                view, row, f"none: it is decided. Put it away for all: {_ARCHIVE}{row['id']}"
            )
            view["notes"].append(
                f"{row['id']} reads as running here, and is decided: commit {commit} promotes "
                f"it (git show {commit})."
            )
            continue
        undecided.append(row)
        if not started:
            # whoever pulls the plan gets it as one that runs, and serves the control
            _say_next(view, row, f"to take part in it here: meta-experiment start {row['id']}")
        elif own and row["stage"] == "due" and (own not in named if named else why_not):
            said = "its plan names others" if named else why_not
            _say_next(view, row, f"none by this machine: {said}")
    view["notes"].extend(_without_store(layout, undecided))


def _say_next(view: BoardView, row: BoardRow, said: str) -> None:
    row["next_action"] = said
    if view["foremost"]["about"] == row["id"]:
        view["foremost"]["next_action"] = said


def _standing(layout: Layout) -> tuple[str, str]:
    """Return this machine, and why it does not count for all; empty where that is not known."""
    if not in_use(layout):
        return "", ""
    from meta_experiment.services.teams.exchange_note import read_note

    note = read_note(layout)
    whys = [item.why for item in note.machines if item.machine == note.own]
    return note.own, (whys[0] or "") if whys else ""


def _decided(layout: Layout, row: BoardRow) -> str:
    from meta_experiment.services.teams.decided_in_git import deciding_commit

    return deciding_commit(layout, row)


def _started(layout: Layout, row: BoardRow) -> bool:
    from meta_experiment.store.local.marks import read_mark

    return read_mark(layout, row["id"]) is not None


def _without_store(layout: Layout, running: list[BoardRow]) -> Iterator[str]:
    if running and not in_use(layout):
        names = ", ".join(row["id"] for row in running)
        yield f"{names} is of a team: {NO_STORE}. Its others say which: {USE}"
