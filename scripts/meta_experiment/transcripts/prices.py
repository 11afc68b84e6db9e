"""Prices of tokens: a public list, or the user's own, and what the client said itself.

A model that no list knows has no cost; nothing is guessed from its name.
"""

from __future__ import annotations

import mmap
import os

from meta_experiment.protocol.json_text import parse_object
from meta_experiment.protocol.places import client_folder
from meta_experiment.transcripts.work import MOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meta_experiment.transcripts.work import Usage

TELEMETRY_VARIABLE = "META_EXPERIMENT_TELEMETRY"
_LIST_LIMIT = 1 << 20
_MILLION = 1_000_000
_NEEDED = ("input", "output", "write_5m", "write_1h", "read")


class Prices:
    """A price list in USD: per million tokens, and per search of the web."""

    __slots__ = ("_geography", "_models", "_search")

    def __init__(self, document: Mapping[str, object]) -> None:
        self._models = _table(document.get("models"))
        self._geography = _table(document.get("geography"))
        self._search = _price(document.get("web_search"))

    def cost(self, usage: Usage) -> float | None:
        """Return the price of one request in USD; None when the list does not know it."""
        row = self._row(usage.model)
        if row is None:
            return None
        prices = [_price(row.get(name)) for name in _NEEDED]
        counts = (usage.input, usage.output, usage.write_5m, usage.write_1h, usage.read)
        total = 0.0
        for price, count in zip(prices, counts, strict=True):
            if count and price is None:
                return None
            total += count * (price or 0.0) / _MILLION
        factor = self._factor(row, usage)
        if factor is None or (usage.searches and self._search is None):
            return None
        return total * factor + usage.searches * (self._search or 0.0)

    def _row(self, model: str) -> dict[str, object] | None:
        for name in (model, plain_model(model)):
            row = self._models.get(name)
            if type(row) is dict:
                return row
        return None

    def _factor(self, row: dict[str, object], usage: Usage) -> float | None:
        factor = 1.0
        long = row.get("long")
        if type(long) is dict:
            above, times = _price(long.get("above")), _price(long.get("times"))
            if above is None or times is None:
                return None
            if usage.input + usage.written + usage.read > above:
                factor *= times
        if usage.fast:
            times = _price(row.get("fast"))
            if times is None:
                return None
            factor *= times
        place = _price(self._geography.get(usage.geography))
        return factor if place is None else factor * place


def plain_model(model: str) -> str:
    """Return a model's name without a provider's prefix, a date or a context mark."""
    name = model.rpartition("/")[2].partition("[")[0].partition("@")[0].partition(":")[0]
    at = name.find("claude-")
    name = name[at:] if at > 0 else name
    head, _, tail = name.rpartition("-")
    if head and len(tail) <= 3 and tail[:1] == "v" and tail[1:].isdigit():
        name = head
        head, _, tail = name.rpartition("-")
    if head and ((len(tail) == 8 and tail.isdigit()) or tail == "latest"):
        name = head
    return name


def load_prices(root: str, environment: Mapping[str, str]) -> Prices:
    """Return the public price list under those of the user and of the project."""
    client = client_folder(environment)
    here = os.path.dirname(os.path.abspath(__file__))
    whole: dict[str, object] = {}
    places = (here, f"{client}/meta", f"{root}/.claude/meta")
    for document in [_load(f"{place}/prices.json") for place in places]:
        for name, value in document.items():
            is_table = type(value) is dict
            whole[name] = {**_table(whole.get(name)), **_table(value)} if is_table else value
    return Prices(whole)


def estimated_cost(usages: Iterable[Usage | None], prices: Prices) -> float | None:
    """Return the price of some requests in USD; None when one is not known."""
    total = 0.0
    for usage in usages:
        cost = None if usage is None else prices.cost(usage)
        if cost is None:
            return None
        total += cost
    return total


def stated_cost(usages: Iterable[Usage | None], state: object) -> float | None:
    """Return what the client says a session cost, if it used just the tokens of these.

    Args:
        usages: the requests that the cost is wanted of.
        state: the client's `cost-state` line of the whole session.
    """
    if type(state) is not dict or state.get("hasUnknownModelCost") is True:
        return None
    used = state.get("modelUsage")
    total = _price(state.get("totalCostUSD"))
    if type(used) is not dict or total is None:
        return None
    stated = {plain_model(str(model)): _stated_tokens(row) for model, row in used.items()}
    counted: dict[str, list[int]] = {}
    for usage in usages:
        if usage is None:
            return None
        tokens = (usage.input, usage.output, usage.written, usage.read)
        sums = counted.setdefault(plain_model(usage.model), [0, 0, 0, 0])
        for place, count in enumerate(tokens):
            sums[place] += count
    return total if stated == counted else None


def telemetry_cost(
    prompt_ids: Iterable[str], usages: Iterable[Usage | None], path: str
) -> float | None:
    """Return the exact cost of some prompts from a file of exported telemetry.

    The file holds OTLP documents in JSON, one a line, with the client's `api_request`
    events. None unless they cover just the tokens of these requests.
    """
    known = list(usages)
    wanted = [0, 0, 0, 0]
    for usage in known:
        if usage is None:
            return None
        for place, count in enumerate((usage.input, usage.output, usage.written, usage.read)):
            wanted[place] += count
    found = [0, 0, 0, 0]
    cost = 0.0
    try:
        events = list(_requests(path, list(prompt_ids)))
    except (OSError, ValueError):
        return None
    for event in events:
        stated = _price(_number(event.get("cost_usd")))
        if stated is None:
            return None
        cost += stated
        for place, name in enumerate(_EVENT_TOKENS):
            found[place] += int(_price(_number(event.get(name))) or 0)
    return cost if events and found == wanted else None


_EVENT_TOKENS = ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens")
_STATED_TOKENS = (
    "inputTokens",
    "outputTokens",
    "cacheCreationInputTokens",
    "cacheReadInputTokens",
)


def _requests(path: str, prompt_ids: list[str]) -> list[dict[str, object]]:
    """Read the events of some prompts; each line that names one is decoded once."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as view:
            starts = set()
            for prompt_id in prompt_ids:
                mark = f'"{prompt_id}"'.encode("utf-8", "replace")
                at = view.find(mark)
                while at >= 0:
                    starts.add(view.rfind(b"\n", 0, at) + 1)
                    end = view.find(b"\n", at)
                    at = view.find(mark, end) if end >= 0 else -1
            found: dict[str, dict[str, object]] = {}
            for start in sorted(starts):
                end = view.find(b"\n", start)
                line = view[start : end if end >= 0 else len(view)].decode("utf-8", "replace")
                for event in _events(line):
                    if event.get("prompt.id") in prompt_ids:
                        found[repr(sorted(event.items(), key=str))] = event
            return list(found.values())
    finally:
        os.close(descriptor)


def _events(line: str) -> list[dict[str, object]]:
    try:
        pending: list[object] = [parse_object(line)]
    except ValueError:
        return []
    events = []
    while pending:
        value = pending.pop()
        if type(value) is list:
            pending += value
        elif type(value) is dict:
            attributes = value.get("attributes")
            event = _attributes(attributes) if type(attributes) is list else {}
            if str(event.get("event.name", "")).rpartition(".")[2] == "api_request":
                event["at"] = value.get("timeUnixNano")
                events.append(event)
            else:
                pending += value.values()
    return events


def _attributes(pairs: list[object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for item in pairs:
        value = item.get("value") if type(item) is dict else None
        if type(item) is dict and type(value) is dict and value:
            found[str(item.get("key"))] = next(iter(value.values()))
    return found


def _stated_tokens(row: object) -> list[int | None]:
    counts = [row.get(name) for name in _STATED_TOKENS] if type(row) is dict else []
    return [count if type(count) is int else None for count in counts]


def _load(path: str) -> dict[str, object]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return parse_object(os.read(descriptor, _LIST_LIMIT).decode())
        finally:
            os.close(descriptor)
    except (OSError, ValueError):
        return {}


def _table(value: object) -> dict[str, object]:
    return {str(name): row for name, row in value.items()} if type(value) is dict else {}


def _number(value: object) -> object:
    try:
        return float(value) if type(value) is str else value
    except ValueError:
        return None


def _price(value: object) -> float | None:
    """Return a number from zero to the most that is believed; None for anything else."""
    if type(value) is not int and type(value) is not float:
        return None
    return float(value) if 0 <= value <= MOST else None
