"""YAML as a tree in which every value knows its place in the text.

Plain scalars are what YAML 1.2 says they are, as gh-aw's compiler has it: `yes` and
`2026-05-01` are texts. Positions count characters of the whole text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate

import yaml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_DEEPEST = 60
_MOST = 100_000  # nodes
_LONGEST_NUMBER = 300  # digits
_TEXT_TAG = "tag:yaml.org,2002:str"
_BREAKS_OF_1_1 = "\x85\u2028\u2029"  # in YAML 1.2 they are characters as any other
_PRIVATE = range(0xE000, 0xF900)
_PROPERTY = re.compile(r"[&!]\S*\s*")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class TreeError(ValueError):
    """The text is no YAML that gh-aw would read; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        """Hold the reason and the place."""
        super().__init__(message)
        self.line = line
        self.column = column


class Node:
    """A value with its place; as a class of its own it is there at once, for who waits.

    Attributes:
        value: a scalar, or a tuple of nodes, or of pairs of them.
        style: `'`, `"`, `|` or `>` of a scalar, "" of a plain one; `flow` or `block` of
            a list or mapping; `*` of an alias, whose value is that of the anchor.
        outer: where its anchor or tag begins, else as `start`.
        start: where it begins in the text, behind its anchor and tag.
        end: behind its last character; of a block that of its last part.
        line: of the start, from 1.
        column: of the start, from 1, in characters.
        anchor: its name, or of an alias the one that it names; "" where there is none.
    """

    __slots__ = ("anchor", "column", "end", "line", "outer", "start", "style", "value")

    def __init__(
        self,
        value: Any,  # noqa: ANN401
        style: str,
        outer: int,
        start: int,
        end: int,
        line: int,
        column: int,
        anchor: str = "",
    ) -> None:
        """Hold it."""
        self.value = value
        self.style = style
        self.outer = outer
        self.start = start
        self.end = end
        self.line = line
        self.column = column
        self.anchor = anchor

    @property
    def is_mapping(self) -> bool:
        """Whether it is a mapping; an empty one is a dictionary without pairs."""
        return isinstance(self.value, Pairs)

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.value, tuple) and not self.is_mapping

    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """Yield the keys with their values; those that are merged in (`<<`) come last."""
        if not self.is_mapping:
            return
        own = {key.value for key, _ in self.value if isinstance(key.value, str)}
        merged = [value for key, value in self.value if _is_merge(key)]
        yield from (pair for pair in self.value if not _is_merge(pair[0]))
        for source in merged:
            for part in source.value if source.is_list else (source,):
                for key, value in part.pairs():
                    if key.value not in own:
                        own.add(key.value)
                        yield key, value

    def get(self, name: str) -> Node | None:
        """Return the value of a key of this mapping."""
        return next((value for key, value in self.pairs() if key.value == name), None)

    def parts(self) -> Iterator[Node]:
        """Yield it and all that is written within it, aliases unresolved."""
        yield self
        if self.style != "*" and isinstance(self.value, tuple):
            for part in self.value:
                for inner in part if self.is_mapping else (part,):
                    yield from inner.parts()


class Pairs(tuple):  # type: ignore[type-arg]
    """The pairs of a mapping."""

    __slots__ = ()


def read_tree(text: str, start: int = 0, end: int | None = None) -> Node | None:
    """Read the YAML that stands in a part of a text; None where it holds no value.

    Raises:
        TreeError: it is none, is nested too deeply, or gives a name twice.
    """
    part, stood_in = _without_old_breaks(text[start:end])
    builder = _Builder(text, start, stood_in)
    try:
        for event in yaml.parse(part, Loader=PARSER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        place = builder.place(_at(error.problem_mark or error.context_mark))
        reason = " ".join(str(error.problem or error.context).split())
        raise TreeError(reason, *place) from error
    except yaml.reader.ReaderError as error:
        at = _first_odd(part)
        reason = f"the character U+{ord(part[at : at + 1] or '?'):04X} is not allowed"
        raise TreeError(reason, *builder.place(at)) from error
    return builder.root


def _without_old_breaks(text: str) -> tuple[str, dict[int, str]]:
    """Let other characters stand for those that only YAML 1.1 takes for ends of lines.

    Return the text, as long as before, and what to translate its values back by.
    """
    found = [item for item in _BREAKS_OF_1_1 if item in text]
    if not found:
        return text, {}
    free = (code for code in _PRIVATE if chr(code) not in text)
    stood_in = dict(zip(free, found, strict=False))
    return text.translate({ord(item): code for code, item in stood_in.items()}), stood_in


def _first_odd(text: str) -> int:
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    return found.start() if found else 0


def _cited(text: object) -> str:
    from meta_experiment.errors import cite

    return cite(text)


def _at(mark: Any) -> int:  # noqa: ANN401 - two classes of the parser's
    return mark.index if mark else 0


def _is_merge(key: Node) -> bool:
    return key.value == "<<" and key.style == ""


class _Builder:
    """Builds the tree of one document from the parser's events."""

    def __init__(self, text: str, start: int, stood_in: dict[int, str]) -> None:
        self.root: Node | None = None
        self._text = text
        self._start = start
        self._stood_in = stood_in
        self._line_starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
        self._open: list[tuple[Any, list[Node]]] = []
        self._anchored: dict[str, Node] = {}
        self._count = 0

    def place(self, index: int) -> tuple[int, int]:
        """Return line and column of a place in the part that is read."""
        at = self._start + index
        line = bisect_right(self._line_starts, at)
        return line, at - self._line_starts[line - 1] + 1

    def take(self, event: Any) -> None:  # noqa: ANN401
        """Take the next event."""
        if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise TreeError("a second document begins", *self.place(_at(event.start_mark)))
        if isinstance(event, yaml.AliasEvent):
            self._add(self._alias(event))
        elif isinstance(event, yaml.ScalarEvent):
            self._add(self._scalar(event))
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(self._open) >= _DEEPEST:
                reason = f"it is nested deeper than {_DEEPEST} levels"
                raise TreeError(reason, *self.place(_at(event.start_mark)))
            self._open.append((event, []))
        elif isinstance(event, yaml.CollectionEndEvent):
            begun, parts = self._open.pop()
            self._add(self._collection(begun, parts, event))

    def _add(self, node: Node) -> None:
        self._count += 1
        if self._count > _MOST:
            raise TreeError(f"it holds more than {_MOST:,} values", node.line, node.column)
        if node.anchor and node.style != "*":
            self._anchored[node.anchor] = node
        if self._open:
            self._open[-1][1].append(node)
        else:
            self.root = node

    def _alias(self, event: Any) -> Node:  # noqa: ANN401
        start, end = _at(event.start_mark), _at(event.end_mark)
        meant = self._anchored.get(event.anchor)
        if meant is None:
            reason = f"the alias {_cited('*' + event.anchor)} has no anchor before it"
            raise TreeError(reason, *self.place(start))
        return self._node(meant.value, "*", event, start, end)

    def _scalar(self, event: Any) -> Node:  # noqa: ANN401
        start = self._behind_properties(event)
        style = event.style or ""
        text = event.value.translate(self._stood_in) if self._stood_in else event.value
        value: object = text
        if not style and event.tag != _TEXT_TAG:
            value = self._plain(text, start)
        return self._node(value, style, event, start, max(start, _at(event.end_mark)))

    def _plain(self, text: str, start: int) -> object:
        if text in _WORDS:
            return _WORDS[text]
        if text[:1] not in "+-.0123456789":
            return text
        if len(text) > _LONGEST_NUMBER and (_INT.fullmatch(text) or _FLOAT.fullmatch(text)):
            reason = f"a number has more than {_LONGEST_NUMBER} digits"
            raise TreeError(reason, *self.place(start))
        if _INT.fullmatch(text):
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        return float(text) if _FLOAT.fullmatch(text) else text

    def _collection(self, begun: Any, parts: list[Node], ended: Any) -> Node:  # noqa: ANN401
        start = self._behind_properties(begun)
        end = _at(ended.end_mark)
        if not begun.flow_style:
            end = parts[-1].end - self._start if parts else start
        value: tuple[object, ...] = tuple(parts)
        if isinstance(begun, yaml.MappingStartEvent):
            value = Pairs(zip(parts[::2], parts[1::2], strict=True))
            self._refuse_twice(parts[::2])
        return self._node(value, "flow" if begun.flow_style else "block", begun, start, end)

    def _refuse_twice(self, keys: list[Node]) -> None:
        seen = set[object]()
        for key in keys:
            if isinstance(key.value, tuple) or _is_merge(key):
                continue
            if key.value in seen:
                reason = f"the name {_cited(key.value)} is given twice"
                raise TreeError(reason, key.line, key.column)
            seen.add(key.value)

    def _behind_properties(self, event: Any) -> int:  # noqa: ANN401
        """Return where a value itself begins; its anchor and tag stand before it."""
        at = _at(event.start_mark)
        given = bool(event.anchor) + bool(event.tag)
        for _ in range(given):
            found = _PROPERTY.match(self._text, self._start + at)
            at = found.end() - self._start if found else at
        return at

    def _node(self, value: object, style: str, event: Any, start: int, end: int) -> Node:  # noqa: ANN401
        outer = self._start + _at(event.start_mark)
        places = (outer, self._start + start, self._start + end, *self.place(start))
        return Node(value, style, *places, event.anchor or "")
