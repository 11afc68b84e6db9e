"""Lines of a log as they are taken in: some whole ones at once, decoded, or said why not."""

from __future__ import annotations

import json
from typing import NamedTuple, NoReturn

LINE_LIMIT = 1024 * 1024

TOO_LONG = "longer than 1 MB"
NOT_UTF8 = "not valid UTF-8"
NOT_JSON = "not valid JSON"
NOT_OBJECT = "not a JSON object"
HALF_PAIR = "text with half of a surrogate pair"

_SURROGATE = "\\u"  # as JSON spells one; a decoded file holds none


class UnusableLine(NamedTuple):
    """Stands where a line could not be decoded."""

    reason: str


class Block(NamedTuple):
    """Whole lines of a file, each with its newline, and how many they are.

    Of a first line that is `too_long` only the end is there.
    """

    data: bytes
    total: int
    too_long: bool

    def text(self) -> str | None:
        """Return the block as text; None when a line is no text or may be too long."""
        if self.too_long or len(self.data) > LINE_LIMIT:
            return None
        try:
            return self.data.decode()
        except UnicodeDecodeError:
            return None

    def lines(self) -> list[str | UnusableLine]:
        """Return the lines without their newlines."""
        lines = _texts(self.data[:-1])
        if self.too_long:
            lines[0] = UnusableLine(TOO_LONG)
        return lines


def _texts(block: bytes) -> list[str | UnusableLine]:
    try:
        texts: list[str | UnusableLine] = list(block.decode().split("\n"))
    except UnicodeDecodeError:
        texts = [_text(line) for line in block.split(b"\n")]
    if len(block) > LINE_LIMIT:
        texts = [UnusableLine(TOO_LONG) if _over_limit(line) else line for line in texts]
    return texts


def _text(line: bytes) -> str | UnusableLine:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return UnusableLine(NOT_UTF8)


def _over_limit(line: str | UnusableLine) -> bool:
    return isinstance(line, str) and len(line) > LINE_LIMIT


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


decode = json.JSONDecoder(parse_constant=_refuse_constant).decode


def decoded(lines: list[str | UnusableLine]) -> list[object]:
    """Decode all lines as one array, which is twice as fast, or else one by one.

    A torn line followed by a whole one is no valid array: inside an object or a text the
    next line's `{"` cannot stand, and inside an inner array the number of values differs.
    """
    try:
        joined = ",".join(lines)  # type: ignore[arg-type]
        if _SURROGATE not in joined:
            values: list[object] = decode(f"[{joined}]")
            if len(values) == len(lines) and all(type(value) is dict for value in values):
                return values
    except (TypeError, ValueError, RecursionError):
        pass
    return [_decoded_line(line) for line in lines]


def _decoded_line(line: str | UnusableLine) -> object:
    if isinstance(line, UnusableLine):
        return line
    if not line or line.isspace():
        return None
    try:
        value: object = decode(line)
        if _SURROGATE in line:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return UnusableLine(HALF_PAIR)
    except (ValueError, RecursionError):
        return UnusableLine(NOT_JSON)
    return value if isinstance(value, dict) else UnusableLine(NOT_OBJECT)
