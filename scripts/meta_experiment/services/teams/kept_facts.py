"""What this checkout has seen of a team's experiment, whatever its store says of it now.

A store may be one that was restored to an earlier moment. What was leased stays leased, and
what was decided stays decided, for whoever saw it: it lies here under this machine's seal, and
the store is told again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from meta_experiment.files.confine import safe_component
from meta_experiment.files.lock import FileLock
from meta_experiment.protocol.seal import read_sealed
from meta_experiment.records import dataclass
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import TeamDecision, TeamNote
from meta_experiment.store.local.sealing import refusals, write_sealed
from meta_experiment.types import Experiment


@dataclass(frozen=True, slots=True)
class KeptFacts:
    """What was seen: it counted then, by the words of the owner of that time.

    Attributes:
        leased_end: the position from which on nothing was leased.
        decision: what was decided, as its machine signed it with `public_key`.
        carried_out: that it was carried out, as the machine that did so said it.
        holders: machines that had the right to decide whenever that was looked at lately, and
            since when by this machine's own clock.
    """

    leased_end: int = 0
    decision: TeamDecision | None = None
    public_key: bytes = b""
    carried_out: TeamNote | None = None
    holders: Mapping[str, float] = field(default_factory=dict)


NOTHING_SEEN = KeptFacts()


def read_kept(workspace: Workspace, experiment: Experiment) -> KeptFacts:
    """Return what was seen of an experiment under this very plan. Raises StorageError."""
    path = _file(workspace, experiment)
    with refusals(path):
        data = read_sealed(os.fspath(workspace.root), os.fspath(path), _purpose(experiment))
    if not data:
        return NOTHING_SEEN
    document: dict[str, Any] = json.loads(data)
    name, decision, note = experiment.experiment_id, document["decision"], document["note"]
    return KeptFacts(
        leased_end=document["leased_end"],
        decision=decision
        and TeamDecision(name, *decision[:3], *map(bytes.fromhex, decision[3:])),
        public_key=bytes.fromhex(document["public_key"]),
        carried_out=note and TeamNote(name, *note[:2], *map(bytes.fromhex, note[2:])),
        holders=document.get("holders", {}),
    )


def change_kept(
    workspace: Workspace, experiment: Experiment, change: Callable[[KeptFacts], KeptFacts]
) -> None:
    """Remember what a function makes of what was seen so far; one at a time.

    Raises:
        LockedError: another process does it for too long. StorageError: the disk refused.
    """
    lock = workspace.layout.lock(f"{experiment.experiment_id}.team")
    with FileLock(lock, verb="remember what the team's store had"):
        before = read_kept(workspace, experiment)
        after = change(before)
        if after == before:
            return
        decision, note = after.decision, after.carried_out
        document = {
            "leased_end": after.leased_end,
            "decision": decision
            and [*decision[1:4], decision.document.hex(), decision.signature.hex()],
            "public_key": after.public_key.hex(),
            "note": note and [*note[1:3], note.document.hex(), note.signature.hex()],
            "holders": dict(after.holders),
        }
        data = json.dumps(document, sort_keys=True).encode()
        path = _file(workspace, experiment)
        write_sealed(workspace.layout, workspace.files, path, _purpose(experiment), data)


def _file(workspace: Workspace, experiment: Experiment) -> Path:
    return workspace.layout.local / "team" / safe_component(experiment.experiment_id)


def _purpose(experiment: Experiment) -> str:
    return f"team {experiment.experiment_id} {terms_sha256(experiment)}"
