"""Values of the environment of a compiled workflow's steps, by the standard library alone."""

from __future__ import annotations


class CompiledValue:
    """A value with its place in the text; line and column count from 1."""

    __slots__ = ("column", "end", "line", "start", "value")

    def __init__(self, value: str, start: int, end: int, line: int, column: int) -> None:
        """Hold it."""
        self.value = value
        self.start = start
        self.end = end
        self.line = line
        self.column = column


def compiled_value(text: str, name: str) -> CompiledValue | None:
    """Return the value of a variable, None where no step has it.

    The compiler writes it on one line: plain, or in single quotes, of which two stand for one.
    """
    at = _assignment(text, f"{name}:")
    if at < 0:
        return None
    start = at + len(name) + 1
    while text[start : start + 1] == " ":
        start += 1
    line_end = text.find("\n", start)
    end = len(text) if line_end < 0 else line_end
    value = text[start:end].rstrip()
    if value[:1] == "'":
        value = _unquoted(value)
    line = text.count("\n", 0, start) + 1
    return CompiledValue(value, start, end, line, start - text.rfind("\n", 0, start))


def _assignment(text: str, words: str) -> int:
    """Return where a line begins with these words, blanks aside."""
    at = text.find(words)
    while at >= 0 and text[text.rfind("\n", 0, at) + 1 : at].strip(" "):
        at = text.find(words, at + 1)
    return at


def _unquoted(value: str) -> str:
    """Return what stands between single quotes, up to the first that is not doubled."""
    parts = value[1:].split("''")
    for number, part in enumerate(parts):
        if "'" in part:
            return "'".join([*parts[:number], part.partition("'")[0]])
    return "'".join(parts)
