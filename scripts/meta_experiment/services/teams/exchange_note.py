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

from meta_experiment.errors import StorageError, as_word, cite
from meta_experiment.files.roots import Layout
from meta_experiment.model.instants import to_text
from meta_experiment.protocol.seal import read_sealed
from meta_experiment.records import dataclass
from meta_experiment.types.results.team_store import NOT_ADMITTED, StoreMachine

if TYPE_CHECKING:
    from meta_experiment.services.workspace import Workspace
    from meta_experiment.types.results.team_store import StoreExchange

_PURPOSE = "store-exchange"
_NAMED = 5  # machines in a sentence
_MOST = 20  # reasons that are kept of an experiment
_NEWS = 7 * 86400.0  # seconds for which it is told that the store went back


@dataclass(frozen=True, slots=True)
class ExchangeNote:
    """The last exchanges: when one went well, what failed since, what was left outside.

    `at` is None before the first. `failed` is what stopped the last one, empty when it went
    well. `aside` are the reasons by experiment. `alone` says that none of others
    are taken. `had` is how much the store had of this machine's logs, by experiment; `lost` is
    what an exchange at `lost_at` found that it had no longer, as long as that is news.
    `machines` are those of the project, of which `own` is this one.
    """

    at: float | None = None
    failed: str = ""
    aside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    alone: bool = False
    had: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    lost_at: float = 0.0
    own: str = ""
    machines: tuple[StoreMachine, ...] = ()


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
        own=document.get("own", ""),
        machines=tuple(StoreMachine(*it) for it in document.get("machines", ())),
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
    yield from _standing(note)
    said = [f"{name}: {why}" for name, reasons in note.aside.items() for why in reasons]
    if said:
        more = f" (and {len(said) - 1:,} more)" if said[1:] else ""
        yield f"{said[0]}{more}. See it: meta-experiment store show"


def _standing(note: ExchangeNote) -> Iterator[str]:
    """Say of machines that wait for the owner's word, this one and others."""
    waiting = []
    for item in note.machines:
        if item.why and item.machine == note.own:
            yield (
                f"This machine ({as_word(item.machine)}) counts in this checkout only, except "
                f"where a plan names it: {item.why}. The owner runs: "
                f"meta-experiment store admit {as_word(item.machine)}"
            )
        elif item.why == NOT_ADMITTED and not item.counts and item.shipped is not None:
            waiting.append(f"{as_word(item.machine)} ({cite(item.name, 40)})")
    if waiting:
        more = f" and {len(waiting) - _NAMED:,} more" if waiting[_NAMED:] else ""
        yield (
            f"Trials wait in the team's store, as {NOT_ADMITTED.removesuffix(' it')} their "
            f"machine: {', '.join(waiting[:_NAMED])}{more}. Compare fingerprints (store show); "
            "then the owner runs: meta-experiment store admit MACHINE"
        )


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
    seen: tuple[str, tuple[StoreMachine, ...]],
    *,
    whole: bool,
    alone: bool,
) -> None:
    """Remember an exchange that went well; one of single experiments says nothing of others.

    `seen` is this machine, and all.
    """
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
    _write(workspace, ExchangeNote(now, "", aside, alone, known, lost, lost_at, *seen))


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
        "own": note.own,
        "machines": [
            (it.machine, it.name, it.fingerprint, it.counts, it.why, it.shipped)
            for it in note.machines
        ],
    }
    data = json.dumps(document, sort_keys=True).encode()
    with suppress(StorageError):
        write_sealed(workspace.layout, workspace.files, _file(workspace.layout), _PURPOSE, data)


def _file(layout: Layout) -> Path:
    return layout.local / _PURPOSE
