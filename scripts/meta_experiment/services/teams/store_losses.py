"""What a store has lost, as one restored to an earlier moment has; and bringing it back.

A backup, or a copy that lagged when it took over, forgets what came last. All of it is
somewhere: logs and plans with who wrote them, the owner's words with everybody who saw them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from meta_experiment.errors import RemoteError, as_word
from meta_experiment.services.teams.exchange_note import read_note
from meta_experiment.services.teams.membership import BelievedMachines, Membership
from meta_experiment.services.teams.owner_words import tell_again
from meta_experiment.services.teams.team_setting import change_setting
from meta_experiment.services.workspace import Workspace

Sizes = Mapping[tuple[str, str], int]  # by experiment and log of this machine


def losses(
    workspace: Workspace,
    member: Membership,
    known: BelievedMachines,
    published: Collection[str],
    sizes: Sizes,
) -> Iterator[str]:
    """Say what the store lacks that it had, as far as this checkout knows."""
    if member.signer.machine not in known.stored:
        yield "that this machine joined"
    if known.lost:
        yield f"the owner's last word on machines ({len(known.lost):,})"
    for name, logs in read_note(workspace.layout).had.items():
        if name not in published:
            yield f"the plan of {as_word(name)}"
        gone = sum(max(size - sizes.get((name, log), 0), 0) for log, size in logs.items())
        if gone:
            yield f"{gone:,} bytes of this machine's logs of {as_word(name)}"


def bring_members_back(
    workspace: Workspace, member: Membership, known: BelievedMachines
) -> bool:
    """See to it that the store knows this machine and the owner's last words; keep these here.

    Tells whether it had lost any of it.

    Raises:
        NetworkError: the store does not answer. StorageError: the disk refused.
    """
    words = dict(known.words)
    lost = not known.stored.get(member.signer.machine)  # not even by its name
    if lost:
        with suppress(RemoteError):
            member.exchange.join(member.signer.key._replace(name=member.setting.name))
    if known.lost:
        words |= tell_again(member.exchange, member.setting, member.signer, known.lost)
    if words != member.setting.words:
        change_setting(workspace, member.setting, lambda before: replace(before, words=words))
    return lost or bool(known.lost)
