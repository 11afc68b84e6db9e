"""Comments on issues and discussions that are posted once, whatever happens on the way.

The first line of such a comment is a hidden mark of what it is about. Before every posting all
pages are looked through for one of our own that bears it; after a fault nobody knows whether a
comment arrived, so that it is looked for again. Where two post at once, each sees both in the
end, and all but the oldest go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Protocol

from meta_experiment.errors import NetworkError, RemoteError, UsageError, cite
from meta_experiment.outbound.github.answers import member, objects, unclear
from meta_experiment.outbound.github.client import GitHub
from meta_experiment.outbound.github.hosts import PUBLIC
from meta_experiment.records import dataclass

BODY_LIMIT = 65_536  # characters of a comment
ThreadKind = Literal["issue", "discussion"]
_PAUSES = (2.0, 4.0, 8.0, 16.0, 0.0)  # seconds after faults, in which a comment may yet arrive
_NAMES = r"(?P<owner>[A-Za-z0-9][A-Za-z0-9-]*)/(?P<repository>[A-Za-z0-9._-]+)"
_SHORT = re.compile(rf"{_NAMES}#(?P<number>[1-9][0-9]{{0,9}})")
_LONG = re.compile(
    rf"https://(?P<host>[A-Za-z0-9.-]+(?::[0-9]+)?)/{_NAMES}/"
    r"(?P<place>issues|pull|discussions)/(?P<number>[1-9][0-9]{0,9})(?:[#?].*)?"
)
_PLACES = {"issue": ("issues", "pull"), "discussion": ("discussions",)}


@dataclass(frozen=True, slots=True)
class GitHubThread:
    """An issue, pull request or discussion; `host` "" is that of the environment."""

    kind: ThreadKind
    owner: str
    repository: str
    number: int
    host: str = ""

    @property
    def name(self) -> str:
        """What it is called at its host."""
        return f"{self.owner}/{self.repository}#{self.number}"

    def __str__(self) -> str:
        """Name it as it is named on the command line."""
        if self.host in ("", PUBLIC):
            return self.name
        place = _PLACES[self.kind][0]
        return f"https://{self.host}/{self.owner}/{self.repository}/{place}/{self.number}"


@dataclass(frozen=True, slots=True)
class PostedComment:
    """A comment as it stands on GitHub; `id` is that of the interface it was posted by."""

    id: str
    url: str


def thread_named(kind: ThreadKind, text: str, repository: str = "") -> GitHubThread:
    """Read `OWNER/REPO#N`, the address of an issue or a discussion, or a number alone.

    A number is of the `repository` `OWNER/REPO`, where there is one.

    Raises:
        UsageError: it is neither.
    """
    whole = f"{repository}#{text.removeprefix('#')}" if repository else text
    found = _SHORT.fullmatch(text) or _LONG.fullmatch(text) or _SHORT.fullmatch(whole)
    named = found.groupdict() if found else {}
    place = named.get("place")
    is_other = place is not None and place not in _PLACES[kind]
    if found is None or is_other or named["repository"] in (".", ".."):
        raise UsageError(
            f"--{kind} {cite(text)}: expected OWNER/REPO#NUMBER, or the address of the {kind}."
        )
    return GitHubThread(
        kind, named["owner"], named["repository"], int(named["number"]), named.get("host") or ""
    )


def post_once(github: GitHub, thread: GitHubThread, mark: str, body: str) -> PostedComment:
    """Post a comment below a hidden mark, unless one of ours stands there; return that one.

    Raises:
        RemoteError: it was refused. NetworkError: nobody knows, or nobody is there.
        DependencyError: there is no token.
    """
    comments = _COMMENTS[thread.kind](github, thread)
    text = f"{mark}\n{body}"[:BODY_LIMIT]
    posted: PostedComment | None = None
    fault = NetworkError(f"{github.host} took no comment to {thread}.")
    for pause in _PAUSES:
        ours = list(comments.ours(mark))
        try:
            for extra in ours[1:]:
                _delete(comments, extra)
            if found := next(iter(ours), posted):
                return found
            posted = comments.create(text)
        except NetworkError as error:  # whether it was done is seen at the next look
            fault = error
            github.pause(pause, fault)
    if found := next(comments.ours(mark), posted):
        return found
    raise fault


def _delete(comments: _Comments, extra: PostedComment) -> None:
    try:
        comments.delete(extra)
    except RemoteError as error:
        if error.status not in (404, 410):  # whoever posted at the same time was faster
            raise


class _Comments(Protocol):
    """The comments of one thread."""

    def ours(self, mark: str) -> Iterator[PostedComment]:
        """Yield our own comments whose first line is a mark, oldest first, of all pages."""

    def create(self, text: str) -> PostedComment:
        """Post a comment; NetworkError when nobody knows whether it arrived."""

    def delete(self, comment: PostedComment) -> None:
        """Take one of our comments away."""


class _IssueComments:
    """Comments of an issue or a pull request, over REST."""

    def __init__(self, github: GitHub, thread: GitHubThread) -> None:
        self._github = github
        self._repository = f"repos/{thread.owner}/{thread.repository}"
        self._path = f"{self._repository}/issues/{thread.number}/comments"

    def ours(self, mark: str) -> Iterator[PostedComment]:
        marked = [item for item in self._github.pages(self._path) if _bears(item, mark)]
        posted = [
            _as_posted(item, item.get("html_url"), self._github.host)
            for item in marked
            if member(item, "user", "login") == self._github.login()
        ]
        yield from sorted(posted, key=lambda comment: (len(comment.id), comment.id))

    def create(self, text: str) -> PostedComment:
        made = self._github.write("POST", self._path, {"body": text})
        return _as_posted(made, made.get("html_url"), self._github.host)

    def delete(self, comment: PostedComment) -> None:
        self._github.write("DELETE", f"{self._repository}/issues/comments/{comment.id}")


_FIND = """\
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    discussion(number: $number) {
      id
      comments(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { id url body viewerDidAuthor createdAt }
      }
    }
  }
}"""
_CREATE = """\
mutation($discussion: ID!, $body: String!) {
  addDiscussionComment(input: {discussionId: $discussion, body: $body}) { comment { id url } }
}"""
_DELETE = """\
mutation($comment: ID!) { deleteDiscussionComment(input: {id: $comment}) { comment { id } } }"""


class _DiscussionComments:
    """Comments of a discussion, over GraphQL, as REST has none."""

    def __init__(self, github: GitHub, thread: GitHubThread) -> None:
        self._github = github
        self._thread = thread
        self._id = ""

    def ours(self, mark: str) -> Iterator[PostedComment]:
        found = [
            item for item in self._all() if item.get("viewerDidAuthor") and _bears(item, mark)
        ]
        for item in sorted(found, key=lambda it: (str(it.get("createdAt")), str(it.get("id")))):
            yield _as_posted(item, item.get("url"), self._github.host)

    def create(self, text: str) -> PostedComment:
        made = self._github.mutate(_CREATE, discussion=self._id, body=text)
        comment = member(made, "addDiscussionComment", "comment")
        return _as_posted(comment, member(comment, "url"), self._github.host)

    def delete(self, comment: PostedComment) -> None:
        self._github.mutate(_DELETE, comment=comment.id)

    def _all(self) -> Iterator[Any]:
        """Yield all comments, oldest first, and keep what the discussion is called inside."""
        thread, after = self._thread, None
        while True:
            data = self._github.ask(
                _FIND,
                owner=thread.owner,
                name=thread.repository,
                number=thread.number,
                after=after,
            )
            found = member(data, "repository", "discussion")
            if not found:
                raise RemoteError(f"There is no discussion {thread}.", status=404)
            self._id = str(member(found, "id") or "")
            listed = member(found, "comments", "nodes")
            if isinstance(listed, list):  # null is one that is gone
                listed = [item for item in listed if item is not None]
            yield from objects(listed, self._github.host)
            page = member(found, "comments", "pageInfo")
            if member(page, "hasNextPage") is False:
                return
            after = member(page, "endCursor")
            if not (self._id and after):  # a list that breaks off could hide one of ours
                raise unclear(self._github.host, "comments without their end")


_COMMENTS: dict[ThreadKind, Callable[[GitHub, GitHubThread], _Comments]] = {
    "issue": _IssueComments,
    "discussion": _DiscussionComments,
}


def _bears(item: Mapping[str, Any], mark: str) -> bool:
    first, _, _ = str(item.get("body") or "").partition("\n")
    return first.rstrip("\r") == mark


def _as_posted(item: object, url: object, host: str) -> PostedComment:
    """Return a comment as GitHub describes it. Raises NetworkError where it does not."""
    number = member(item, "id")
    if isinstance(number, bool) or not isinstance(number, int | str) or not number:
        raise unclear(host, "a comment without its number")
    return PostedComment(str(number), str(url or ""))
