"""Fields between tabs, as lines of our own hold them."""

from __future__ import annotations

_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0"))


def escaped(field: str) -> str:
    """Return a field as it stands between tabs, in the files of a session."""
    for letter, spelled in _ESCAPES:
        field = field.replace(letter, spelled)
    return field


def plain(field: str) -> str:
    """Return the field that was escaped."""
    if "\\" not in field:
        return field
    spelled = {escaped[1]: plain for plain, escaped in _ESCAPES}
    letters = iter(field)
    return "".join(
        spelled.get(next(letters, ""), "\\") if letter == "\\" else letter for letter in letters
    )
