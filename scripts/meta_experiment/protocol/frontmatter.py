"""The frontmatter of a prompt file as the client finds it (observed on 2.1.330).

It opens with `---` at the very start, alone on its line, and ends at the next `---`, wherever
that stands: at the start of a line, as part of `-----`, or within a sentence. White space
behind it belongs to neither the block nor the text.
"""

from __future__ import annotations

_MARKER = "---"
_MARK = "\ufeff"
# what JavaScript takes for white space
SPACE = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)


def find_block(text: str) -> tuple[int, int] | None:
    """Return start and end of what stands between the markers; None when there is none."""
    start = 1 if text.startswith(_MARK) else 0
    if not text.startswith(_MARKER, start):
        return None
    rest = text[start + 3 :]
    run = start + 3 + len(rest) - len(rest.lstrip(SPACE))
    opening = text.rfind("\n", start + 3, run) + 1
    closing = text.find(_MARKER, opening) if opening else -1
    return None if closing < 0 else (opening, closing)


def head_length(text: str) -> int:
    """Return the length of the head: markers and a byte order mark included, with its line."""
    block = find_block(text)
    if block is None:
        return 1 if text.startswith(_MARK) else 0
    end = block[1] + 3
    line_end = text.find("\n", end) + 1 or len(text)
    return end if text[end:line_end].strip(SPACE) else line_end


def without_frontmatter(data: bytes) -> bytes:
    """Return the text of a prompt file below its head."""
    text = data.decode("utf-8", "surrogateescape")
    return text[head_length(text) :].encode("utf-8", "surrogateescape")


def plain_value(data: bytes, key: str) -> str | None:
    """Return what a head says of a key behind it on its line; None when it has no such line.

    Quotes around it and a comment behind it are taken away. What is written in another form of
    YAML is not found.
    """
    text = data.decode("utf-8", "replace")
    block = find_block(text)
    found, indent = None, None
    for line in text[slice(*block)].split("\n") if block else ():
        words = line.strip(SPACE)
        if not words or words[0] == "#":
            continue
        margin = len(line) - len(line.lstrip(" "))
        indent = margin if indent is None else indent
        name, colon, value = words.partition(":")
        if margin == indent and colon and name.strip(" \"'") == key:
            found = _unquoted(value.strip(SPACE))
    return found


def _unquoted(value: str) -> str:
    quote = value[:1] if value[:1] in ("'", '"') else ""
    ending = value.find(quote, 1) if quote else value.find(" #")
    return value[len(quote) : ending] if ending > 0 else value[len(quote) :]
