"""A server that plays both interfaces of GitHub, with the faults that they have.

It keeps comments, serves them in small pages of its own, refuses what GitHub refuses, and can
store a comment and then fail to say so. GraphQL is executed by a library against a schema, so
that a query that GitHub would refuse is refused here.
"""

from __future__ import annotations

import json
import re
import socket
import socketserver
import struct
import threading
import time
from collections import deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from graphql import build_schema, graphql_sync
from tests.support.http_server import answering, local_server

TOKEN = "ghs_of-the-test"  # noqa: S105
US = "github-actions[bot]"
PATIENCE = 240.0  # seconds that one of two waits for the other
SCHEMA = build_schema(
    """
    type Query { viewer: User!  repository(owner: String!, name: String!): Repository }
    type User { login: String! }
    type Repository { discussion(number: Int!): Discussion }
    type Discussion {
      id: ID!
      locked: Boolean!
      comments(first: Int, after: String): DiscussionCommentConnection!
    }
    type DiscussionCommentConnection { pageInfo: PageInfo!  nodes: [DiscussionComment] }
    type PageInfo { hasNextPage: Boolean!  endCursor: String }
    type DiscussionComment {
      id: ID!  url: String!  body: String!  viewerDidAuthor: Boolean!  createdAt: String!
    }
    input AddDiscussionCommentInput { discussionId: ID!  body: String! }
    type AddDiscussionCommentPayload { comment: DiscussionComment }
    input DeleteDiscussionCommentInput { id: ID! }
    type DeleteDiscussionCommentPayload { comment: DiscussionComment }
    type Mutation {
      addDiscussionComment(input: AddDiscussionCommentInput!): AddDiscussionCommentPayload
      deleteDiscussionComment(input: DeleteDiscussionCommentInput!):
        DeleteDiscussionCommentPayload
    }
    """
)
_COMMENTS = re.compile(r"/repos/acme/prompts/issues/(\d+)/comments")
_COMMENT = re.compile(r"/repos/acme/prompts/issues/comments/(\d+)")
_PULLS = "/repos/acme/prompts/pulls"


class FakeGitHub:
    """State of one repository, `acme/prompts`: issue 7 and discussion 9, with their comments.

    `faults` are pairs of what is asked (`list`, `create`, `delete`) and how it goes wrong, each
    for the first request that it fits.
    """

    page = 2  # comments on a page, however many are asked for

    def __init__(self):
        self.base = ""
        self.comments = []
        self.pulls = []  # pull requests, as they are told
        self.faults = deque()
        self.seen = []  # (what, path) of every request that was understood
        self.headers = []
        self.meeting = None  # a barrier at which those who list wait for each other, once each
        self.blobs = {}  # path -> bytes, or an address to go to
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._met = set()
        self._last = 0

    def add(self, thread, author, body):
        """Keep a comment, as it is created or for a test to begin with."""
        with self._lock:
            self._last += 1
            made = {
                "id": self._last,
                "thread": thread,
                "author": author,
                "body": body,
                "at": f"2026-01-01T00:00:{self._last:02}Z",
            }
            self.comments.append(made)
            return made

    def remove(self, number):
        """Take a comment away; tell whether it was there."""
        with self._lock:
            kept = [item for item in self.comments if item["id"] != number]
            gone = len(kept) < len(self.comments)
            self.comments[:] = kept
            return gone

    def of(self, thread, author=US):
        """Return what an author said in a thread."""
        return [
            item["body"]
            for item in self.comments
            if (item["thread"], item["author"]) == (thread, author)
        ]

    def pull(self, asked):
        """Keep a pull request; None where its branch has one that is open."""
        with self._lock:
            place = {"head": {"ref": asked["head"]}, "base": {"ref": asked["base"]}}
            if any(place.items() <= item.items() for item in self.pulls):
                return None
            number = len(self.pulls) + 1
            url = f"https://github.com/acme/prompts/pull/{number}"
            words = {"title": asked["title"], "body": asked["body"]}
            self.pulls.append({"number": number, "html_url": url, **place, **words})
            return self.pulls[-1]

    def count(self, what):
        """Return how often something was asked for."""
        return sum(asked == what for asked, _ in self.seen)

    def fault(self, what):
        """Return what goes wrong with a request, if anything does."""
        with self._lock:
            for item in self.faults:
                if item[0] == what:
                    self.faults.remove(item)
                    return item[1]
        return ""

    def meet(self, who):
        """Let two clients that list comments for the first time wait until both have seen them.

        A client's later connections come from other ports: only the first two may wait.
        """
        with self._lock:
            known = who in self._met
            self._met.add(who)
            first = not known and self.meeting and len(self._met) <= self.meeting.parties
        if first:
            self.meeting.wait(PATIENCE)

    def listing(self, thread, start):
        """Return a page of comments, and where the next begins."""
        found = [item for item in self.comments if item["thread"] == thread]
        end = start + self.page
        return found[start:end], end if end < len(found) else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def hub(self):
        return self.server.hub

    def log_message(self, *_):
        pass

    def address_string(self):
        return "here"

    def handle_any(self):
        self.sent = self.received()
        self.hub.headers.append(dict(self.headers))
        address = urlsplit(self.path)
        if address.path in self.hub.blobs:
            self.blob(address.path)
        elif refusal := self.refusal():
            self.reply(*refusal)
        elif address.path == "/graphql":
            self.graphql()
        elif found := _COMMENTS.fullmatch(address.path):
            self.issue(int(found[1]), parse_qs(address.query))
        elif address.path == _PULLS:
            self.pull_request(parse_qs(address.query))
        elif (found := _COMMENT.fullmatch(address.path)) and self.command == "DELETE":
            self.hub.seen.append(("delete", self.path))
            if not self.spoiled("delete", lambda: None):
                gone = self.hub.remove(int(found[1]))
                self.reply(*((204, None) if gone else (404, {"message": "Not Found"})))
        else:
            self.reply(404, {"message": "Not Found"})

    do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - names that the library calls

    def received(self):
        """Return the body of a request, which gh sends in chunks."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def refusal(self):
        """Return why GitHub would not look at this request at all."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "token") or token != TOKEN:
            return 401, {"message": "Bad credentials"}
        if not self.headers.get("User-Agent"):
            return 403, {"message": "Request forbidden by administrative rules."}
        if "json" not in self.headers.get("Accept", "") and self.path != "/graphql":
            return 415, {"message": "Unsupported 'Accept' header"}
        if self.command == "POST":
            try:
                json.loads(self.sent)
            except ValueError:
                return 400, {"message": "Problems parsing JSON"}
        return None

    def issue(self, number, query):
        thread = ("issue", number)
        if number == 8:
            self.reply(410, {"message": "Issues are disabled for this repo"})
        elif number != 7:
            self.reply(404, {"message": "Not Found"})
        elif self.command == "GET":
            self.list_issue(thread, query)
        else:
            self.create_issue(thread)

    def list_issue(self, thread, query):
        self.hub.seen.append(("list", self.path))
        if self.spoiled("list", lambda: None):
            return
        number = int(query.get("page", ["1"])[0])
        items, following = self.hub.listing(thread, (number - 1) * self.hub.page)
        self.hub.meet(self.headers.get("X-Test-Client") or self.client_address)
        more = {}
        if following is not None:
            here = urlsplit(self.path).path
            more["Link"] = (
                f'<{self.hub.base}{here}?per_page=100&page={number + 1}>; rel="next", '
                f'<{self.hub.base}{here}?per_page=100&page=99>; rel="last"'
            )
        self.reply(200, [_as_rest(item) for item in items], more)

    def create_issue(self, thread):
        body = json.loads(self.sent).get("body")
        if not isinstance(body, str) or not body:
            error = {"resource": "IssueComment", "field": "body", "code": "missing_field"}
            self.reply(422, {"message": "Validation Failed", "errors": [error]})
            return
        self.hub.seen.append(("create", self.path))
        if not self.spoiled("create", lambda: self.hub.add(thread, US, body)):
            self.reply(201, _as_rest(self.hub.add(thread, US, body)))

    def pull_request(self, query):
        if self.command == "GET":
            self.hub.seen.append(("list", self.path))
            head = query["head"][0].partition(":")[2]
            if not self.spoiled("list", lambda: None):
                self.reply(200, [it for it in self.hub.pulls if it["head"]["ref"] == head])
            return
        asked = json.loads(self.sent)
        self.hub.seen.append(("create", self.path))
        if self.spoiled("create", lambda: self.hub.pull(asked)):
            return
        made = self.hub.pull(asked)
        self.reply(*((201, made) if made else (422, {"message": "Validation Failed"})))

    def graphql(self):
        asked = json.loads(self.sent)
        text, variables = asked.get("query", ""), asked.get("variables") or {}
        what = (
            "create"
            if "addDiscussionComment" in text
            else "delete"
            if "deleteDiscussionComment" in text
            else "viewer"
            if "viewer {" in text
            else "list"
        )
        self.hub.seen.append((what, self.path))
        execute = lambda: graphql_sync(  # noqa: E731
            SCHEMA, text, _Root(self.hub), variable_values=variables
        )
        if self.spoiled(what, execute):
            return
        done = execute()
        if what == "list":
            self.hub.meet(self.headers.get("X-Test-Client") or self.client_address)
        answer = {"data": done.data}
        if done.errors:
            answer["errors"] = [
                {"type": getattr(error.original_error, "kind", None), "message": error.message}
                for error in done.errors
            ]
            for error in answer["errors"]:
                if error["type"] is None:
                    error.update(extensions={"code": "undefinedField"})
        self.reply(200, answer)

    def blob(self, path):
        found = self.hub.blobs[path]
        if isinstance(found, str):
            self.reply(302, None, {"Location": found})
        else:
            self.raw(200, found, {"Content-Type": "application/zip"})

    def spoiled(self, what, do):
        """Let a request go wrong as a test asked for, perhaps after it was done."""
        how = self.hub.fault(what)
        if not how:
            return False
        if how.startswith("stored "):
            do()
        getattr(self, "_" + how.removeprefix("stored ").replace(" ", "_"))()
        return True

    def _error(self):
        self.reply(502, {"message": "Server Error"})

    def _silence(self):
        self.hub.closing.wait(20)
        self.close_connection = True

    def _reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _cut(self):
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "400")
        self.end_headers()
        self.wfile.write(b'{"id": 1, "html_ur')
        self.close_connection = True

    def _list(self):
        """What a `gh` that was cut off, or a proxy with a page of its own, may answer."""
        self.reply(200, [])

    def _number(self):
        self.reply(200, 7)

    def _list_of_words(self):
        self.reply(200, ["a", None])

    def _object(self):
        self.reply(200, {})

    def _object_without_number(self):
        self.reply(201, {"html_url": "https://github.com/"})

    def _depth(self):
        self.raw(200, b"[" * 200_000, {"Content-Type": "application/json"})

    def _strange_limit(self):
        self.reply(429, {"message": "Slower"}, {"Retry-After": "\xb2"})

    def _data_of_words(self):
        made = {"addDiscussionComment": "x", "repository": {"discussion": "x"}}
        self.reply(200, {"data": {**made, "viewer": []}})

    def _open_end(self):
        comments = {"nodes": [], "pageInfo": {"hasNextPage": True}}
        self.reply(
            200, {"data": {"repository": {"discussion": {"id": "D", "comments": comments}}}}
        )

    def _page_of_a_proxy(self):
        self.raw(200, b"<html>Please log in</html>", {"Content-Type": "text/html"})

    def _primary_limit(self):
        limits = {
            "x-ratelimit-limit": "1000",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": str(int(time.time()) + 3),
            "x-ratelimit-resource": "core",
        }
        self.reply(403, {"message": "API rate limit exceeded for installation."}, limits)

    def _secondary_limit(self):
        self.reply(429, {"message": "You have exceeded a limit."}, {"Retry-After": "1"})

    def _secondary_limit_in_words(self):
        self.reply(403, {"message": "You have exceeded a secondary rate limit. Please wait."})

    def _query_error(self):
        self.reply(200, {"data": None, "errors": [{"message": "Something went wrong."}]})

    def _partial_query_error(self):
        error = {"message": "Something went wrong.", "path": ["addDiscussionComment"]}
        self.reply(200, {"data": {"addDiscussionComment": None}, "errors": [error]})

    def _query_limit(self):
        error = {"type": "RATE_LIMITED", "message": "API rate limit exceeded for user."}
        self.reply(200, {"errors": [error]}, {"Retry-After": "1"})

    def _forbidden_query(self):
        error = {
            "type": "FORBIDDEN",
            "path": ["addDiscussionComment"],
            "message": "Resource not accessible by integration",
        }
        self.reply(200, {"data": {"addDiscussionComment": None}, "errors": [error]})

    def _forbidden(self):
        self.reply(403, {"message": "Resource not accessible by integration"})

    def reply(self, status, document, more=()):
        body = b"" if document is None else json.dumps(document).encode()
        self.raw(
            status, body, {"Content-Type": "application/json; charset=utf-8", **dict(more)}
        )

    def raw(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Refused(Exception):  # noqa: N818
    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class _Root:
    """What queries and mutations of GraphQL begin with."""

    def __init__(self, hub):
        self.hub = hub
        self.viewer = {"login": US}

    def repository(self, _info, owner, name):
        if (owner, name) != ("acme", "prompts"):
            raise _Refused("NOT_FOUND", "Could not resolve to a Repository.")
        return {"discussion": self.discussion}

    def discussion(self, _info, number):
        if number != 9:
            raise _Refused("NOT_FOUND", f"Could not resolve to a Discussion with {number}.")
        return {"id": "D_9", "locked": False, "comments": self.listing}

    def listing(self, _info, first=None, after=None):
        if first is None or first > 100:
            raise _Refused("EXCESSIVE_PAGINATION", "`first` must be from 1 to 100.")
        items, following = self.hub.listing(("discussion", 9), int(after or 0))
        page = {"hasNextPage": following is not None, "endCursor": str(following or "")}
        return {
            "pageInfo": page,
            "nodes": [_as_node(item) if item["author"] else None for item in items],
        }

    def addDiscussionComment(self, _info, input):  # noqa: N802, A002
        if input["discussionId"] != "D_9":
            raise _Refused("NOT_FOUND", "Could not resolve to a node.")
        made = self.hub.add(("discussion", 9), US, input["body"])
        return {"comment": _as_node(made)}

    def deleteDiscussionComment(self, _info, input):  # noqa: N802, A002
        if not self.hub.remove(int(input["id"].removeprefix("DC_"))):
            raise _Refused("NOT_FOUND", "Could not resolve to a node.")
        return {"comment": None}


def _as_rest(item):
    return {
        "id": item["id"],
        "node_id": f"IC_{item['id']}",
        "html_url": f"https://github.com/acme/prompts/issues/7#issuecomment-{item['id']}",
        "body": item["body"],
        "user": item["author"] and {"login": item["author"]},  # none of a deleted account
        "created_at": item["at"],
    }


def _as_node(item):
    return {
        "id": f"DC_{item['id']}",
        "url": f"https://github.com/acme/prompts/discussions/9#discussioncomment-{item['id']}",
        "body": item["body"],
        "viewerDidAuthor": item["author"] == US,
        "createdAt": item["at"],
    }


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@contextmanager
def fake_github(at=None):
    """Run the server on a port of this machine, or on a socket at a path as `gh` reaches it."""
    hub = FakeGitHub()
    if at is None:
        server, hub.base = local_server(_Handler)
    else:
        server = _UnixServer(str(at), _Handler)
        hub.base = "https://api.github.com"
    server.hub = hub
    with answering(server):
        try:
            yield hub
        finally:
            hub.closing.set()
