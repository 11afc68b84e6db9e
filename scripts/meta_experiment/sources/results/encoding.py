"""The bytes of a source as text, in the encodings that programs and spreadsheets write."""

from __future__ import annotations

import codecs
import shlex
from typing import NamedTuple

from meta_experiment.errors import UsageError

# the longer mark first: that of UTF-32 begins as that of UTF-16
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OF_SPREADSHEETS = "cp1252"
_NO_TEXT = {
    b"PK\x03\x04": ("a spreadsheet or an archive", "Save its table as CSV, or unpack it."),
    b"\xd0\xcf\x11\xe0": ("a spreadsheet", "Save its table as CSV."),
    b"\x1f\x8b": ("compressed", "Unpack it first."),
    b"SQLite format 3\0": ("a database", "Write the rows out as CSV."),
    b"PAR1": ("a Parquet file", "Write the rows out as CSV."),
}


class DecodedText(NamedTuple):
    """A text; `assumed` says in one sentence what was guessed, and is empty if nothing was."""

    text: str
    assumed: str = ""


def decoded(data: bytes, name: str) -> DecodedText:
    """Decode a file by its mark, else as UTF-8, else as spreadsheets in the west save tables.

    Raises:
        UsageError: it is none of them, or empty.
    """
    for mark, (what, hint) in _NO_TEXT.items():
        if data.startswith(mark):
            raise UsageError(f"{name} is {what} and no text.", hint=hint)
    marked = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    try:
        found = DecodedText(data.decode(marked or "utf-8"))
    except UnicodeDecodeError as error:
        found = _of_a_spreadsheet(data, name, error, marked)
    if "\0" in found.text:
        raise UsageError(
            f"{name} holds characters with the number zero, so it is no text in UTF-8.",
            hint=_convert(name, "UTF-16LE"),
        )
    if not found.text.strip():
        raise UsageError(f"{name} is empty; there is nothing to import.")
    return found


def utf8_only(found: DecodedText, name: str) -> str:
    """Return the text of a JSON document, which has one encoding.

    Raises:
        UsageError: the encoding was guessed.
    """
    if found.assumed:
        raise UsageError(
            f"{name} is not text in UTF-8, which JSON is written in.",
            hint=_convert(name, "WINDOWS-1252"),
        )
    return found.text


def _of_a_spreadsheet(
    data: bytes, name: str, error: UnicodeDecodeError, marked: str | None
) -> DecodedText:
    try:
        if marked is None:
            return DecodedText(
                data.decode(_OF_SPREADSHEETS),
                "The file is no UTF-8; letters beyond ASCII were read as Windows-1252.",
            )
    except UnicodeDecodeError:
        pass
    raise UsageError(
        f"{name} is not text in {(marked or 'utf-8').upper()}: {error.reason}.",
        hint="Save it as UTF-8.",
    ) from error


def _convert(name: str, encoding: str) -> str:
    return (
        f"Save it as UTF-8, or convert it: iconv -f {encoding} -t UTF-8 {shlex.quote(name)} "
        "> utf8.txt"
    )
