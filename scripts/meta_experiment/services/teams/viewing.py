"""What a checkout knows of its team's store, and what the store says, where it answers."""

from __future__ import annotations

from collections.abc import Mapping

from meta_experiment.errors import MetaExperimentError
from meta_experiment.services.teams.exchange_note import read_note
from meta_experiment.services.teams.exchanging import team_experiments
from meta_experiment.services.teams.membership import believed, require_owner
from meta_experiment.services.teams.seen_machines import seen_machines
from meta_experiment.services.teams.shipping import waiting_bytes
from meta_experiment.services.teams.statements import fingerprint, machine_id
from meta_experiment.services.teams.store_address import opened_member, store_url, told_address
from meta_experiment.services.teams.team_setting import TeamSetting, require_setting
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.team_store import (
    StoreView,
    WaitingExperiment,
)


def view(workspace: Workspace) -> StoreView:
    """Show the store in use; without an answer of it what is known here.

    Raises:
        InvalidStateError: none is in use here.
    """
    setting = require_setting(workspace)
    unreachable = None
    note = read_note(workspace.layout)
    machines, own = note.machines, note.own
    sizes: Mapping[tuple[str, str], int] = {
        (name, log): size for name, logs in note.had.items() for log, size in logs.items()
    }
    try:
        with opened_member(workspace) as member:
            own = member.signer.machine
            require_owner(member)
            machines = seen_machines(believed(member))
            sizes = member.exchange.sizes()
    except MetaExperimentError as error:
        unreachable = error.told
    return StoreView(
        store=_told(workspace, setting),
        project=setting.project,
        owner=fingerprint(setting.owner),
        machine=own,
        is_owner=own == machine_id(setting.owner),
        machines=machines,
        waiting=_waiting(workspace, sizes),
        exchanged=note.at,
        failed=note.failed or None,
        aside={name: list(said) for name, said in note.aside.items()},
        lost=note.lost,
        unreachable=unreachable,
    )


def _waiting(
    workspace: Workspace, sizes: Mapping[tuple[str, str], int]
) -> tuple[WaitingExperiment, ...]:
    names = [item.experiment_id for item in team_experiments(workspace)]
    return tuple(WaitingExperiment(it, waiting_bytes(workspace, it, sizes)) for it in names)


def _told(workspace: Workspace, setting: TeamSetting) -> str | None:
    try:
        return told_address(store_url(workspace, setting))
    except MetaExperimentError:
        return None
