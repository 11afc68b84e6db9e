"""Whether files of text are whole: what reads them takes the end of a cut one for its end."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

from meta_experiment.errors import RemoteError

_AT_ONCE = 1 << 20  # bytes
_LINES = (".csv", ".tsv")
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # marks of UTF-16


def require_whole(paths: Sequence[Path]) -> None:
    """Refuse a compressed file that is cut or damaged, and a table of text cut in a line.

    Others show by themselves that they are not whole: a file of Parquet has its end, a document
    in JSON its last bracket.

    Raises:
        RemoteError: one is not whole, or cannot be read.
    """
    for path in paths:
        try:
            end = _end_of_gzip(path) if path.suffix.lower() == ".gz" else _end(path)
        except (EOFError, zlib.error) as error:
            raise RemoteError(
                f"{path.name} is not whole: {error}.",
                hint="Fetch it again; nothing of it was taken.",
            ) from None
        except OSError as error:
            raise RemoteError(f"{path.name} cannot be read: {error.strerror}.") from error
        if not any(item.lower() in _LINES for item in path.suffixes):
            continue
        if head(path).startswith(_WIDE):
            raise RemoteError(
                f"{path.name} is in UTF-16, expected UTF-8.",
                hint="Spreadsheets have it as 'CSV UTF-8'.",
            )
        if end not in (b"", b"\n", b"\r"):
            raise RemoteError(
                f"{path.name} may have been cut: its last line does not end.",
                hint="Fetch it again; if it is whole, add an end to its last line.",
            )


def head(path: Path) -> bytes:
    """Return how a file of text begins, the first line at most; of a compressed one as well."""
    packed = path.suffix.lower() == ".gz"
    with gzip.open(path) if packed else path.open("rb") as stream:
        return stream.readline(_AT_ONCE)


def _end(path: Path) -> bytes:
    """Return the last byte of a file of text; nothing of one that is compressed otherwise."""
    if path.suffix.lower() not in _LINES:
        return b""
    with path.open("rb") as stream:
        if not stream.seek(0, 2):
            return b""
        stream.seek(-1, 2)
        return stream.read(1)


def _end_of_gzip(path: Path) -> bytes:
    """Read all of a compressed file, with its check sums; return the last byte of the text.

    Raises:
        EOFError, zlib.error: it is cut, or damaged.
    """
    end = b""
    with path.open("rb") as stream:
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        began = False
        rest = stream.read(_AT_ONCE)
        while rest:
            text = member.decompress(rest)
            began, end = True, text[-1:] or end
            rest = member.unused_data if member.eof else b""
            if member.eof:
                member, began = zlib.decompressobj(zlib.MAX_WBITS | 16), bool(rest)
            rest = rest or stream.read(_AT_ONCE)
    if began:
        raise EOFError("its end is missing")
    return end
