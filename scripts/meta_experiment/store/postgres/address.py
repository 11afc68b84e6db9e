"""Where a team's store is: a URL as libpq reads it, of which the secrets are never told."""

from __future__ import annotations

import re
from typing import Any

from meta_experiment.errors import DependencyError, UsageError, as_word
from meta_experiment.files.installed import install_hint
from meta_experiment.records import dataclass

# What people set in the URL, in a service file or in PG… variables holds; the rest is bounded.
_BOUNDS = {
    "connect_timeout": "10",
    "keepalives_idle": "5",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "application_name": "meta-experiment",
}

SECRETS = frozenset(
    {
        "password",
        "sslpassword",
        "oauth_client_secret",
        "scram_client_key",
        "scram_server_key",
    }
)

_UNREADABLE = "The URL of the team's store cannot be read."
_EXPECTED = (
    "Expected: postgresql://USER@HOST:PORT/DATABASE; signs like @ or / in a password are "
    "written as %40 or %2F."
)


@dataclass(frozen=True, slots=True)
class Address:
    """The place of a database and who one is there; its text is fit to be shown.

    `conninfo` may hold a password.
    """

    conninfo: str
    host: str
    port: str
    database: str
    user: str

    def __str__(self) -> str:
        """Say host, port, database and user, and nothing else."""
        host = as_word(self.host or "the local socket")
        port = f":{as_word(self.port)}" if self.port else ""
        database = f", database {as_word(self.database)}" if self.database else ""
        return f"{host}{port}{database}" + (f", user {as_word(self.user)}" if self.user else "")

    @property
    def shared(self) -> str:
        """Return the URL that others join by, where it is one of a host that has a name."""
        place = f"{self.host}:{self.port}" if self.port else self.host
        plain = re.fullmatch(r"[\w.:-]+/[\w.-]*", f"{place}/{self.database}", re.ASCII)
        return f"postgresql://USER@{place}/{self.database}" if plain else "URL"

    def __repr__(self) -> str:
        """Show what the text does."""
        return f"<{self}>"


def parse(url: str) -> Address:
    """Read a URL, or the words `key=value`, as libpq does; what is not said is its own default.

    Raises:
        UsageError: libpq cannot read it. DependencyError: the driver is missing.
    """
    driver()
    from psycopg import conninfo

    try:
        words = conninfo.conninfo_to_dict(url)
    except Exception:  # noqa: BLE001 - libpq's own sentence would show the URL
        raise UsageError(_UNREADABLE, hint=_EXPECTED) from None
    # with `service` in it, libpq itself would let the bounds win over what the service says
    bounded = {**_BOUNDS, **words} if "service" not in words else words
    known = {word: str(words.get(word) or "") for word in ("host", "port", "dbname", "user")}
    if "@" in known["host"] + known["dbname"] or not re.fullmatch("[0-9,]*", known["port"]):
        # a password with such signs ends early, and its rest would be told as host or database
        raise UsageError(_UNREADABLE, hint=_EXPECTED)
    return Address(
        conninfo.make_conninfo("", **bounded),
        known["host"],
        known["port"],
        known["dbname"],
        known["user"],
    )


def without_secrets(url: str) -> str:
    """Return a URL as words `key=value`, without its secrets. Raises as `parse`."""
    kept = {word: value for word, value in _words(url).items() if word not in SECRETS}
    from psycopg import conninfo

    return conninfo.make_conninfo("", **kept)


def has_secrets(url: str) -> bool:
    """Tell whether a URL holds a password or the like. Raises as `parse`."""
    return not SECRETS.isdisjoint(_words(url))


def _words(url: str) -> dict[str, Any]:
    parse(url)
    from psycopg import conninfo

    return conninfo.conninfo_to_dict(url)


def driver() -> None:
    """Load the driver.

    Raises:
        DependencyError: it is not installed, or has no libpq.
    """
    try:
        import psycopg  # noqa: F401
        import psycopg_pool  # noqa: F401
    except ImportError as error:
        raise DependencyError(
            f"A team's store needs {error.name or error}, which is not installed.",
            hint=install_hint("team"),
        ) from error
