"""What PostgreSQL and the way to it refuse, in our own tree of errors and without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from meta_experiment.errors import (
    ConflictError,
    ForbiddenError,
    HeldStoreError,
    MetaExperimentError,
    NetworkError,
    RemoteError,
    cite,
)
from meta_experiment.store.exchange import LockHolder, ending_hint
from meta_experiment.store.postgres.address import SECRETS, Address

if TYPE_CHECKING:
    import psycopg

CREDENTIALS = "Check user and password; PGPASSFILE and PGSERVICE are libpq's own and work."
NO_SCHEMA = "Whoever owns the database runs: meta-experiment store use URL"
_HELD = "55P03"  # somebody held a lock for longer than was to be waited
_AGAIN = "Run it again; what was done already is known and not done twice."
_ALLOW = "{allow}"


class Refusal(NamedTuple):
    """What is said of a failure: `{at}` is the address, `{allow}` what lets the user in."""

    error: type[MetaExperimentError]
    message: str
    hint: str


_LOST = Refusal(
    NetworkError,
    "The connection to the team's store ({at}) was lost; what was asked for may be done.",
    _AGAIN,
)
_REPLICA = Refusal(
    RemoteError,
    "The team's store ({at}) can only be read: it is a replica, or kept from being written.",
    "Name the primary in the URL, or add target_session_attrs=read-write.",
)
_STRANGER = Refusal(
    RemoteError, "The team's store ({at}) does not let this user in.", CREDENTIALS
)
_NO_DATABASE = Refusal(
    RemoteError,
    "The team's store ({at}): there is no such database.",
    "Make it (createdb), or name another in the URL.",
)
_FULL = Refusal(
    NetworkError,
    "The team's store ({at}) has no connection left.",
    "Run it again later, or allow more (max_connections).",
)
_STATES: Mapping[str, Refusal] = {  # by the whole code, or how it begins
    "08": _LOST,
    "23": Refusal(
        ConflictError,
        "The team's store ({at}) has something else in this place: {said}.",
        "Run: meta-experiment store check",
    ),
    "25006": _REPLICA,
    "28": _STRANGER,
    "3D000": _NO_DATABASE,
    "3F000": Refusal(
        RemoteError, "The team's store ({at}) has no schema meta_experiment.", NO_SCHEMA
    ),
    "40": Refusal(
        HeldStoreError, "Others changed the same in the team's store ({at}).", _AGAIN
    ),
    "42501": Refusal(
        ForbiddenError,
        "The team's store ({at}) does not allow this user what was asked for: {said}.",
        _ALLOW,
    ),
    "42": Refusal(
        RemoteError,
        "The team's store ({at}) lacks what belongs there: {said}.",
        "Restore its schema from a backup, or use a new database.",
    ),
    "53300": _FULL,
    "53": Refusal(
        RemoteError,
        "The team's store ({at}) has no room left: {said}.",
        "Make room there, then run it again.",
    ),
    "57014": Refusal(NetworkError, "The team's store ({at}) did not answer in time.", _AGAIN),
    "57P": _LOST,
}
# How the policy is named by which logs are kept for the role that joined their machine.
_OF_ANOTHER_ROLE = re.compile('policy "(machine )?of another role"')
_BOUND = Refusal(
    RemoteError,
    "The team's store ({at}) takes lines of this machine from the role of the database alone "
    "that joined it, which is another one.",
    "Whoever owns the schema runs: select meta_experiment.bind('PROJECT', 'MACHINE', 'ROLE')",
)
_OTHER = Refusal(
    RemoteError,
    "The team's store ({at}) refused: {said}.",
    "Run: meta-experiment store check",
)
_NONE = Refusal(
    NetworkError,
    "No connection to the team's store ({at}) came about: {said}.",
    "Check its URL, and that the network is up.",
)

# What libpq says of a connection that did not come about has no code, but its own words.
_SAYINGS: Mapping[str, Refusal] = {
    r"authentication|no password supplied|role .* does not exist|no pg_hba\.conf": _STRANGER,
    r"database .* does not exist": _NO_DATABASE,
    r"too many (clients|connections)|remaining connection slots": _FULL,
    r"read-only|read-write": _REPLICA,
    r"certificate verify failed": Refusal(
        NetworkError,
        "Who answers as the team's store ({at}) does not prove to be it: its certificate has "
        "expired, or is of no authority that is trusted here.",
        "Check sslrootcert in the URL, and until when the server's certificate holds.",
    ),
    r"does not match host name": Refusal(
        NetworkError,
        "Who answers as the team's store ({at}) shows the certificate of another host: {said}.",
        "Name the host in the URL as its certificate does.",
    ),
    r"root certificate file": Refusal(
        NetworkError,
        "The certificate of the authority by which the team's store ({at}) is to prove itself "
        "is not there.",
        "Name its file in the URL: sslrootcert=FILE, or sslrootcert=system for those of this "
        "machine.",
    ),
    r"SSL|TLS|certificate": Refusal(
        NetworkError,
        "No encrypted connection to the team's store ({at}) came about: {said}.",
        "Check sslmode and sslrootcert in the URL, and what the server offers.",
    ),
    r"translate host name|not known|No address associated|resolution": Refusal(
        NetworkError,
        "The host of the team's store ({at}) is not known.",
        "Check its name in the URL, and that the network is up.",
    ),
    r"refused|Is the server running|No such file": Refusal(
        NetworkError,
        "Nobody answers where the team's store should be ({at}).",
        "Check host and port in the URL, and that the server runs.",
    ),
    r"unreachable|No route": Refusal(
        NetworkError,
        "There is no way to the team's store ({at}).",
        "Check the network, or a VPN that it needs. Everything goes on locally meanwhile.",
    ),
    r"timeout|timed out": Refusal(
        NetworkError,
        "The team's store ({at}) did not answer in time.",
        "Check the network. Everything goes on locally meanwhile.",
    ),
    r"starting up|shutting down|recovery": Refusal(
        NetworkError, "The team's store ({at}) is starting or stopping.", _AGAIN
    ),
    r"service": Refusal(
        RemoteError, "libpq knows no such service.", "Check PGSERVICE and its file."
    ),
    r"closed the connection|consuming input|is (closed|lost)|could not (send|rec)": _LOST,
}


def allow_hint(address: Address, project: str) -> str:
    """Say what the owner of the schema runs, so that this user may take part in a project."""
    role, named = address.user or "ROLE", project or "PROJECT"
    said = ", ".join(f"'{cite(word)[1:-1]}'" for word in (role, named, "member"))
    return f"Whoever owns the schema runs: select meta_experiment.allow({said})"


@contextmanager
def told(address: Address, project: str = "") -> Iterator[None]:
    """Raise what the driver raises within as an error of ours."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise translated(error, address, project) from None


def translated(
    error: psycopg.Error, address: Address, project: str = ""
) -> MetaExperimentError:
    """Return what an error of the driver means.

    It is told without its cause: libpq repeats what it was given, secrets included.
    """
    if error.sqlstate == _HELD:
        return _held(address, getattr(error, "holders", ()))
    said = error.diag.message_primary or str(error)
    if _OF_ANOTHER_ROLE.search(said):
        refusal = _BOUND
    else:
        refusal = _by_state(error.sqlstate) if error.sqlstate else _by_words(said)
    message = refusal.message.format(at=address, said=cite(_without_secret(said, address)))
    hint = refusal.hint.format(allow=allow_hint(address, project))
    return refusal.error(message, hint=hint)


def _held(address: Address, holders: Sequence[LockHolder]) -> HeldStoreError:
    """Say that somebody holds what was waited for, and who."""
    who = " and ".join(item.sentence for item in holders) or "somebody, who cannot be seen here"
    return HeldStoreError(
        f"What was to be written into the team's store ({address}) is held there by {who}.",
        hint=ending_hint(holders),
    )


def _by_state(state: str) -> Refusal:
    lengths = (5, 3, 2)
    return next((_STATES[state[:n]] for n in lengths if state[:n] in _STATES), _OTHER)


def _by_words(said: str) -> Refusal:
    return next(
        (refusal for words, refusal in _SAYINGS.items() if re.search(words, said)), _NONE
    )


def _without_secret(said: str, address: Address) -> str:
    """Say why the last try failed, without the password, should anything repeat it."""
    from psycopg import conninfo

    secrets = conninfo.conninfo_to_dict(address.conninfo)
    for name in SECRETS:
        if secret := secrets.get(name):
            said = said.replace(str(secret), "…")
    return said.strip().rpartition("\n")[2].rpartition(" failed: ")[2].strip().rstrip(".")
