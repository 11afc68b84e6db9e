"""What came of the last exchange with a team's store, for those who look and do not connect.

`status` passes here, so nothing is imported that a glance does not need.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
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


@dataclass(frozen=True, slots=True)
class ExchangeNote:
    """The last exchanges: when one went well, what failed since, what was left outside.

    `at` is None before the first. `failed` is what stopped the last one, empty when it went
    well. `aside` are the reasons by experiment. `alone` says that none of others
    are taken.
    """

    at: float | None = None
    failed: str = ""
    aside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    alone: bool = False


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
    aside = {name: tuple(said) for name, said in document["aside"].items()}
    return ExchangeNote(document["at"], document["failed"], aside, document.get("alone", False))


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


def note_exchange(
    workspace: Workspace, done: StoreExchange, *, whole: bool, alone: bool
) -> None:
    """Remember an exchange that went well; one of single experiments says nothing of others."""
    before = {} if whole else dict(read_note(workspace.layout).aside)
    for item in done.experiments:
        said = ((item.refused,) if item.refused else ()) + item.aside
        before[item.experiment_id] = said[:_MOST]
    aside = {name: said for name, said in before.items() if said}
    _write(workspace, ExchangeNote(workspace.clock(), "", aside, alone))


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
    }
    data = json.dumps(document, sort_keys=True).encode()
    with suppress(StorageError):
        write_sealed(workspace.layout, workspace.files, _file(workspace.layout), _PURPOSE, data)


def _file(layout: Layout) -> Path:
    return layout.local / _PURPOSE
