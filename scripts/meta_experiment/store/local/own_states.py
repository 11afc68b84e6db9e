"""What this checkout alone knows of a team's experiments: that it left one, or took up its end.

A team shares plans by git, and decides over its store. What follows in one checkout would be a
change of the registry, which the next pull would refuse to overwrite; so it stands apart, under
the seal of this machine, over the registry that git brings.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from meta_experiment.assign.uniform import sha256
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.model.experiment_document import (
    experiment_from_document,
    experiment_to_document,
)
from meta_experiment.protocol.seal import read_sealed
from meta_experiment.records import dataclass
from meta_experiment.store.local.sealing import refusals, write_sealed
from meta_experiment.types import Experiment, Status

_PURPOSE = "states"  # of the seal
_STATE = ("status", "started", "ended", "outcomes", "ended_arms")


@dataclass(frozen=True, slots=True)
class OwnState:
    """An experiment as it stands here, and the digest of the state that the registry had."""

    experiment: Experiment
    base: str

    def over(self, registered: Experiment) -> Experiment:
        """Return a registered experiment with the state that it has here.

        What the registry says since is newer; but what was halted here does not go on for it.
        """
        halted = _halt(self.experiment.status) > _halt(registered.status)
        if not halted and self.base != _digest(registered):
            return registered
        return replace(registered, **_state(self.experiment))


OwnStates = Mapping[str, OwnState]


def read_states(layout: Layout) -> OwnStates:
    """Return the states of this checkout's own; what a commit brought along is none.

    Raises:
        CorruptStoreError: a newer version wrote them. StorageError: they cannot be read.
    """
    with refusals(layout.own_states):
        data = read_sealed(os.fspath(layout.root), os.fspath(layout.own_states), _PURPOSE)
    if not data:
        return {}
    documents: dict[str, dict[str, Any]] = json.loads(data)
    return {
        name: OwnState(experiment_from_document(item["experiment"], name), item["base"])
        for name, item in documents.items()
    }


def write_states(layout: Layout, files: FileSystem, states: OwnStates) -> None:
    """Keep the states; durable on return. Raises StorageError."""
    documents = {
        name: {"base": item.base, "experiment": experiment_to_document(item.experiment)}
        for name, item in states.items()
    }
    data = json.dumps(documents, ensure_ascii=False, indent=1).encode()
    write_sealed(layout, files, layout.own_states, _PURPOSE, data)


def as_they_stand(registered: Iterable[Experiment], states: OwnStates) -> list[Experiment]:
    """Return the experiments of the registry as they stand in this checkout."""
    return [
        states[item.experiment_id].over(item)
        if item.experiment_id in states and item.plan.team is not None
        else item
        for item in registered
    ]


def parted(
    registered: Sequence[Experiment], states: OwnStates, after: Sequence[Experiment]
) -> tuple[list[Experiment], OwnStates]:
    """Part a change into what the registry is to say, and what is of this checkout alone.

    That is how a team's experiment stands here once it began: for all it begins, and is put
    away, as any other. States of what the registry does not have stay, as on another branch.
    """
    known = {item.experiment_id: item for item in registered}
    shared = list[Experiment]()
    own = {name: state for name, state in states.items() if name not in known}
    for item in after:
        before = known.get(item.experiment_id)
        if before is None or not _is_own(before, item):
            shared.append(item)
            own.pop(item.experiment_id, None)
            continue
        shared.append(replace(item, **_state(before)))
        if _state(item) != _state(before):
            own[item.experiment_id] = OwnState(item, _digest(before))
    return shared, own


def _is_own(registered: Experiment, after: Experiment) -> bool:
    begins, put_away = registered.status is Status.DRAFT, after.status is Status.ARCHIVED
    return after.plan.team is not None and not begins and not put_away


def _halt(status: Status) -> int:
    """Return how far from serving a status is: it goes on, waits, or has ended."""
    return (status is not Status.RUNNING) + (not status.is_open)


def _state(experiment: Experiment) -> dict[str, Any]:
    return {name: getattr(experiment, name) for name in _STATE}


def _digest(experiment: Experiment) -> str:
    document = experiment_to_document(experiment)
    said = json.dumps({name: document.get(name) for name in _STATE}, sort_keys=True)
    return str(sha256(said.encode()).hexdigest())
