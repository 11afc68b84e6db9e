"""One request over HTTP and its answer: bounded in time and size, and never led elsewhere.

Proxies are those of the environment (`HTTPS_PROXY`, `NO_PROXY`). A redirect is an answer like
any other: whoever wants to follow it decides what goes along.
"""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import field
from urllib.parse import urlsplit

from meta_experiment.errors import NetworkError, UnsafePathError, cite
from meta_experiment.records import dataclass

ANSWER_LIMIT = 32 * 1024 * 1024  # bytes of one answer
_PART = 65_536
_OWN_HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request; a body of None is none."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer that arrived whole; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is of the two hundreds."""
        return 200 <= self.status < 300


def exchange(request: HttpRequest, *, within: float, limit: int = ANSWER_LIMIT) -> HttpReply:
    """Send a request and return its whole answer, whatever its status.

    Args:
        request: what is sent.
        within: seconds for all of it.
        limit: bytes that an answer may have.

    Raises:
        UnsafePathError: the address is no web address, or would send secrets in the clear.
        NetworkError: nobody answered in time, or not to the end.
    """
    _require_web(request)
    found: list[HttpReply | NetworkError] = []

    def ask() -> None:
        try:
            found.append(_answer(request, within, limit))
        except NetworkError as error:
            found.append(error)

    # a name that is looked up, or an answer that comes letter by letter, knows no time limit
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(within)
    if not found:
        raise NetworkError(f"{_place(request.url)} gave no whole answer within {within:.0f} s.")
    if isinstance(found[0], NetworkError):
        raise found[0]
    return found[0]


def _answer(request: HttpRequest, within: float, limit: int) -> HttpReply:
    asked = urllib.request.Request(  # noqa: S310 - looked at before
        request.url, request.body, dict(request.headers), method=request.method
    )
    end = time.monotonic() + within
    try:
        with _opener().open(asked, timeout=within) as answer:
            return _whole(answer, end, limit)
    except urllib.error.HTTPError as answer:  # an answer all the same
        with answer:
            return _heard(answer, end, limit, request)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _lost(request, error) from error


def is_own_host(url: str) -> bool:
    """Tell whether an address is on this machine, where nobody listens in."""
    return urlsplit(url).hostname in _OWN_HOSTS


def _require_web(request: HttpRequest) -> None:
    address = urlsplit(request.url)
    if address.scheme == "https" and address.hostname:
        return
    if address.scheme == "http" and address.hostname:
        secret = any(name.lower() == "authorization" for name in request.headers)
        if is_own_host(request.url) or not secret:
            return
        raise UnsafePathError(
            f"{_place(request.url)} is asked without encryption, and a token would be read on "
            "the way.",
            hint="Name the address with https://.",
        )
    raise UnsafePathError(
        f"{cite(request.url)} is no address on the web; expected https://HOST/…"
    )


def _opener() -> urllib.request.OpenerDirector:
    """Return what opens web addresses alone, and follows nothing."""
    director = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        director.add_handler(handler)
    return director


def _heard(
    answer: urllib.error.HTTPError, end: float, limit: int, request: HttpRequest
) -> HttpReply:
    try:
        return _whole(answer, end, limit)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _lost(request, error) from error


def _whole(
    answer: http.client.HTTPResponse | urllib.error.HTTPError, end: float, limit: int
) -> HttpReply:
    """Read an answer to its end. Raises TimeoutError, ValueError, HTTPException."""
    parts, size = [], 0
    while part := answer.read(_PART):
        parts.append(part)
        size += len(part)
        if size > limit:
            raise ValueError(f"the answer is longer than {limit:,} bytes")
        if time.monotonic() > end:
            raise TimeoutError("the answer took too long")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    stated = headers.get("content-length", "")
    if stated.isdecimal() and int(stated) != size:
        raise http.client.IncompleteRead(b"", int(stated) - size)
    return HttpReply(int(answer.status or 0), headers, b"".join(parts))


def _lost(request: HttpRequest, error: Exception) -> NetworkError:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    words = str(reason) or type(reason).__name__
    return NetworkError(f"{_place(request.url)} gave no whole answer: {words}.")


def _place(url: str) -> str:
    """Return host and port of an address, without what may be secret in it."""
    address = urlsplit(url)
    port = f":{address.port}" if address.port else ""
    return f"{address.hostname or 'The address'}{port}"
