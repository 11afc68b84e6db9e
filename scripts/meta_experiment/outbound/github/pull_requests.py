"""Pull requests, each opened once."""

from __future__ import annotations

import re

from meta_experiment.errors import NetworkError
from meta_experiment.outbound.github.client import GitHub
from meta_experiment.records import dataclass

_ADDRESS = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^@/]*@)?(?P<host>[^/:]+)(?::\d+)?/|[^@/:]+@(?P<scp>[^/:]+):)"
    r"(?P<name>[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+?)(?:\.git)?/?"
)
_PAUSES = (2.0, 5.0, 0.0)


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request as it stands on GitHub; `found` where it was there before."""

    number: int
    url: str
    found: bool


@dataclass(frozen=True, slots=True)
class PullRequestText:
    """What a pull request says: from which branch into which, in which words."""

    head: str
    base: str
    title: str
    body: str


def repository_at(url: str) -> tuple[str, str] | None:
    """Return host and OWNER/NAME of a remote's address; None where it is no such address."""
    found = _ADDRESS.fullmatch(url)
    if found is None:
        return None
    return found["host"] or found["scp"], found["name"]


def open_once(github: GitHub, repository: str, text: PullRequestText) -> PullRequest:
    """Open a pull request unless there is one from that branch, in whatever state.

    Raises:
        RemoteError: it was refused. NetworkError: nobody knows, or nobody is there.
        DependencyError: there is no token.
    """
    fault = NetworkError(f"{github.host} took no pull request to {repository}.")
    for pause in _PAUSES:
        if known := _known(github, repository, text):
            return known
        document = {
            "head": text.head,
            "base": text.base,
            "title": text.title,
            "body": text.body,
        }
        try:
            made = github.write("POST", f"repos/{repository}/pulls", document)
        except NetworkError as error:  # whether it was done is seen at the next look
            fault = error
            github.pause(pause, fault)
            continue
        return _as_request(made, found=False)
    if known := _known(github, repository, text):
        return known
    raise fault


def _known(github: GitHub, repository: str, text: PullRequestText) -> PullRequest | None:
    owner = repository.partition("/")[0]
    listed = github.pages(f"repos/{repository}/pulls", head=f"{owner}:{text.head}", state="all")
    for item in listed:
        head, base = item.get("head"), item.get("base")
        named = (
            isinstance(head, dict) and head.get("ref"),
            isinstance(base, dict) and base.get("ref"),
        )
        if named == (text.head, text.base):
            return _as_request(item, found=True)
    return None


def _as_request(item: dict[str, object], *, found: bool) -> PullRequest:
    number = item.get("number")
    if not isinstance(number, int):
        raise NetworkError("GitHub's answer names no pull request.")
    return PullRequest(number, str(item.get("html_url") or f"#{number}"), found)
