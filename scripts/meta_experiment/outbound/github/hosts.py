"""Where a host of GitHub listens, and which token of the environment is meant for it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from meta_experiment.errors import UsageError, cite
from meta_experiment.records import dataclass

PUBLIC = "github.com"
_OURS = ("GH_TOKEN", "GITHUB_TOKEN")
_ENTERPRISE = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
TOKENS = (*_OURS, *_ENTERPRISE)
_DATA_RESIDENCY = ".ghe.com"


@dataclass(frozen=True, slots=True)
class GitHubHost:
    """A host with its two interfaces; `token` is empty where the environment has none for it.

    `usual` tells whether the interfaces are where `gh` looks for them as well, `at_home`
    whether the environment is about this host.
    """

    name: str
    rest: str
    graphql: str
    token: str
    usual: bool
    at_home: bool


def github_host(environment: Mapping[str, str], name: str = "") -> GitHubHost:
    """Return a host of GitHub by its name, or that of the environment.

    The environment's is what `GITHUB_API_URL` says (in Actions that is always set), else
    `GH_HOST`, else the public one. Its tokens go nowhere else: a host that somebody wrote into
    a file gets none, unless it is that one.

    Raises:
        UsageError: an address of the environment is none.
    """
    stated = environment.get("GITHUB_API_URL", "").rstrip("/")
    home = _name_of(stated) if stated else environment.get("GH_HOST", "").lower() or PUBLIC
    name = name.lower() or home
    at_home = name == home
    rest, graphql = _interfaces(name)
    usual = not stated or not at_home or stated == rest
    if not usual:
        rest = stated
        graphql = f"{stated.removesuffix('/v3')}/graphql"
    if stated and at_home:
        graphql = environment.get("GITHUB_GRAPHQL_URL", "").rstrip("/") or graphql
    named = _token_names(name, stated=bool(stated)) if at_home else ()
    token = next((environment[key] for key in named if environment.get(key)), "")
    return GitHubHost(name, rest, graphql, token.strip(), usual, at_home)


def gh_tokens(host: GitHubHost) -> dict[str, str]:
    """Return the variables by which `gh` gets a host's token of the environment, and no other.

    What stands in the one for the public host it sends to GitHub's own domains alone; that for
    other servers (where older versions look for data residency too) goes to any.
    """
    if not host.token:
        return {}
    if host.name == PUBLIC:
        return {"GH_TOKEN": host.token}
    ours = {"GH_TOKEN": host.token} if host.name.endswith(_DATA_RESIDENCY) else {}
    return {**ours, "GH_ENTERPRISE_TOKEN": host.token}


def token_hint(host: GitHubHost) -> str:
    """Return how a host gets a token."""
    if host.name == PUBLIC:
        return "Run gh auth login, or set GH_TOKEN."
    return (
        f"Run gh auth login --hostname {host.name}, or set GH_HOST={host.name} and "
        "GH_ENTERPRISE_TOKEN."
    )


def _token_names(name: str, *, stated: bool) -> tuple[str, ...]:
    """Return the variables whose token is a host's own, as `gh` and Actions have them."""
    if name == PUBLIC or name.endswith(_DATA_RESIDENCY):
        return _OURS
    return _ENTERPRISE + (_OURS if stated else ())


def _name_of(rest: str) -> str:
    """Return the name of the host whose REST interface has an address."""
    try:
        address = urlsplit(rest)
        host, port = (address.hostname or "").lower(), address.port
    except ValueError:  # such as a port of too many digits
        host = ""
    if not host or address.scheme not in ("https", "http"):
        raise UsageError(
            f"GITHUB_API_URL is {cite(rest)}, which is no address; expected "
            "https://api.github.com or https://HOST/api/v3."
        )
    if host == f"api.{PUBLIC}" or (host.startswith("api.") and host.endswith(_DATA_RESIDENCY)):
        return host.removeprefix("api.")
    return f"{host}:{port}" if port else host


def _interfaces(name: str) -> tuple[str, str]:
    if name == PUBLIC or name.endswith(_DATA_RESIDENCY):
        return f"https://api.{name}", f"https://api.{name}/graphql"
    return f"https://{name}/api/v3", f"https://{name}/api/graphql"
