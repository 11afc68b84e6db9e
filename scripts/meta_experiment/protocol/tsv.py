"""Fields between tabs, as lines of our own hold them, and names within those of files."""

from __future__ import annotations

_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0"))
_LONGEST_NAME = 110


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


def quoted(name: str) -> str:
    """Return a name as it may stand within that of a file, different names kept apart."""
    if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
        name = "".join(_letter(byte) for byte in name.encode("utf-8", "surrogatepass"))
    return name[-_LONGEST_NAME:]


def _letter(byte: int) -> str:
    letter = chr(byte)
    return letter if byte < 128 and (letter.isalnum() or letter in "-_") else f"%{byte:02X}"
