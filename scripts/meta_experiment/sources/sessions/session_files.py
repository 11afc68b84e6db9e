"""The transcripts that the client keeps of sessions begun in a folder or below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MOST_FILES = 200
MOST_BYTES = 200_000_000
_CHUNK = 1 << 20
_HEAD = 65_536  # bytes in which a transcript says where and when its session began
_AGENT = "agent-"  # begins the name of an agent's file
_LONGEST_FOLDER = 150  # characters of a path that its folder is sure to be named by
_NEWEST = 3  # transcripts of which one began last, though another may have been written to
_FOLDED = re.compile(r"[^A-Za-z0-9]")
_CWD = re.compile(rb'"cwd":\s?"((?:[^"\\]|\\.)*)"')
_STAMP = re.compile(rb'"timestamp"\s*:\s*"([^"]{10,40})"')


def folded(path: str) -> str:
    """Return the name of the client's folder for sessions started at a path, if it is short.

    Each unit of UTF-16 that is no letter or digit becomes a dash: two for an emoji.
    """
    return _FOLDED.sub(lambda mark: "-" * (1 + (mark[0] > "\uffff")), path)


def transcripts(client: Path, root: Path | None) -> Iterator[Path]:
    """Yield the transcripts of sessions that may have begun in a root; None is anywhere.

    `client` is the client's own folder. The names of its folders are paths with all marks
    folded: `began_below` tells which are of the root.
    """
    prefix = "" if root is None else folded(str(root))[:_LONGEST_FOLDER]
    with suppress(OSError):
        for folder in sorted((client / "projects").iterdir()):
            if folder.name.startswith(prefix):
                with suppress(OSError):
                    found = sorted(folder.glob("*.jsonl"))
                    yield from (path for path in found if not path.name.startswith(_AGENT))


def newest(
    client: Path, root: Path | None, since: float
) -> tuple[list[tuple[Path, int, float]], int]:
    """Choose transcripts from the newest on, within the bounds; and count the others."""
    found = []
    for path in transcripts(client, root):
        with suppress(OSError):
            status = path.stat()
            if path.is_file() and status.st_mtime >= since:
                found.append((path, status.st_size, status.st_mtime))
    found.sort(key=lambda item: (-item[2], item[0]))
    chosen: list[tuple[Path, int, float]] = []
    room = MOST_BYTES
    for item in found[:MOST_FILES]:
        room -= item[1]
        if room < 0 and chosen:
            break
        chosen.append(item)
    return chosen, len(found) - len(chosen)


def mentions(path: Path, names: frozenset[str]) -> bool:
    """Look for the names in the bytes, so that most transcripts need not be decoded.

    Raises:
        OSError: the transcript cannot be read.
    """
    marks = [name.encode("utf-8", "replace") for name in names]
    overlap = max(map(len, marks))
    with path.open("rb") as stream:
        tail = b""
        while block := stream.read(_CHUNK):
            whole = tail + block
            if any(mark in whole for mark in marks):
                return True
            tail = whole[-overlap:]
    return False


def began_below(transcript: Path, root: Path | None) -> bool:
    """Tell whether a session was started in a root: a folded name fits `a-b` and `a/b`.

    Raises:
        OSError: the transcript cannot be read.
    """
    if root is None:
        return True
    found = _CWD.search(_head(transcript))
    if found is None:
        return True
    started = found[1].decode("utf-8", "replace")
    return started == str(root) or started.startswith(f"{str(root).rstrip('/')}/")


def last_began(client: Path, root: Path) -> float | None:
    """Return when the newest session below a root began; None when there is none."""
    dated = []
    for path in transcripts(client, root):
        with suppress(OSError):
            dated.append((path.stat().st_mtime, path))
    moments = []
    for _, path in sorted(dated)[-_NEWEST:]:
        with suppress(OSError):
            if began_below(path, root):
                moments.append(_began(path))
    return max((moment for moment in moments if moment is not None), default=None)


def _began(transcript: Path) -> float | None:
    from datetime import datetime

    found = _STAMP.search(_head(transcript))
    try:
        return datetime.fromisoformat(found[1].decode()).timestamp() if found else None
    except ValueError:
        return None


def _head(transcript: Path) -> bytes:
    with transcript.open("rb") as stream:
        return stream.read(_HEAD)
