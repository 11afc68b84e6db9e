"""The way to the team's store: its address from the environment, a command or the setting.

An address may hold a password. It is handed to the driver alone, and named by `told_address`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from meta_experiment.errors import DependencyError, UsageError, cite
from meta_experiment.files.process import run
from meta_experiment.services.teams.machine_keys import Signer, own_signer
from meta_experiment.services.teams.membership import Membership
from meta_experiment.services.teams.team_setting import TeamSetting, require_setting
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import Exchange
from meta_experiment.table import entry

STORE_VARIABLE = "META_EXPERIMENT_STORE"
_EXCHANGE = "meta_experiment.store.postgres.exchange:open_exchange"
_WITHOUT_SECRETS = "meta_experiment.store.postgres.address:without_secrets"
_HAS_SECRETS = "meta_experiment.store.postgres.address:has_secrets"
_PARSE = "meta_experiment.store.postgres.address:parse"
_COMMAND_SECONDS = 30.0


@contextmanager
def opened_member(workspace: Workspace) -> Iterator[Membership]:
    """Speak with the team's store within the block; touches nothing before it is asked.

    Raises:
        InvalidStateError: none is in use here. UsageError: its address is nowhere to be found.
        DependencyError: a package is missing, or the command that prints the address failed.
    """
    setting = require_setting(workspace)
    signer = signer_of(workspace)
    exchange = open_exchange(store_url(workspace, setting), setting.project, signer.machine)
    try:
        yield Membership(exchange, setting, signer)
    finally:
        exchange.close()


def signer_of(workspace: Workspace, name: str = "") -> Signer:
    """Return this machine's key, under a name for people."""
    return own_signer(workspace.machine.data, workspace.files, name)


def open_exchange(url: str, project: str, machine_id: str) -> Exchange:
    """Open a store as a machine of a project; connects when something is asked."""
    exchange: Exchange = entry(_EXCHANGE)(url, project, machine_id)
    return exchange


def store_url(workspace: Workspace, setting: TeamSetting) -> str:
    """Return the address, which may hold a password: never to be written or shown.

    The environment goes before the command, and that before what was set.

    Raises:
        UsageError: none of them has it. DependencyError: the command failed.
    """
    named = workspace.machine.environment.get(STORE_VARIABLE, "").strip()
    if named:
        return named
    if setting.command:
        return url_of_command(workspace, setting.command)
    if setting.url:
        return setting.url
    raise UsageError(
        "The address of the team's store is nowhere to be found: it was in "
        f"{STORE_VARIABLE} when the store was first used.",
        hint=f"Set {STORE_VARIABLE}, or: meta-experiment store use --url-command COMMAND",
    )


def url_of_command(workspace: Workspace, command: str) -> str:
    """Return the first line that a command prints; no shell reads it.

    Raises:
        DependencyError: it cannot be started, failed, or printed nothing; what it printed is
            not told, as it may be the secret.
    """
    try:
        words = shlex.split(command)
        done = run(words, within=_COMMAND_SECONDS, directory=Path(workspace.root))
    except (OSError, ValueError, IndexError) as error:  # a TimeoutError is an OSError
        why = getattr(error, "strerror", None) or str(error)
        raise DependencyError(
            f"{cite(command)}, which prints the address of the team's store, did not run to "
            f"its end: {why}.",
            hint="Try it in a terminal, or name another: meta-experiment store use "
            "--url-command COMMAND",
        ) from error
    printed = done.output.decode("utf-8", "replace").strip().splitlines()
    if done.code or not printed:
        what = f"ended with {done.code}" if done.code else "printed nothing"
        raise DependencyError(
            f"{cite(command)}, which prints the address of the team's store, {what}.",
            hint="Try it in a terminal.",
        )
    return printed[0].strip()


def without_secrets(url: str) -> str:
    """Return an address without what nobody else may know. Raises UsageError."""
    plain: str = entry(_WITHOUT_SECRETS)(url)
    return plain


def has_secrets(url: str) -> bool:
    """Tell whether an address holds a password or the like. Raises UsageError."""
    return bool(entry(_HAS_SECRETS)(url))


def shared_address(url: str) -> str:
    """Return by which address others join, without a user or a secret. Raises UsageError."""
    shared: str = entry(_PARSE)(url).shared
    return shared


def told_address(url: str) -> str:
    """Return how an address is shown: host, port, database and user. Raises UsageError."""
    return str(entry(_PARSE)(url))
