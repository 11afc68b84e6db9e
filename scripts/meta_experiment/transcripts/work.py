"""Work of one conversation: requests to a model with their tokens, tools, changed files."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST = 10**12  # of any count or price that is believed; sums and products stay finite
_EDITING = ("Edit", "MultiEdit", "NotebookEdit", "Write")
_NO_AGENT = "Agent type '"  # begins what the client says of an agent it does not start
_QUESTIONS = ("AskUserQuestion", "ExitPlanMode")  # tools whose answer a person gives
_REJECTED = "User rejected tool use"  # in the place of a result; also of a call that was cut
_IN_BACKGROUND = ("backgroundTaskId", "resumedAgentId")  # the task that goes on after a call


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


def usage_of(model: str, usage: object) -> Usage | None:
    """Read the usage of a message; None when it does not say what came in and went out."""
    if type(usage) is not dict:
        return None
    parts, tools = usage.get("cache_creation"), usage.get("server_tool_use")
    counts = [
        _count(usage.get("input_tokens")),
        _count(usage.get("output_tokens")),
        _count(usage.get("cache_creation_input_tokens") or 0),
        _count(usage.get("cache_read_input_tokens") or 0),
        _count(parts.get("ephemeral_1h_input_tokens") or 0) if type(parts) is dict else 0,
        _count(tools.get("web_search_requests") or 0) if type(tools) is dict else 0,
    ]
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return None
    came, went, written, read, hour, searches = known
    place = usage.get("inference_geo")
    return Usage(
        model,
        input=came,
        output=went,
        write_5m=max(0, written - hour),
        write_1h=min(hour, written),
        read=read,
        searches=searches,
        fast=usage.get("speed") == "fast",
        geography=place if type(place) is str else "",
    )


class Work:
    """Work of one conversation in one turn.

    Attributes:
        agent: the client's id of the agent whose work it is; empty for none.
        agent_name: by which the client started that agent in it; empty where it was told more,
            or where nothing says the name.
        started, ended: seconds since the epoch of its first and last line.
        messages: a request's usage by the id of its answer; None when it is not known.
        calls: the name of the tool by the id of the call.
        failed: ids of calls that came back as an error.
        refused: names of agents that the client did not start.
        launched: ids of calls whose work went on in the background.
        tasks: ids by which the client reports on agents and on work in the background.
        files: paths that were changed.
        lines: how many lines were added or taken away.
        waits: from when to when it waited for a person.
        begun, returned: when each call was made and when its result came, by its id.
        rejected: ids of calls that a person did not want, or cut off.
    """

    __slots__ = (
        "agent",
        "agent_name",
        "begun",
        "calls",
        "ended",
        "failed",
        "files",
        "launched",
        "lines",
        "messages",
        "refused",
        "rejected",
        "returned",
        "started",
        "tasks",
        "waits",
    )

    def __init__(self) -> None:
        self.agent = ""
        self.agent_name = ""
        self.started: float | None = None
        self.ended: float | None = None
        self.messages: dict[str, Usage | None] = {}
        self.calls: dict[str, str] = {}
        self.failed: set[str] = set()
        self.refused: set[str] = set()
        self.launched: set[str] = set()
        self.tasks: set[str] = set()
        self.files: set[str] = set()
        self.lines = 0
        self.waits: list[tuple[float, float]] = []
        self.begun: dict[str, float] = {}
        self.returned: dict[str, float] = {}
        self.rejected: list[str] = []

    def extend(self, moment: float | None) -> None:
        """Reach to this moment, whichever end it lies beyond."""
        if moment is not None:
            self.started = moment if self.started is None else min(self.started, moment)
            self.ended = moment if self.ended is None else max(self.ended, moment)

    def take_message(self, key: str, usage: Usage | None) -> None:
        """Note a request; of several lines of one answer the last usage is the whole one."""
        self.messages[key] = usage or self.messages.get(key)

    def take_call(self, block: dict[str, object], moment: float | None = None) -> None:
        """Note the call of a tool."""
        call, name = block.get("id"), block.get("name")
        if type(name) is str and name:
            key = call if type(call) is str else f"call-{len(self.calls)}"
            self.calls[key] = name
            if moment is not None:
                self.begun[key] = moment

    def take_result(
        self, block: dict[str, object], detail: object, moment: float | None = None
    ) -> None:
        """Note what came of a call; `detail` is what the client keeps of it."""
        call = block.get("tool_use_id")
        if type(call) is not str:
            return
        if moment is not None:
            self.returned[call] = moment
        if self.calls.get(call) in _QUESTIONS:
            self._wait(call, moment)
        if detail == _REJECTED:
            self.rejected.append(call)
        if block.get("is_error") is True:
            self.failed.add(call)
            text = block.get("content")
            if type(text) is str and text.startswith(_NO_AGENT):
                self.refused.add(text[len(_NO_AGENT) :].partition("'")[0])
        elif type(detail) is dict:
            goes_on = [task for name in _IN_BACKGROUND if (task := detail.get(name))]
            if goes_on or detail.get("status") == "async_launched":
                self.launched.add(call)
            tasks = [*goes_on, detail.get("agentId")]
            self.tasks.update(task for task in tasks if type(task) is str)
            if self.calls.get(call) in _EDITING:
                self._take_change(detail)

    def refuse(self, moment: float | None) -> None:
        """Note that rejected calls never ran: until then a person was asked about them."""
        for call in self.rejected:
            self._wait(call, moment)

    def _wait(self, call: str, until: float | None) -> None:
        begun = self.begun.get(call)
        if begun is not None and until is not None and until > begun:
            self.waits.append((begun, until))

    def stretches(self) -> Iterator[tuple[float, float]]:
        """Yield from when to when it went on without waiting for a person."""
        if self.started is None or self.ended is None:
            return
        at = self.started
        for begun, until in sorted(self.waits):
            if begun > at:
                yield at, begun
            at = max(at, until)
        if self.ended > at:
            yield at, self.ended

    @property
    def waited(self) -> float:
        """The seconds in which a person was waited for, as far as the calls tell."""
        return covered(self.waits)

    def _take_change(self, detail: dict[str, object]) -> None:
        path = detail.get("filePath") or detail.get("notebook_path")
        if type(path) is str:
            self.files.add(path)
        patch = detail.get("structuredPatch")
        if type(patch) is list and patch:
            self.lines += sum(_changed(hunk) for hunk in patch if type(hunk) is dict)
        elif detail.get("type") == "create" and type(detail.get("content")) is str:
            self.lines += len(str(detail["content"]).splitlines())
        elif "edit_mode" in detail:
            deleted = detail["edit_mode"] == "delete"
            now = [] if deleted else _rows(detail.get("new_source"))
            self.lines += _exchanged(_rows(detail.get("old_source")), now)


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Return the seconds that lie in at least one of some spans."""
    total, reached = 0.0, None
    for started, ended in sorted(spans):
        begin = started if reached is None else max(started, reached)
        total += max(0.0, ended - begin)
        reached = ended if reached is None else max(reached, ended)
    return total


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
        whole.tasks |= work.tasks
        whole.files |= work.files
        whole.lines += work.lines
    return whole


def _changed(hunk: dict[str, object]) -> int:
    rows = hunk.get("lines")
    if type(rows) is not list:
        return 0
    return sum(type(row) is str and row[:1] in ("+", "-") for row in rows)


def _rows(text: object) -> list[str]:
    return text.splitlines() if type(text) is str else []


def _exchanged(old: list[str], new: list[str]) -> int:
    """Count the lines of both between what they have in common at either end."""
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    return len(old) + len(new) - 2 * (head + tail)


def _alike(old: list[str], new: list[str]) -> int:
    """Count the lines before the first that differs."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (was, now) in pairs if was != now), min(len(old), len(new)))


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value <= MOST else None
