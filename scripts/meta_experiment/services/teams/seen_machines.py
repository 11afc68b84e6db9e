"""The machines of a project as a checkout sees them: who counts here, who for all, and why."""

from __future__ import annotations

from meta_experiment.services.teams.membership import BelievedMachines
from meta_experiment.services.teams.statements import fingerprint
from meta_experiment.types.results.team_store import StoreMachine


def seen_machines(known: BelievedMachines) -> tuple[StoreMachine, ...]:
    """Return all machines that joined, in that order."""
    return tuple(
        StoreMachine(
            machine=item.key.machine,
            name=item.key.name,
            fingerprint=fingerprint(item.key.public_key),
            counts=item.key.machine in known.keys,
            why=known.not_admitted.get(item.key.machine),
            shipped=item.shipped,
        )
        for item in known.machines
    )
