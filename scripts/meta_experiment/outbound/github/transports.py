"""Two ways to GitHub: its command line program, and our own requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol

from meta_experiment import __version__
from meta_experiment.errors import DependencyError, NetworkError, cite
from meta_experiment.files import process
from meta_experiment.files.programs import find_program
from meta_experiment.outbound.github.hosts import (
    PUBLIC,
    TOKENS,
    GitHubHost,
    gh_tokens,
    github_host,
    token_hint,
)
from meta_experiment.outbound.http import HttpReply, HttpRequest, exchange
from meta_experiment.records import dataclass

GRAPHQL = "graphql"
_ACCEPT = "application/vnd.github+json"
_AGENT = f"meta-experiment/{__version__}"
_VERSION = "2022-11-28"
_NOT_LOGGED_IN = 4  # the exit code of gh where it has no token
_QUIET = {
    "GH_PROMPT_DISABLED": "1",
    "GH_NO_UPDATE_NOTIFIER": "1",
    "GH_NO_EXTENSION_UPDATE_NOTIFIER": "1",
    "GH_SPINNER_DISABLED": "1",
    "NO_COLOR": "1",
}
_LOUD = ("GH_DEBUG", "DEBUG", "CLICOLOR_FORCE", "GH_FORCE_TTY")


@dataclass(frozen=True, slots=True)
class GitHubCall:
    """A request to one host of GitHub: a path below its REST interface, or `graphql`."""

    method: str
    path: str
    document: Mapping[str, object] | None = None

    @property
    def body(self) -> bytes | None:
        """The document as JSON."""
        if self.document is None:
            return None
        return json.dumps(self.document, ensure_ascii=False, allow_nan=False).encode()


class GitHubTransport(Protocol):
    """A way to one host of GitHub."""

    host: GitHubHost

    def send(self, call: GitHubCall, *, within: float) -> HttpReply:
        """Send one request, once, and return its answer, whatever its status.

        Raises:
            NetworkError: no whole answer came in time; it may have been acted on.
            DependencyError: there is no token.
        """

    def download(self, path: str, *, within: float) -> HttpReply:
        """Return the answer that has the bytes of a path, wherever they lie.

        Raises:
            NetworkError, DependencyError: as `send`.
        """


class OwnRequests:
    """Our own requests, with a token of the environment."""

    def __init__(self, host: GitHubHost) -> None:
        self.host = host

    def send(self, call: GitHubCall, *, within: float) -> HttpReply:
        """Send one request over HTTP; a redirect is followed on this host alone."""
        if not self.host.token:
            raise DependencyError(
                f"There is no token for {self.host.name}.", hint=token_hint(self.host)
            )
        host, body = self.host, call.body
        url = host.graphql if call.path == GRAPHQL else f"{host.rest}/{call.path}"
        headers = {
            "Authorization": f"Bearer {host.token}",
            "Accept": _ACCEPT,
            "X-GitHub-Api-Version": _VERSION,
            "User-Agent": _AGENT,
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        reply = exchange(HttpRequest(call.method, url, headers, body), within=within)
        place = reply.headers.get("location", "")
        if place.startswith(f"{host.rest}/") and _keeps_method(call.method, reply.status):
            # such as a repository that has another name by now
            return exchange(HttpRequest(call.method, place, headers, body), within=within)
        return reply

    def download(self, path: str, *, within: float) -> HttpReply:
        """Return the bytes of a path, which often lie elsewhere; the token stays here."""
        reply = self.send(GitHubCall("GET", path), within=within)
        place = reply.headers.get("location", "")
        if reply.status == 302 and place.startswith(_secure(self.host)):
            return exchange(HttpRequest("GET", place, {"User-Agent": _AGENT}), within=within)
        return reply


class GhProgram:
    """The program `gh`, with what it is logged in by; nothing secret stands in arguments."""

    def __init__(self, host: GitHubHost, program: str, environment: Mapping[str, str]) -> None:
        self.host = host
        self._program = program
        left_out = (*_LOUD, *TOKENS)
        kept = {key: value for key, value in environment.items() if key not in left_out}
        self._environment = {**kept, **gh_tokens(host), **_QUIET}

    def send(self, call: GitHubCall, *, within: float) -> HttpReply:
        """Send one request by `gh api`."""
        words = [self._program, "api", "--include", "--hostname", self.host.name]
        words += ["--method", call.method, "--header", f"Accept: {_ACCEPT}"]
        words += ["--header", f"X-GitHub-Api-Version: {_VERSION}"]
        body = call.body
        if body is not None:
            words += ["--input", "-"]
        try:
            ended = process.run(
                [*words, call.path],
                within=within,
                environment=self._environment,
                stdin=body or b"",
            )
        except TimeoutError as error:
            raise NetworkError(f"gh gave no answer of {self.host.name}: {error}.") from error
        except OSError as error:
            raise DependencyError(f"{self._program} cannot be started: {error}.") from error
        reply = _reply_in(ended.output)
        # logged in elsewhere alone, gh asks without a token
        is_stranger = reply is not None and reply.status == 401 and not self.host.at_home
        if ended.code == _NOT_LOGGED_IN or is_stranger:
            raise DependencyError(
                f"gh is not logged in to {self.host.name}.", hint=token_hint(self.host)
            )
        if reply is None or (ended.code != 0 and reply.is_success and call.path != GRAPHQL):
            words_of_gh = ended.errors.decode("utf-8", "replace").strip().splitlines()
            said = cite(words_of_gh[-1]) if words_of_gh else f"it ended with {ended.code}"
            raise NetworkError(f"gh got no whole answer of {self.host.name}: {said}.")
        return reply

    def download(self, path: str, *, within: float) -> HttpReply:
        """Return the bytes of a path, which often lie elsewhere; the token stays at home.

        Where a redirect leads, gh of before July 2023 sends what it has for that place: what
        it is logged in by there, or for any place that is not GitHub's `GH_ENTERPRISE_TOKEN`.
        So bytes of such a server are fetched without it.
        """
        if self.host.token and self.host.name != PUBLIC:
            return OwnRequests(self.host).download(path, within=within)
        return self.send(GitHubCall("GET", path), within=within)


def transport_for(environment: Mapping[str, str], host_name: str = "") -> GitHubTransport:
    """Return the way to a host: `gh` where it is on the PATH, else our own requests.

    Where the environment puts the interfaces of a host elsewhere, `gh` would not find them.
    """
    host = github_host(environment, host_name)
    program = find_program("gh", environment) if host.usual else None
    return GhProgram(host, program, environment) if program else OwnRequests(host)


def _keeps_method(method: str, status: int) -> bool:
    """Tell whether a redirect means the same request at another place."""
    return status in (307, 308) or (method == "GET" and status in (301, 302))


def _secure(host: GitHubHost) -> str:
    """Return how an address begins that may be followed from a host."""
    return "https://" if host.rest.startswith("https://") else "http"


def _reply_in(output: bytes) -> HttpReply | None:
    """Read what `gh api --include` prints; None when there is no whole head in it."""
    head, found, body = output.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").splitlines() or [""]
    protocol, _, status = first.partition(" ")
    number = status[:3]
    if not found or not protocol.startswith("HTTP/") or not number.isdecimal():
        return None
    headers: dict[str, str] = {}
    for line in rest:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    stated = headers.get("content-length", "")
    if stated.isdecimal() and int(stated) != len(body):
        return None
    return HttpReply(int(number), headers, body)
