"""What came of the last exchange with a team's store, for those who look and do not connect.

`status` passes here, so nothing is imported that a glance does not need.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_experiment.errors import StorageError
from meta_experiment.files.roots import Layout
from meta_experiment.model.instants import to_text
from meta_experiment.protocol.seal import read_sealed
from meta_experiment.records import dataclass

if TYPE_CHECKING:
    from meta_experiment.services.workspace import Workspace
    from meta_experiment.types.results.team_store import StoreExchange

_PURPOSE = "store-exchange"
_MOST = 20  # reasons that are kept of an experiment
_NEWS = 7 * 86400.0  # seconds for which it is told that the store went back


@dataclass(frozen=True, slots=True)
class ExchangeNote:
    """The last exchanges: when one went well, what failed since, what was left outside.

    `at` is None before the first. `failed` is what stopped the last one, empty when it went
    well. `aside` are the reasons by experiment. `alone` says that none of others
    are taken. `had` is how much the store had of this machine's logs, by experiment; `lost` is
    what an exchange at `lost_at` found that it had no longer, as long as that is news.
    """

    at: float | None = None
    failed: str = ""
    aside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    alone: bool = False
    had: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    lost_at: float = 0.0


def read_note(layout: Layout) -> ExchangeNote:
    """Return what came of the last exchange, as far as it is known. Raises StorageError."""
    path = _file(layout)
    try:
        data = read_sealed(os.fspath(layout.root), os.fspath(path), _PURPOSE)
    except OSError as error:
        raise StorageError(f"{path} is out of reach: {error.strerror}.") from error
    if not data:
        return ExchangeNote()
    document: dict[str, Any] = json.loads(data)
    return ExchangeNote(
        at=document["at"],
        failed=document["failed"],
        aside={name: tuple(said) for name, said in document["aside"].items()},
        alone=document.get("alone", False),
        had=document.get("had", {}),
        lost=tuple(document.get("lost", ())),
        lost_at=document.get("lost_at", 0.0),
    )


def sentences(layout: Layout) -> Iterator[str]:
    """Say what stopped the last exchange, and what it left outside, for who looks at the board.

    Raises:
        StorageError: it cannot be read.
    """
    note = read_note(layout)
    if note.alone:
        yield (
            "This checkout takes trials of its team's other machines only where their "
            "experiment is named (store use --ship-only): what is told of a team's experiments "
            "may rest on its own alone."
        )
    if note.lost:
        told = told_losses(note.lost, note.lost_at)
        yield f"{told} See it: meta-experiment store check"
    if note.failed:
        last = f"; the last one that went well was at {to_text(note.at)}" if note.at else ""
        yield (
            f"The exchange with the team's store failed: {note.failed} Trials wait here and "
            f"none is lost{last}. See it: meta-experiment store show"
        )
    said = [f"{name}: {why}" for name, reasons in note.aside.items() for why in reasons]
    if said:
        more = f" (and {len(said) - 1:,} more)" if said[1:] else ""
        yield f"{said[0]}{more}. See it: meta-experiment store show"


def told_losses(lost: Sequence[str], at: float) -> str:
    """Say what the store had lost, and what became of it."""
    return (
        f"The team's store went back to an earlier moment, found at {to_text(at)}: it lacked "
        f"{', '.join(lost)}. What this machine has of that it brought again, and others bring "
        "theirs with their next exchange."
    )


def note_exchange(
    workspace: Workspace,
    done: StoreExchange,
    had: Mapping[str, Mapping[str, int]],
    *,
    whole: bool,
    alone: bool,
) -> None:
    """Remember an exchange that went well; one of single experiments says nothing of others."""
    note, now = read_note(workspace.layout), workspace.clock()
    before = {} if whole else dict(note.aside)
    for item in done.experiments:
        said = ((item.refused,) if item.refused else ()) + item.aside
        before[item.experiment_id] = said[:_MOST]
    aside = {name: said for name, said in before.items() if said}
    known = had if whole else {**note.had, **had}
    lost, lost_at = (done.lost[:_MOST], now) if done.lost else (note.lost, note.lost_at)
    if not 0 <= now - lost_at < _NEWS:
        lost = ()
    _write(workspace, ExchangeNote(now, "", aside, alone, known, lost, lost_at))


def forget_exchanges(workspace: Workspace) -> None:
    """Know nothing of a store, as another one is used from now on."""
    _write(workspace, ExchangeNote())


def note_failure(workspace: Workspace, message: str) -> None:
    """Remember what stopped an exchange."""
    _write(workspace, replace(read_note(workspace.layout), failed=message))


def _write(workspace: Workspace, note: ExchangeNote) -> None:
    """Keep a note, if the disk takes it: what was exchanged is so without."""
    from meta_experiment.store.local.sealing import write_sealed

    document = {
        "at": note.at,
        "failed": note.failed,
        "aside": dict(note.aside),
        "alone": note.alone,
        "had": {name: dict(sizes) for name, sizes in note.had.items()},
        "lost": note.lost,
        "lost_at": note.lost_at,
    }
    data = json.dumps(document, sort_keys=True).encode()
    with suppress(StorageError):
        write_sealed(workspace.layout, workspace.files, _file(workspace.layout), _PURPOSE, data)


def _file(layout: Layout) -> Path:
    return layout.local / _PURPOSE
