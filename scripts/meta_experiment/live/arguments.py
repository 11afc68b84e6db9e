"""Filling arguments and variables into a served text, as the client does with its files.

The client looks for placeholders in files only, never in what an injected line prints. It
splits arguments with a parser of shell commands, whose answers surprise for anything but
plain and quoted words; where it would take that parser, nothing is guessed: the text then
points to the arguments, which the client appends to every prompt that has no placeholder.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

POINTER = "(see ARGUMENTS at the end)"
_NAMES = 64  # names of arguments that count, and letters one may have
_PARSED = 10_000  # characters beyond which the client splits at white space
_SPACES = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_BLANK = " \t"
_PLAIN = "_-./,:@%+^~*?"
_WORDS_OF_SHELL = frozenset(
    (
        "if",
        "then",
        "elif",
        "else",
        "fi",
        "do",
        "done",
        "while",
        "until",
        "for",
        "case",
        "esac",
        "function",
        "select",
        "time",
        "coproc",
        "in",
        "export",
        "declare",
        "typeset",
        "readonly",
        "local",
        "unset",
        "unsetenv",
        "let",
    )
)


class Substitutes:
    """Values that may be filled in.

    `arguments` is the text after the name, `names` those of the frontmatter, `variables` the
    values of `${…}` by their name. With `pointing`, placeholders of arguments become a hint
    to where the arguments stand.
    """

    __slots__ = ("_values", "arguments", "names", "pointing", "variables")

    def __init__(
        self,
        arguments: str,
        names: Sequence[str],
        variables: Mapping[str, str],
        *,
        pointing: bool = False,
    ) -> None:
        self.arguments = arguments
        self.variables = variables
        self.pointing = pointing
        numbered = [
            (name, index) for index, name in enumerate(names) if 0 < len(name) <= _NAMES
        ]
        self.names = sorted(numbered[:_NAMES], key=lambda pair: -len(pair[0]))
        self._values: list[str] | None = None if pointing else split(arguments)

    def whole(self) -> str:
        """Return all arguments."""
        return POINTER if self.pointing else self._clean(self.arguments)

    def at(self, index: int) -> str | None:
        """Return an argument by its position; None when there are fewer."""
        if self._values is None:
            return POINTER
        return self._clean(self._values[index]) if index < len(self._values) else None

    def _clean(self, value: str) -> str:
        """Do to a value what the client does: variables filled in, injections disarmed."""
        for name, text in self.variables.items():
            value = value.replace("${" + name + "}", text)
        return _disarmed(value)


def substitute(body: str, values: Substitutes, most: int) -> str | None:
    """Return a text with placeholders replaced, in one pass: values are not looked at again.

    None when it would have more than so many characters; then it is not made either.
    """
    body = body.replace("\uffff", "\ufffd").replace("\ufffe", "\ufffd")
    parts: list[str] = []
    done = size = 0
    place = body.find("$")
    while place >= 0 and size <= most:
        after = place + 1
        if _escaped(body, place, values):
            before, text = body[done : place - 1], "$"
        elif (filled := _filled(body, place, values)) is not None:
            before, (text, after) = body[done:place], filled
        else:
            place = body.find("$", after)
            continue
        parts += (before, text)
        size += len(before) + len(text)
        done = after
        place = body.find("$", after)
    parts.append(body[done:])
    return "".join(parts) if size + len(parts[-1]) <= most else None


def split(text: str) -> list[str] | None:
    """Return the single arguments; None when only the client's own parser can tell."""
    if not text.strip(_SPACES):
        return []
    if len(text) > _PARSED or (text[0] == "#" and "\n" not in text):
        return _split_at_spaces(text)
    first, _, rest = text.partition("\n")
    if "'" in first or '"' in first:
        first, rest = text, ""
    if rest and not all(_is_harmless(line) for line in rest.split("\n")):
        return None
    return _words(first)


def _filled(body: str, place: int, values: Substitutes) -> tuple[str, int] | None:
    """Return what replaces the placeholder at a `$`, and the place behind it."""
    start = place + 1
    if body.startswith("{CLAUDE_", start):
        end = body.find("}", start)
        value = values.variables.get(body[start + 1 : end]) if end > 0 else None
        return None if value is None else (value, end + 1)
    if name := _named(body, start, values):
        return values.at(name[1]) or "", start + len(name[0])
    if body.startswith("ARGUMENTS", start):
        end = start + len("ARGUMENTS")
        return _indexed(body, place, end, values) or (values.whole(), end)
    end = _digits_end(body, start)
    if end == start or _continues(body, end, ""):
        return None
    value = _at(values, body[start:end])
    return None if value is None else (value, end)


def _indexed(
    body: str, place: int, bracket: int, values: Substitutes
) -> tuple[str, int] | None:
    """Read `$ARGUMENTS[n]`; it stays as it is when there are fewer arguments."""
    if not body.startswith("[", bracket):
        return None
    end = _digits_end(body, bracket + 1)
    if end == bracket + 1 or not body.startswith("]", end):
        return None
    value = _at(values, body[bracket + 1 : end])
    return (body[place : end + 1] if value is None else value), end + 1


def _named(body: str, start: int, values: Substitutes) -> tuple[str, int] | None:
    for name, index in values.names:
        if body.startswith(name, start) and not _continues(body, start + len(name), "["):
            return name, index
    return None


def _escaped(body: str, place: int, values: Substitutes) -> bool:
    """Tell whether a single backslash takes the meaning from a placeholder."""
    before = body[max(place - 2, 0) : place]
    if not before.endswith("\\") or before == "\\\\":
        return False
    start = place + 1
    return (
        _digits_end(body, start) > start
        or body.startswith("ARGUMENTS", start)
        or _named(body, start, values) is not None
    )


def _at(values: Substitutes, digits: str) -> str | None:
    return values.at(int(digits)) if len(digits) < 10 else None


def _digits_end(body: str, start: int) -> int:
    end = start
    while end < len(body) and body[end] in "0123456789":
        end += 1
    return end


def _continues(body: str, end: int, more: str) -> bool:
    letter = body[end : end + 1]
    return letter != "" and (
        letter in more or letter == "_" or (letter.isascii() and letter.isalnum())
    )


def _disarmed(value: str) -> str:
    value = value.replace("`!", "` !").replace("!`", "! `")
    if "!" not in value:
        return value
    pieces = value.split("!")
    out = pieces[0]
    for piece in pieces[1:]:
        out += ("\\!" if not out or out[-1] in _SPACES else "!") + piece
    return out


def _split_at_spaces(text: str) -> list[str]:
    for space in _SPACES:
        text = text.replace(space, " ")
    return [word for word in text.split(" ") if word]


def _is_harmless(line: str) -> bool:
    """Tell whether a further line is a plain command, so that the first is parsed alone."""
    return not line.strip(_BLANK) or (
        "#" not in line and "'" not in line and '"' not in line and _words(line) is not None
    )


def _words(line: str) -> list[str] | None:
    """Split a line of plain and quoted words, as a shell would without expanding anything."""
    words: list[str] = []
    place, size = 0, len(line)
    while place < size:
        if line[place] in _BLANK:
            place += 1
            continue
        if line[place] == "#":
            return words if words and "\n" not in line else None
        read = _word(line, place, first=not words)
        if read is None:
            return None
        word, place = read
        words.append(word)
    return words


def _word(line: str, start: int, *, first: bool) -> tuple[str, int] | None:
    place, size = start, len(line)
    parts = []
    while place < size and line[place] not in _BLANK:
        letter = line[place]
        if letter in "'\"":
            end = line.find(letter, place + 1)
            quoted = line[place + 1 : end]
            if end < 0 or (letter == '"' and any(mark in quoted for mark in "$`\\")):
                return None
            parts.append(quoted)
            place = end + 1
        elif letter == "\\":
            if line[place + 1 : place + 2] in ("", "\n"):
                return None
            parts.append(line[place + 1])
            place += 2
        elif (
            _is_plain(letter)
            or (letter == "#" and place > start)
            or (letter == "=" and not first and place > start)
        ):
            parts.append(letter)
            place += 1
        else:
            return None
    word = line[start:place]
    return None if first and word in _WORDS_OF_SHELL else ("".join(parts), place)


def _is_plain(letter: str) -> bool:
    if letter.isascii():
        return letter.isalnum() or letter in _PLAIN
    return letter not in _SPACES and letter != "\u0085"
