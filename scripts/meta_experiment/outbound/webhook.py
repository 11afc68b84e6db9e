"""A plain webhook: one JSON document by POST, signed where there is a secret to sign with."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from meta_experiment import __version__
from meta_experiment.errors import NetworkError, RateLimitError, RemoteError, UsageError, cite
from meta_experiment.outbound.http import HttpRequest, exchange, is_own_host

SECRET = "META_EXPERIMENT_WEBHOOK_SECRET"  # noqa: S105 - the name of the variable
_ANSWER_LIMIT = 1_000_000  # bytes
_LEAST_WAIT = 60.0  # seconds


def require_webhook(url: str) -> str:
    """Return the address of a webhook.

    Raises:
        UsageError: it is none, or would be reached without encryption.
    """
    if url.startswith("https://") or (url.startswith("http://") and is_own_host(url)):
        return url
    raise UsageError(f"--webhook {cite(url)}: expected an address that begins with https://.")


def shown_webhook(url: str) -> str:
    """Return the address of a webhook without what is often its password: all but the host."""
    address = urlsplit(url)
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}/…"


def call_webhook(
    url: str, document: Mapping[str, object], *, key: str, secret: str, within: float
) -> None:
    """Send a document. Who got it under the same `key` before can tell that it is the same.

    A redirect is not followed: it could lead to an address that only this machine reaches.

    Raises:
        NetworkError: nobody knows whether it arrived. RemoteError: it was refused.
    """
    body = json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"meta-experiment/{__version__}",
        "Idempotency-Key": key,
    }
    if secret:
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers["X-Signature-256"] = f"sha256={digest}"
    request = HttpRequest("POST", url, headers, body)
    reply = exchange(request, within=within, limit=_ANSWER_LIMIT)
    if reply.is_success:
        return
    if reply.status == 429:
        after = reply.headers.get("retry-after", "")
        wait = float(after) if after.isdecimal() else _LEAST_WAIT
        raise RateLimitError("The webhook takes no more calls now.", wait=wait, status=429)
    if reply.status >= 500 or reply.status == 408:
        raise NetworkError(f"The webhook failed: HTTP {reply.status}.")
    raise RemoteError(
        f"The webhook refused: HTTP {reply.status}.",
        status=reply.status,
        hint="Check its address; a redirect is not followed.",
    )
