"""Archives of strangers: read in memory by the name of a member, and never unpacked."""

from __future__ import annotations

import re
import stat
import zipfile
from collections.abc import Collection
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from meta_experiment.errors import UnsafePathError
from meta_experiment.workflows.outcomes.found_file import LARGEST, FoundFile, LeftOutError

_MOST_MEMBERS = 20_000
_LEADS_OUT = re.compile(r"(?:^|[/\\])\.\.(?:[/\\]|$)|^[/\\]|^[A-Za-z]:|\0")
_BROKEN = (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError)


def packed_files(
    path: Path, prefix: str, wanted: Collection[str], opened: ExitStack
) -> list[FoundFile]:
    """Return the members with such names, to be read as long as `opened` is.

    Raises:
        UnsafePathError: a member leads out of the archive or is a link. LeftOutError: it is no
            archive, or one of too many members.
    """
    try:
        archive = opened.enter_context(zipfile.ZipFile(path))
    except _BROKEN as error:
        raise LeftOutError(f"{path.name} is no archive that can be read ({error})") from error
    members = archive.infolist()
    if len(members) > _MOST_MEMBERS:
        raise LeftOutError(f"{path.name} holds more than {_MOST_MEMBERS:,} files")
    for member in members:
        if _LEADS_OUT.search(member.filename):
            raise UnsafePathError(f"{path.name} holds {member.filename!r:.80}, which leads out")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise UnsafePathError(f"{path.name} holds a link, {member.filename!r:.80}")
    return [
        FoundFile(f"{prefix}{member.filename}", partial(_read, archive, member))
        for member in members
        if member.filename.rpartition("/")[2] in wanted
    ]


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Read a member, whatever it says of its own size."""
    try:
        with archive.open(member) as stream:
            data = stream.read(LARGEST + 1)
    except (*_BROKEN, zipfile.LargeZipFile) as error:
        raise LeftOutError(f"cannot be unpacked ({error})") from error
    if len(data) > LARGEST:
        raise LeftOutError(f"unpacks to more than {LARGEST:,} bytes")
    return data
