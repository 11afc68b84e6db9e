"""The team's store as this checkout uses it: where it is, and whose word counts there.

It lies with what belongs to this checkout alone, under this machine's seal, so that no commit
names a store or an owner. No secret is in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from meta_experiment.errors import InvalidStateError
from meta_experiment.protocol.seal import read_sealed
from meta_experiment.records import dataclass
from meta_experiment.services.workspace import Workspace
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
        numbers: by machine, the last word of the owner that was seen here, so that none that
            is older is put in its place.
        pulls: whether it takes trials of others; else it ships, and takes up what is decided.
    """

    project: str
    owner: bytes
    url: str = ""
    command: str = ""
    admitted: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    pulls: bool = True


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
        numbers=document["numbers"],
        pulls=document.get("pulls", True),
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
        "numbers": dict(setting.numbers),
        "pulls": setting.pulls,
    }
    data = json.dumps(document, sort_keys=True).encode()
    write_sealed(workspace.layout, workspace.files, setting_file(workspace), PURPOSE, data)


def setting_file(workspace: Workspace) -> Path:
    """Return where the setting lies."""
    return workspace.layout.local / PURPOSE
