"""What GitHub's answers mean, and when to ask again.

What only reads is asked again after a fault. What writes is not: after a fault nobody knows
whether it was done, and who wrote has to look first. What a limit turned away was never done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

from meta_experiment.errors import NetworkError, RateLimitError
from meta_experiment.outbound.github.answers import (
    answer_in,
    data_in,
    items_in,
    member,
    next_path,
    object_in,
    refuse,
    unclear,
)
from meta_experiment.outbound.github.transports import (
    GRAPHQL,
    GitHubCall,
    GitHubTransport,
    transport_for,
)
from meta_experiment.outbound.http import HttpReply

_T = TypeVar("_T")
_TRIES = 4  # of what only reads
_FIRST_PAUSE = 1.0  # seconds after a fault; doubled with each
_BETWEEN_WRITES = 1.0  # seconds, as GitHub asks for
_PER_PAGE = 100


class GitHub:
    """One host of GitHub, asked within a time.

    Args:
        transport: the way there.
        within: seconds for all that is asked; a limit that ends later is not waited for.
        each: seconds that one request may take.
        clock: monotonic seconds; sleep: pause for seconds; both for tests.
    """

    def __init__(
        self,
        transport: GitHubTransport,
        *,
        within: float = 120.0,
        each: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.host = transport.host.name
        self._transport = transport
        self._each = each
        self._clock = clock
        self._sleep = sleep
        self._end = clock() + within
        self._wrote: float | None = None
        self._login = ""

    @classmethod
    def at(
        cls, environment: Mapping[str, str], host: str = "", *, within: float = 120.0
    ) -> GitHub:
        """Return a host by its name, else that of the environment."""
        return cls(transport_for(environment, host), within=within)

    def get(self, path: str, **query: object) -> Any:  # noqa: ANN401 - decoded JSON
        """Return what stands at a path such as `repos/O/R/actions/runs/1/jobs`.

        Raises:
            RemoteError: it was refused; its `status` says how.
            NetworkError: nobody answered, however often asked.
            DependencyError: there is no token.
        """
        return self._patiently(lambda: answer_in(self._get(_with(path, query)), self.host))

    def pages(self, path: str, key: str = "", **query: object) -> Iterator[dict[str, Any]]:
        """Yield every object of a list, page by page; `key` names the list in a page.

        Raises:
            RemoteError, NetworkError, DependencyError: as `get`.
        """
        following: str | None = _with(path, {"per_page": _PER_PAGE, **query})
        while following:
            found, following = self._patiently(partial(self._page, following, key))
            yield from found

    def download(self, path: str) -> bytes:
        """Return bytes, such as those of `repos/O/R/actions/artifacts/1/zip`.

        Raises:
            RemoteError, NetworkError, DependencyError: as `get`.
        """
        return self._patiently(
            lambda: (
                refuse(self._transport.download(path, within=self._within()), self.host).body
            )
        )

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """Return the data of a GraphQL query.

        Raises:
            RemoteError, NetworkError, DependencyError: as `get`.
        """
        return self._patiently(lambda: self._graphql(query, variables))

    def write(
        self, method: str, path: str, document: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """Create, change or delete something by one request; return the answer.

        Raises:
            NetworkError: nobody knows whether it was done.
            RemoteError, DependencyError: it was not.
        """
        call = GitHubCall(method, path, document)
        return self._in_turn(lambda: object_in(self._send(call), self.host))

    def mutate(self, mutation: str, **variables: object) -> dict[str, Any]:
        """Change something by one GraphQL mutation; return its data.

        Raises:
            NetworkError: nobody knows whether it was done.
            RemoteError, DependencyError: it was not.
        """
        return self._in_turn(lambda: self._graphql(mutation, variables))

    def login(self) -> str:
        """Return who we are there, as the authors of comments are named.

        Raises:
            RemoteError, NetworkError, DependencyError: as `get`.
        """
        if not self._login:
            login = member(self.ask("query { viewer { login } }"), "viewer", "login")
            if not login:
                raise unclear(self.host, "it names nobody as the owner of the token")
            self._login = str(login)
        return self._login

    def pause(self, seconds: float, fault: NetworkError) -> None:
        """Wait after a fault, where the time that is left allows it.

        Raises:
            NetworkError: it does not; the fault itself.
        """
        if not self._has(seconds):
            raise fault
        self._sleep(seconds)

    def _get(self, path: str) -> HttpReply:
        return self._send(GitHubCall("GET", path))

    def _page(self, path: str, key: str) -> tuple[list[dict[str, Any]], str | None]:
        reply = self._get(path)
        rest = self._transport.host.rest
        return items_in(reply, self.host, key), next_path(reply, rest)

    def _graphql(self, query: str, variables: Mapping[str, object]) -> dict[str, Any]:
        document = {"query": query, "variables": dict(variables)}
        return data_in(self._send(GitHubCall("POST", GRAPHQL, document)), self.host)

    def _send(self, call: GitHubCall) -> HttpReply:
        return self._transport.send(call, within=self._within())

    def _within(self) -> float:
        """Return the seconds that the next request may take."""
        left = self._end - self._clock()
        if left <= 0:
            raise NetworkError(f"{self.host} gave no usable answer in the time that was set.")
        return min(self._each, left)

    def _patiently(self, ask: Callable[[], _T]) -> _T:
        """Ask for what only reads, again after a fault and after a limit."""
        pause = _FIRST_PAUSE
        for _ in range(_TRIES - 1):
            try:
                return self._after_limits(ask)
            except NetworkError as fault:
                self.pause(pause, fault)
                pause *= 2
        return self._after_limits(ask)

    def _in_turn(self, write: Callable[[], _T]) -> _T:
        """Write once, a second after the last time."""
        if self._wrote is not None:
            self._sleep(max(0.0, self._wrote + _BETWEEN_WRITES - self._clock()))
        try:
            return self._after_limits(write)
        finally:
            self._wrote = self._clock()

    def _after_limits(self, ask: Callable[[], _T]) -> _T:
        """Ask, and again when a limit has ended, each time after twice the wait."""
        again = 1.0
        while True:
            try:
                return ask()
            except RateLimitError as limit:
                wait = limit.wait * again
                if not self._has(wait):
                    raise
                self._sleep(wait)
                again *= 2

    def _has(self, seconds: float) -> bool:
        return self._clock() + seconds < self._end


def _with(path: str, query: Mapping[str, object]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
