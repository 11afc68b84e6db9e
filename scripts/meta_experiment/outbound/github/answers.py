"""Answers of GitHub, read: the document in it, what a refusal means, how long a limit holds."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, NoReturn

from meta_experiment.errors import NetworkError, RateLimitError, RemoteError, cite
from meta_experiment.outbound.http import HttpReply

_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')
_LIMITED = ("secondary rate limit", "abuse detection", "rate limit exceeded")
_LEAST_WAIT = 60.0  # seconds after a secondary limit that does not say how long it holds
_RIGHTS = (
    "The token needs the right to write issues (in Actions `issues: write`, for a pull request "
    "`pull-requests: write` as well) or discussions (`discussions: write`), to look at runs "
    "`actions: read`. Jobs of a fork have none of these; a locked thread takes no comment."
)
_MEANINGS = {
    401: ("does not accept the token", "Log in again, or set another token."),
    403: (
        "does not allow this",
        _RIGHTS,
    ),
    404: (
        "has no such thing, or hides it from this token",
        "Check repository and number.",
    ),
    410: ("no longer has this", "Issues may be disabled there, or it was deleted or expired."),
    422: ("cannot use what it was sent", None),
}


def refuse(reply: HttpReply, host: str) -> HttpReply:
    """Return an answer that is none of refusal, limit or fault.

    Raises:
        RateLimitError: a limit is reached; nothing was done.
        NetworkError: the other side failed; something may have been done.
        RemoteError: it refused.
    """
    if reply.is_success:
        return reply
    if reply.status >= 500 or reply.status in (0, 408):
        raise NetworkError(f"{host} failed: HTTP {reply.status}{_said(reply)}.")
    if reply.status in (403, 429) and (wait := _wait(reply)) is not None:
        raise _limited(host, wait, reply.status)
    meaning, hint = _MEANINGS.get(reply.status, ("refused", None))
    raise RemoteError(
        f"{host} {meaning}: HTTP {reply.status}{_said(reply)}.", status=reply.status, hint=hint
    )


def answer_in(reply: HttpReply, host: str) -> Any:  # noqa: ANN401
    """Return the document of an answer.

    Raises:
        RemoteError, RateLimitError, NetworkError: as `refuse`, or it is no JSON to its end.
    """
    body = refuse(reply, host).body
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise unclear(host, "no JSON") from error


def object_in(reply: HttpReply, host: str) -> dict[str, Any]:
    """Return the object of an answer; an empty one where nothing was to be said.

    Raises:
        RemoteError, RateLimitError, NetworkError: as `answer_in`, or it is no object.
    """
    if reply.status == 204:
        return {}
    answer = answer_in(reply, host)
    if not isinstance(answer, dict):
        raise unclear(host, "JSON that is no object")
    return answer


def items_in(reply: HttpReply, host: str, key: str = "") -> list[dict[str, Any]]:
    """Return the objects of a list, or of the list that an object calls by `key`.

    Raises:
        RemoteError, RateLimitError, NetworkError: as `answer_in`, or there is no such list.
    """
    answer = answer_in(reply, host)
    return objects(member(answer, key) if key else answer, host)


def objects(listed: Any, host: str) -> list[dict[str, Any]]:  # noqa: ANN401 - decoded JSON
    """Return a list that holds objects alone. Raises NetworkError where it is none."""
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise unclear(host, "no list of objects")
    return listed


def member(document: Any, *names: str) -> Any:  # noqa: ANN401 - decoded JSON
    """Return what lies below names; None where nothing does."""
    for name in names:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def unclear(host: str, what: str) -> NetworkError:
    """Return what is to be said where an answer has no form that GitHub gives it.

    It may come from somebody between, before or after GitHub has acted.
    """
    return NetworkError(
        f"{host} answered, but not as GitHub does: {what}.",
        hint="Look whether GITHUB_API_URL or GH_HOST names a GitHub server, and whether a "
        "proxy (HTTPS_PROXY) answers in its place. Then run it again.",
    )


def data_in(reply: HttpReply, host: str) -> dict[str, Any]:
    """Return the data of an answer of GraphQL, whose errors come under a status of success.

    Raises:
        RemoteError, RateLimitError, NetworkError: as `object_in`.
    """
    answer = object_in(reply, host)
    if errors := answer.get("errors"):
        _refuse_query(errors, reply, host)
    data = answer.get("data")
    if not isinstance(data, dict):
        raise unclear(host, "a query got no data")
    return data


def next_path(reply: HttpReply, rest: str) -> str | None:
    """Return the path of the page after an answer; None after the last.

    Raises:
        RemoteError: the next page lies at another host, to which no token goes.
    """
    found = _NEXT.search(reply.headers.get("link", ""))
    if found is None:
        return None
    url = found.group(1)
    if not url.startswith(f"{rest}/"):
        raise RemoteError(f"The next page is said to be at {cite(url)}, which is not {rest}.")
    return url.removeprefix(f"{rest}/")


def _refuse_query(errors: Any, reply: HttpReply, host: str) -> NoReturn:  # noqa: ANN401
    listed = errors if isinstance(errors, list) else []
    known = [item for item in listed if isinstance(item, Mapping)]
    kinds = {str(item.get("type")) for item in known}
    message = str(known[0].get("message", "")) if known else ""
    said = f": {cite(message)}" if message else ""
    if "RATE_LIMITED" in kinds or any(word in message.lower() for word in _LIMITED):
        raise _limited(host, _wait(reply) or _LEAST_WAIT, reply.status)
    for kind, status in (("FORBIDDEN", 403), ("INSUFFICIENT_SCOPES", 403), ("NOT_FOUND", 404)):
        if kind in kinds:
            meaning, hint = _MEANINGS[status]
            raise RemoteError(f"{host} {meaning}{said}.", status=status, hint=hint)
    if "UNPROCESSABLE" in kinds or any("extensions" in item for item in known):
        raise RemoteError(f"{host} cannot use what it was sent{said}.", status=422)
    raise NetworkError(f"{host} failed at a query{said}.")


def _wait(reply: HttpReply) -> float | None:
    """Return how many seconds a limit still holds; None where there is none."""
    after = reply.headers.get("retry-after", "").strip()
    if after.isdecimal():
        return float(after)
    if reply.headers.get("x-ratelimit-remaining", "").strip() == "0":
        reset = reply.headers.get("x-ratelimit-reset", "").strip()
        return (
            max(1.0, float(reset) - _server_time(reply)) if reset.isdecimal() else _LEAST_WAIT
        )
    said = _said(reply).lower()
    return _LEAST_WAIT if any(word in said for word in _LIMITED) else None


def _server_time(reply: HttpReply) -> float:
    """Return the time by the clock of whoever answers, by which limits end."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(reply.headers["date"]).timestamp()
    except (KeyError, ValueError, OverflowError):
        return time.time()


def _limited(host: str, wait: float, status: int) -> RateLimitError:
    return RateLimitError(
        f"{host} takes no more requests for {wait:.0f} s: a limit is reached.",
        wait=wait,
        status=status,
    )


def _said(reply: HttpReply) -> str:
    """Return what a refusal says of itself, for a message."""
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(document, Mapping):
        return ""
    parts = [str(document.get("message", ""))]
    errors = document.get("errors")
    for item in errors if isinstance(errors, list) else []:
        known = item if isinstance(item, Mapping) else {"message": item}
        named = [known.get(key) for key in ("resource", "field", "code", "message")]
        parts.append(" ".join(str(word) for word in named if word))
    words = "; ".join(part for part in parts if part)
    return f" {cite(words)}" if words else ""
