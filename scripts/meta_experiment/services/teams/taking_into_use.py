"""Taking a team's store into use: its address, its project, this machine in it."""

from __future__ import annotations

import re
from contextlib import closing

from meta_experiment.errors import UsageError, cite
from meta_experiment.files.platform import machine
from meta_experiment.protocol.log_head import host
from meta_experiment.records import dataclass
from meta_experiment.services.teams.membership import believed
from meta_experiment.services.teams.statements import fingerprint
from meta_experiment.services.teams.store_address import (
    STORE_VARIABLE,
    has_secrets,
    open_exchange,
    shared_address,
    signer_of,
    told_address,
    url_of_command,
    without_secrets,
)
from meta_experiment.services.teams.team_joining import join
from meta_experiment.services.teams.team_setting import read_setting
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.results.team_store import StoreUse

_NAME = re.compile(r"\S(?:[^\r\n\t]{0,38}\S)?")
_PROJECT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,98}[A-Za-z0-9])?")
_SECRET = re.compile(r"://[^\s/@:]*:[^\s@$]+@|(?<![\w-])(?:ssl)?password=[^\s$&]")
_OF_REMOTE = re.compile(
    r"[@/][\w.-]+(?::[0-9]+)?[:/](?:.*/)?([\w.-]+/[\w.-]+?)(?:\.git)?/?$", re.ASCII
)


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """Wish to use a store: its address, or the command that prints it; the project in it.

    `name` is that of this machine, for people. `create` makes the project where nobody did;
    `anew` says that it is another store than before, and that this is meant. `ship_only` takes
    no trials of others.
    """

    url: str | None
    command: str
    project: str | None
    name: str | None = None
    create: bool = False
    anew: bool = False
    ship_only: bool = False


def use_store(workspace: Workspace, wanted: StoreRequest) -> StoreUse:
    """Join a project and use its store from now on; the address is kept without its secrets.

    Raises:
        UsageError: no address, or two, or no name of a project. NetworkError, RemoteError: the
            store does not answer, or refuses; then nothing was changed here.
    """
    url, kept = _address(workspace, wanted)
    project = _project(workspace, wanted.project)
    signer = signer_of(workspace, _name(wanted.name))
    with closing(open_exchange(url, project, signer.machine)) as exchange:
        member = join(
            workspace,
            exchange,
            signer,
            url=kept,
            command=wanted.command,
            create=wanted.create,
            anew=wanted.anew,
            pulls=not wanted.ship_only,
        )
        own = signer.key
        counts = own.machine in believed(member).admitted
    is_owner = member.setting.owner == own.public_key
    return StoreUse(
        store=told_address(url),
        address=shared_address(url),
        project=project,
        owner=fingerprint(member.setting.owner),
        machine=own.machine,
        fingerprint=fingerprint(own.public_key),
        is_owner=is_owner,
        counts=counts,
        secret_dropped=bool(wanted.url) and has_secrets(url),
    )


def _address(workspace: Workspace, wanted: StoreRequest) -> tuple[str, str]:
    """Return the address, and what is kept of it: nothing where it is found elsewhere."""
    if wanted.url and wanted.command:
        raise UsageError(
            "URL and --url-command are two addresses; expected one of them.",
            hint="Leave one out.",
        )
    if wanted.command:
        if _SECRET.search(wanted.command):
            raise UsageError(
                "The command holds an address with a password, and a command is kept.",
                hint="Name a program that gets the password from where it is safe, or leave it "
                "to PGPASSFILE: meta-experiment store use postgresql://USER@HOST/DATABASE",
            )
        return url_of_command(workspace, wanted.command), ""
    if wanted.url:
        return wanted.url, without_secrets(wanted.url)
    named = workspace.machine.environment.get(STORE_VARIABLE, "").strip()
    if not named:
        raise UsageError(
            "No address of a store is named.",
            hint=f"Name one, or set {STORE_VARIABLE}: meta-experiment store use "
            "postgresql://USER@HOST/DATABASE --project NAME",
        )
    return named, ""


def _project(workspace: Workspace, named: str | None) -> str:
    """Return the name of the project: as it is named, as before, or that of the git remote."""
    before = read_setting(workspace)
    found = named or (before.project if before else "") or _of_remote(workspace)
    if not found:
        named_by = "no git remote names one (such as git@host:OWNER/NAME; a path does not)"
        raise UsageError(
            f"No project is named, and {named_by}.",
            hint="Name it as the others do: --project NAME",
        )
    if not _PROJECT.fullmatch(found):
        raise UsageError(
            f"{cite(found)} is no name of a project; expected letters, digits, '.', '_', '-' "
            "and '/', at most 100.",
            hint="Name one, the same on every machine: --project NAME",
        )
    return found


def _name(named: str | None) -> str:
    """Return the name of this machine, for people. Raises UsageError."""
    if named is None:
        return host(machine())
    if not (_NAME.fullmatch(named) and named.isprintable()):
        raise UsageError(
            f"{cite(named)} is no name for a machine; expected up to 40 printable signs.",
            hint="For example: --name 'ann, laptop'",
        )
    return named


def _of_remote(workspace: Workspace) -> str:
    """Return owner and name of the repository, which are the same in every clone."""
    if workspace.git is None:
        return ""
    done = workspace.git.run("config", "--get", "remote.origin.url")
    if done.code:
        return ""
    url = done.output.decode("utf-8", "replace").strip()
    found = _OF_REMOTE.search(url) if "@" in url or "://" in url else None
    return found[1].strip("./-_") if found else ""
