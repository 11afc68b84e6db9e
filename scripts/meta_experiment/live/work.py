"""What one conversation did: requests to a model with their tokens, tools, changed files."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_EDITING = ("Edit", "MultiEdit", "NotebookEdit", "Write")
_NO_AGENT = "Agent type '"  # begins what the client says of an agent it does not start


class Usage:
    """The tokens of one request, and what decides their price.

    `input` are those that no cache held; `write_5m` and `write_1h` went into the cache,
    `read` came from it.
    """

    __slots__ = (
        "fast",
        "geography",
        "input",
        "model",
        "output",
        "read",
        "searches",
        "write_1h",
        "write_5m",
    )

    def __init__(
        self,
        model: str,
        *,
        input: int,  # noqa: A002 - the word of the price list
        output: int,
        write_5m: int = 0,
        write_1h: int = 0,
        read: int = 0,
        searches: int = 0,
        fast: bool = False,
        geography: str = "",
    ) -> None:
        self.model = model
        self.input = input
        self.output = output
        self.write_5m = write_5m
        self.write_1h = write_1h
        self.read = read
        self.searches = searches
        self.fast = fast
        self.geography = geography

    @property
    def written(self) -> int:
        """All tokens that went into the cache."""
        return self.write_5m + self.write_1h

    @property
    def total(self) -> int:
        """All tokens."""
        return self.input + self.output + self.written + self.read


def usage_of(model: str, given: object) -> Usage | None:
    """Read the usage of a message; None when it does not say what came in and went out."""
    if type(given) is not dict:
        return None
    counts = [_count(given.get(name)) for name in ("input_tokens", "output_tokens")]
    if counts[0] is None or counts[1] is None:
        return None
    written = _count(given.get("cache_creation_input_tokens")) or 0
    parts = given.get("cache_creation")
    hour = _count(parts.get("ephemeral_1h_input_tokens")) or 0 if type(parts) is dict else 0
    tools = given.get("server_tool_use")
    searches = _count(tools.get("web_search_requests")) if type(tools) is dict else None
    place = given.get("inference_geo")
    return Usage(
        model,
        input=counts[0],
        output=counts[1],
        write_5m=max(0, written - hour),
        write_1h=min(hour, written),
        read=_count(given.get("cache_read_input_tokens")) or 0,
        searches=searches or 0,
        fast=given.get("speed") == "fast",
        geography=place if type(place) is str else "",
    )


class Work:
    """What one conversation did in one turn.

    Attributes:
        started, ended: seconds since the epoch of its first and last line.
        messages: a request's usage by the id of its answer; None when it is not known.
        calls: the name of the tool by the id of the call.
        failed: ids of calls that came back as an error.
        refused: names of agents that the client did not start.
        launched: ids of calls whose agent went on in the background.
        files: paths that were changed.
        lines: how many lines were added or taken away.
    """

    __slots__ = (
        "calls",
        "ended",
        "failed",
        "files",
        "launched",
        "lines",
        "messages",
        "refused",
        "started",
    )

    def __init__(self) -> None:
        self.started: float | None = None
        self.ended: float | None = None
        self.messages: dict[str, Usage | None] = {}
        self.calls: dict[str, str] = {}
        self.failed: set[str] = set()
        self.refused: set[str] = set()
        self.launched: set[str] = set()
        self.files: set[str] = set()
        self.lines = 0

    def extend(self, moment: float | None) -> None:
        """Reach to this moment, whichever end it lies beyond."""
        if moment is not None:
            self.started = moment if self.started is None else min(self.started, moment)
            self.ended = moment if self.ended is None else max(self.ended, moment)

    def take_message(self, key: str, usage: Usage | None) -> None:
        """Note a request; of several lines of one answer the last usage is the whole one."""
        self.messages[key] = usage or self.messages.get(key)

    def take_call(self, block: dict[str, object]) -> None:
        """Note the call of a tool."""
        call, name = block.get("id"), block.get("name")
        if type(name) is str and name:
            self.calls[call if type(call) is str else f"call-{len(self.calls)}"] = name

    def take_result(self, block: dict[str, object], detail: object) -> None:
        """Note what came of a call; `detail` is what the client keeps of it."""
        call = block.get("tool_use_id")
        if type(call) is not str:
            return
        if block.get("is_error") is True:
            self.failed.add(call)
            text = block.get("content")
            if type(text) is str and text.startswith(_NO_AGENT):
                self.refused.add(text[len(_NO_AGENT) :].partition("'")[0])
        elif type(detail) is dict:
            if detail.get("status") == "async_launched":
                self.launched.add(call)
            if self.calls.get(call) in _EDITING:
                self._take_change(detail)

    def _take_change(self, detail: dict[str, object]) -> None:
        path = detail.get("filePath") or detail.get("notebook_path")
        if type(path) is str:
            self.files.add(path)
        patch = detail.get("structuredPatch")
        if type(patch) is list and patch:
            self.lines += sum(_changed(hunk) for hunk in patch if type(hunk) is dict)
        elif detail.get("type") == "create" and type(detail.get("content")) is str:
            self.lines += len(str(detail["content"]).splitlines())


def merged(works: Iterable[Work]) -> Work:
    """Return the work of several conversations as that of one."""
    whole = Work()
    for work in works:
        whole.extend(work.started)
        whole.extend(work.ended)
        for key, usage in work.messages.items():
            whole.take_message(key, usage)
        whole.calls |= work.calls
        whole.failed |= work.failed
        whole.refused |= work.refused
        whole.launched |= work.launched
        whole.files |= work.files
        whole.lines += work.lines
    return whole


def _changed(hunk: dict[str, object]) -> int:
    rows = hunk.get("lines")
    if type(rows) is not list:
        return 0
    return sum(type(row) is str and row[:1] in ("+", "-") for row in rows)


def _count(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None
