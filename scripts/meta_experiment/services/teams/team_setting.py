"""The team's store as this checkout uses it: where it is, and whose word counts there.

It lies with what belongs to this checkout alone, under this machine's seal, so that no commit
names a store or an owner. No secret is in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from meta_experiment.errors import InvalidStateError
from meta_experiment.files.lock import FileLock
from meta_experiment.protocol.seal import read_sealed
from meta_experiment.records import dataclass
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import MachineAdmission
from meta_experiment.store.local.sealing import refusals, write_sealed

PURPOSE = "store"


@dataclass(frozen=True, slots=True)
class TeamSetting:
    """Use of a team's store: its project and owner, and how its address is found.

    Attributes:
        project: the project's name in the store.
        owner: the public key whose admissions count here.
        url: the address, without a password; empty where a command or the environment has it.
        command: the program that prints the address; empty where there is none.
        admitted: machines, by their public keys in hex, that this checkout admits by itself.
        taken_back: machines that counted by a word of this checkout's own that holds no more.
        words: by machine, the last word of the owner that was seen here, whatever the store
            has of it now.
        pulls: whether it takes trials of others; else it ships, and takes up what is decided.
        name: this machine's, for people.
    """

    project: str
    owner: bytes
    url: str = ""
    command: str = ""
    admitted: Mapping[str, str] = field(default_factory=dict)
    taken_back: frozenset[str] = frozenset()
    words: Mapping[str, MachineAdmission] = field(default_factory=dict)
    pulls: bool = True
    name: str = ""


def read_setting(workspace: Workspace) -> TeamSetting | None:
    """Return how this checkout uses a team's store; None when it does not. StorageError."""
    path = setting_file(workspace)
    with refusals(path):
        data = read_sealed(os.fspath(workspace.root), os.fspath(path), PURPOSE)
    if not data:
        return None
    document: dict[str, Any] = json.loads(data)
    return TeamSetting(
        project=document["project"],
        owner=bytes.fromhex(document["owner"]),
        url=document["url"],
        command=document["command"],
        admitted=document["admitted"],
        taken_back=frozenset(document.get("taken_back", ())),
        words={who: _word(who, *said) for who, said in document.get("words", {}).items()},
        pulls=document.get("pulls", True),
        name=document.get("name", ""),
    )


def require_setting(workspace: Workspace) -> TeamSetting:
    """Return the same.

    Raises:
        InvalidStateError: no team's store is in use here.
    """
    found = read_setting(workspace)
    if found is None:
        raise InvalidStateError(
            f"No team's store is in use in {workspace.root}.",
            hint="meta-experiment store use postgresql://USER@HOST/DATABASE --project NAME",
        )
    return found


def write_setting(workspace: Workspace, setting: TeamSetting) -> None:
    """Use a team's store from now on. Raises StorageError."""
    document = {
        "project": setting.project,
        "owner": setting.owner.hex(),
        "url": setting.url,
        "command": setting.command,
        "admitted": dict(setting.admitted),
        "taken_back": sorted(setting.taken_back),
        "words": {
            word.machine: [
                word.public_key.hex(),
                word.number,
                word.counts,
                word.signature.hex(),
            ]
            for word in setting.words.values()
        },
        "pulls": setting.pulls,
        "name": setting.name,
    }
    data = json.dumps(document, sort_keys=True).encode()
    write_sealed(workspace.layout, workspace.files, setting_file(workspace), PURPOSE, data)


def change_setting(
    workspace: Workspace, present: TeamSetting, change: Callable[[TeamSetting], TeamSetting]
) -> TeamSetting:
    """Change the setting as it is by now; return it.

    Where another project or owner is used than at present, nothing is changed.

    Raises:
        LockedError: another process changes it for too long. StorageError: the disk refused.
    """
    with FileLock(workspace.layout.lock("store-setting"), verb="set up the team's store"):
        before = read_setting(workspace)
        if before is None or (before.project, before.owner) != (present.project, present.owner):
            return present
        after = change(before)
        if after != before:
            write_setting(workspace, after)
        return after


def _word(
    machine: str, public_key: str, number: int, counts: bool, signature: str
) -> MachineAdmission:
    key, signed = bytes.fromhex(public_key), bytes.fromhex(signature)
    return MachineAdmission(machine, key, number, counts, signed)


def setting_file(workspace: Workspace) -> Path:
    """Return where the setting lies."""
    return workspace.layout.local / PURPOSE
