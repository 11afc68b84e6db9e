"""YAML as the client reads it: that of version 1.2, with the habits of the client's parser.

What the client makes of a block was found by trying (`tests/prompts/client_reading.json`).
Forms of YAML whose reading is not worth following are not guessed at: they are unclear.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any

import yaml
from yaml.scanner import ScannerError

from meta_experiment.records import dataclass

_DEEPEST = 20
_LONGEST_NUMBER = 300  # digits; about what the client's numbers can hold
_BLANK = " \t"
_LINE_END = "\0\r\n"
_PREFIX = "tag:yaml.org,2002:"
# Marks that PyYAML takes for line ends or refuses, and the client for part of a text.
_ODD = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_STAND_INS = range(0xE000, 0xF900)
_UNCLEAR = {
    # before the words of a line, behind a dash, or behind the mark of a block of text
    re.compile(
        r"(?m)^ *\t[ \t]*[^\s#]|^[ -]*-\t|: +[|>][-+0-9]*[ ]*\t"
    ): "has a tab where YAML indents or parts by spaces",
    re.compile(r"(?m)(?:^|\{) *:(?:[ \t]|$)"): "has a field without a name",
}


class NotYamlError(ValueError):
    """The client's parser refuses the text; `line` counts from 1."""

    def __init__(self, message: str, line: int | None = None) -> None:
        """Hold the reason and, where it is known, the line."""
        super().__init__(message)
        self.line = line


class UnclearError(ValueError):
    """It cannot be told what the client makes of the text."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a field: its first, the one behind its last, and its indentation."""

    first: int
    end: int
    indent: int


@dataclass(frozen=True, slots=True)
class YamlBlock:
    """A parsed block.

    Attributes:
        fields: empty for one that holds no mapping.
        lines: where each key is given, as often as it is; empty where keys may share a line.
        fault: why nothing is read of it, "" where it is read or empty.
    """

    fields: dict[str, Any]
    lines: Mapping[str, tuple[Lines, ...]] = field(default_factory=dict)
    fault: str = ""


def parse(text: str) -> YamlBlock:
    """Parse the text between the markers.

    Raises:
        NotYamlError: the client cannot read it. UnclearError: whether it can is not known.
    """
    if "\0" in text:
        raise NotYamlError("holds a zero byte")
    for pattern, what in _UNCLEAR.items():
        if pattern.search(text.replace("\r", "\n")):
            raise UnclearError(what)
    free = (chr(code) for code in _STAND_INS if chr(code) not in text)
    stand_ins = dict(zip(sorted(set(_ODD.findall(text))), free, strict=False))
    loader = _Loader(text.translate(str.maketrans(stand_ins)))
    try:
        nodes = []
        while loader.check_node():
            nodes.append(loader.get_node())
        if not nodes:
            return YamlBlock({})
        if len(nodes) > 1 or not isinstance(nodes[0], yaml.MappingNode):
            return YamlBlock({}, fault="is not a mapping of names to values")
        texts = {ord(there): mark for mark, there in stand_ins.items()}
        return YamlBlock(_Values(texts).mapping(nodes[0]), _lines(nodes[0], text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = text.count("\n", 0, mark.index) + 1 if mark else None
        raise NotYamlError(str(error.problem or error.context), line) from error
    except RecursionError as error:
        raise UnclearError(f"is nested deeper than {_DEEPEST} levels") from error
    finally:
        loader.dispose()


def _lines(node: yaml.MappingNode, text: str) -> dict[str, tuple[Lines, ...]]:
    """Say where each field stands, without the comments and blank lines behind it."""
    if node.flow_style:
        return {}
    lines = text.split("\n")
    starts = [text.count("\n", 0, key.start_mark.index) for key, _ in node.value]
    found: dict[str, tuple[Lines, ...]] = {}
    for (key, _), first, end in zip(node.value, starts, [*starts[1:], len(lines)], strict=True):
        last = end - 1
        while last > first and lines[last].strip()[:1] in ("", "#"):
            last -= 1
        here = Lines(first, last + 1, key.start_mark.column)
        found[str(key.value)] = (*found.get(str(key.value), ()), here)
    return found


class _Loader(yaml.SafeLoader):
    """PyYAML's scanner with the differences that count, and the plain words of YAML 1.2."""

    yaml_implicit_resolvers: Any = {}  # noqa: RUF012 - PyYAML fills it

    def _refuse(self, problem: str) -> None:
        raise ScannerError(None, None, problem, self.get_mark())

    def stale_possible_simple_keys(self) -> None:
        """Forget what turned out to be no name, but none for its length."""
        for key in self.possible_simple_keys.values():
            key.index = self.index
        super().stale_possible_simple_keys()

    def fetch_anchor(self) -> None:
        if self.peek(1) in f"{_LINE_END}{_BLANK},[]{{}}":
            self._refuse("an anchor has no name")
        raise UnclearError("holds a YAML anchor (&) or alias (*)")

    def fetch_alias(self) -> None:
        self._refuse("an alias (*) names nothing")

    def fetch_tag(self) -> None:
        raise UnclearError("holds a YAML tag (!)")

    def fetch_flow_entry(self) -> None:
        if self.flow_level:
            super().fetch_flow_entry()
        else:
            self.fetch_plain()  # a comma begins a text

    def check_plain(self) -> bool:
        first, second = self.peek(), self.peek(1)
        if self.flow_level and first == "-" and second in ",[]{}":
            return False
        if self.flow_level and first == ":":
            return not self.check_value()
        return bool(super().check_plain())

    def check_value(self) -> bool:
        if not self.flow_level or self.peek(1) in f"{_LINE_END}{_BLANK},[]{{}}":
            return bool(super().check_value())
        last = self.tokens[-1] if self.tokens else None
        quoted = isinstance(last, yaml.ScalarToken) and not last.plain
        return quoted or isinstance(last, yaml.FlowSequenceEndToken | yaml.FlowMappingEndToken)

    def scan_flow_scalar_breaks(self, double: bool, start_mark: object) -> list[str]:
        chunks: list[str] = super().scan_flow_scalar_breaks(double, start_mark)
        if self.column <= self.indent and self.peek() != "\0":
            self._refuse("quoted text goes on without being indented")
        return chunks

    def scan_line_break(self) -> str:
        return str(super().scan_line_break())  # type: ignore[no-untyped-call]

    def scan_to_next_token(self) -> None:
        """Skip blanks, tabs among them, comments and line ends."""
        while True:
            while self.peek() in _BLANK:
                self.forward()
            if self.peek() == "#" and self._is_behind_blank():
                while self.peek() not in _LINE_END:
                    self.forward()
            if not self.scan_line_break():
                break
            if not self.flow_level:
                self.allow_simple_key = True
        outside = self.flow_level and self.column <= self.indent
        if outside and self.peek() not in "]}\0":
            self._refuse("a list or mapping in brackets goes on without being indented")

    def _is_behind_blank(self) -> bool:
        return self.pointer == 0 or self.buffer[self.pointer - 1] in f"{_BLANK}\r\n"

    def scan_plain_spaces(self, indent: int, start_mark: object) -> list[str] | None:
        """Skip what stands between the words of a text without quotes, tabs among it."""
        del indent, start_mark
        length = 0
        while self.peek(length) in _BLANK:
            length += 1
        between = self.prefix(length)
        self.forward(length)
        if self.peek() not in "\r\n":
            return [between] if between else []
        first = self.scan_line_break()
        self.allow_simple_key = True
        breaks: list[str] = []
        while not self._is_at_end_of_document():
            if self.peek() in _BLANK:
                self.forward()
            elif self.peek() in "\r\n":
                breaks.append(self.scan_line_break())
            else:
                return [*([] if breaks or first != "\n" else [" "]), *breaks]
        return None

    def _is_at_end_of_document(self) -> bool:
        marker = self.column == 0 and self.prefix(3) in ("---", "...")
        return marker and self.peek(3) in f"{_LINE_END}{_BLANK}"


_FLOAT = (
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
for _word, _pattern, _first in (
    ("bool", "true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("null", "~|null|Null|NULL|", [*"~nN", ""]),
    ("int", "[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", [*"-+0123456789"]),
    ("float", _FLOAT, [*"-+0123456789."]),
):
    _Loader.add_implicit_resolver(_PREFIX + _word, re.compile(f"^(?:{_pattern})$"), _first)


@dataclass(frozen=True, slots=True)
class _Values:
    """Values that nodes stand for; `texts` are the marks that were exchanged to be read."""

    texts: dict[int, str]

    def mapping(self, node: yaml.MappingNode, depth: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = self.value(key, depth + 1)
            if name == "<<":
                raise UnclearError("holds a YAML merge key (<<)")
            if isinstance(name, list | dict):
                raise UnclearError("holds a list or a mapping for a name")
            found[name if isinstance(name, str) else key.value] = self.value(value, depth + 1)
        return found

    def value(self, node: yaml.Node, depth: int) -> object:
        if depth > _DEEPEST:
            raise UnclearError(f"is nested deeper than {_DEEPEST} levels")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, depth + 1) for item in node.value]
        return self._scalar(node)

    def _scalar(self, node: yaml.Node) -> object:
        text = str(node.value)
        match node.tag.removeprefix(_PREFIX):
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return _int(text)
            case "float":
                return _float(text)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        if any("\ud800" <= mark <= "\udfff" for mark in text):
            raise NotYamlError("holds half of a character (\\ud800 to \\udfff)")
        return text.translate(self.texts)


def _int(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise UnclearError(f"holds a number of more than {_LONGEST_NUMBER} digits")
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


def _float(text: str) -> float:
    word = text.lower().lstrip("+-")
    if word == ".nan":
        raise UnclearError("holds .nan")
    value = float("inf") if word == ".inf" else float(text.lstrip("+-"))
    return -value if text.startswith("-") else value
