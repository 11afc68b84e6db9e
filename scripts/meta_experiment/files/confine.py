"""Paths that a plan names stay inside their root, and reach it through no link."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from meta_experiment.errors import NotFoundError, StorageError, UnsafePathError, cite
from meta_experiment.protocol.places import leads_out

if TYPE_CHECKING:  # where roots are looked up, starting fast matters
    from meta_experiment.types import FileVersion

READ_LIMIT = 16 * 1024 * 1024

_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OWN_STATE = (".claude", "meta")
# folders of folders
_LISTED = ("trials", "variants", "local", "local/live", "local/sessions", "local/started")
# Files by which the client is told what to run: no prompts, whatever a registry says.
CLIENT_SETTINGS = frozenset(
    {
        ".claude.json",
        ".lsp.json",
        ".mcp.json",
        "hooks.json",
        "managed-settings.json",
        "plugin.json",
        "settings.json",
        "settings.local.json",
    }
)
_COMPONENT_LIMIT = 255
_O_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_O_DIRECTORY: int = getattr(os, "O_DIRECTORY", 0)
_O_NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)  # a fifo must not hang the reader


class Content(NamedTuple):
    """The bytes and permission bits of one file, taken from the same open file."""

    data: bytes
    mode: int

    @property
    def sha256(self) -> str:
        """Name the bytes (hex)."""
        import hashlib

        return hashlib.sha256(self.data).hexdigest()

    @property
    def version(self) -> FileVersion:
        """Name bytes and permission bits."""
        from meta_experiment.types import FileVersion

        return FileVersion(self.sha256, self.mode)


def confined(root: Path, relative: str) -> Path:
    """Return the place of a file that may be read and replaced, checked on disk.

    The file may be missing, and so may its last directories.

    Raises:
        UnsafePathError: the text is no plain path below the root, a component is a
            symbolic link, the target is no regular file, or it has further hard links
            (replacing it would part it from them in silence).
        StorageError: a component cannot be examined.
    """
    parts = _parts_below(root, relative)
    path = root
    for part in parts[:-1]:
        path /= part
        status = _status(path)
        if status is None:
            return root.joinpath(*parts)
        _require_directory(status, path, relative)
    path /= parts[-1]
    status = _status(path)
    if status is not None:
        _require_regular(status, relative)
        if status.st_nlink > 1:
            import shlex

            named = shlex.quote(f"./{relative}")
            raise UnsafePathError(
                f"{cite(relative)} has {status.st_nlink} hard links; replacing it would part "
                "it from the others. Expected a file with one name.",
                hint=f"Make it a file of its own: cp {named} {named}.own && mv {named}.own "
                f"{named}",
            )
    return path


def read_confined(root: Path, relative: str, limit: int = READ_LIMIT) -> Content:
    """Read a file below the root, never following a link, even one made meanwhile.

    Every component is opened relative to the one before it, so that exchanging a
    directory for a link between check and use cannot lead elsewhere.

    Raises:
        UnsafePathError: as `confined`, but for hard links, which reading leaves alone.
        NotFoundError: there is no such file.
        StorageError: it cannot be read, or is larger than the limit in bytes.
    """
    parts = _parts_below(root, relative)
    try:
        descriptor = _open_below(root, parts)
    except OSError as error:
        raise _translated(error, relative) from error
    try:
        status = os.fstat(descriptor)
        _require_regular(status, relative)
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise _translated(error, relative) from error
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise StorageError(f"{cite(relative)} is larger than the limit of {limit:,} bytes.")
    return Content(data, stat.S_IMODE(status.st_mode))


@contextmanager
def holding_folder(root: Path, relative: str) -> Iterator[int | None]:
    """Open the folder that holds a file below the root, through no link.

    What is done relative to the descriptor happens in that folder, whatever its path leads
    to meanwhile. None where the system cannot open folders.

    Raises:
        UnsafePathError: a component is a link or no folder. NotFoundError: one is missing.
        StorageError: one cannot be opened.
    """
    if os.open not in os.supports_dir_fd:
        yield None
        return
    try:
        descriptor = _open_folder(root, _parts_below(root, relative)[:-1])
    except OSError as error:
        raise _translated(error, relative) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def refuse_links(root: Path) -> None:
    """Refuse a root whose own state is reached through a link, or has one for a folder.

    A repository can bring such a link along; what is appended or written would then land
    wherever it leads. Only `.claude` itself may be one, to a folder of the same root. Costs a
    few listings.

    Raises:
        UnsafePathError: names the link.
    """
    if leads_out(os.fspath(root)):
        import shlex

        own, real = root / _OWN_STATE[0], Path(os.path.realpath(root / _OWN_STATE[0]))
        other = shlex.quote(str(real.parent)) if real.name == own.name else "DIR"
        raise UnsafePathError(
            f"{own} is a symbolic link to {real}, no folder of this root; this tool keeps its "
            "state in the root that it belongs to.",
            hint=f"Name the root to which that folder belongs: --root {other}",
        )
    path = root.joinpath(*_OWN_STATE)
    if path.is_symlink():
        raise _linked(path)
    for folder in (path, *(path / name for name in _LISTED)):
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    raise _linked(Path(entry.path))


def _linked(path: Path) -> UnsafePathError:
    import shlex

    return UnsafePathError(
        f"{path} is a symbolic link; this tool keeps its state in folders of its own.",
        hint=f"Look where it leads, then take the link away: rm {shlex.quote(os.fspath(path))}",
    )


def real_path(root: Path, relative: str) -> str:
    """Return the path below the root at which a file really lies, links to it followed.

    Everything else here follows none: what is planned is the path without them.

    Raises:
        UnsafePathError: it lies outside the root.
    """
    base, real = os.path.realpath(root), os.path.realpath(root / relative)
    if not real.startswith(base.rstrip("/") + "/"):
        raise UnsafePathError(
            f"{cite(relative)} leads to {real}, outside {root}; an experiment touches only "
            "files below its root.",
            hint="Name the file where it lies, and a root that holds it: --root DIR",
        )
    return os.path.relpath(real, base)


def plain_path(relative: str) -> str:
    """Return a path that may name a prompt file below a root, judged by its text alone.

    Raises:
        UnsafePathError: it is absolute, leaves the root, or belongs to git or this tool.
    """
    _parts(relative)
    return relative


def safe_component(name: str) -> str:
    """Return a name that may stand as one component of a path: an id, a variant.

    Raises:
        UnsafePathError: it is empty, too long, hidden or holds a separator.
    """
    if name.startswith(".") or "/" in name:
        raise UnsafePathError(f"{cite(name)} cannot be used as the name of a file or folder.")
    _check_component(name, name)
    return name


def _parts_below(root: Path, relative: str) -> list[str]:
    """Return the parts of a path that is no state of ours, be `.claude` a link or not."""
    parts, own = _parts(relative), root / _OWN_STATE[0]
    if own.is_symlink():
        state = os.path.relpath(os.path.realpath(own), os.path.realpath(root))
        if f"{relative}/".casefold().startswith(f"{state}/{_OWN_STATE[1]}/".casefold()):
            raise _not_for_prompts(relative)
    return parts


def _not_for_prompts(relative: str) -> UnsafePathError:
    return UnsafePathError(
        f"{cite(relative)} belongs to git or to this tool; expected a prompt file."
    )


def _parts(relative: str) -> list[str]:
    if not relative:
        raise UnsafePathError("The path is empty; expected a path relative to the root.")
    parts = relative.split("/")
    if not parts[0] or _DRIVE.match(relative):
        raise UnsafePathError(
            f"{cite(relative)} is absolute; expected a path relative to the root."
        )
    for part in parts:
        _check_component(part, relative)
    folded = [part.casefold() for part in parts]
    if ".git" in folded or _OWN_STATE in pairwise(folded):
        raise _not_for_prompts(relative)
    if folded[-1] in CLIENT_SETTINGS:
        raise UnsafePathError(
            f"{cite(relative)} holds settings of the client, which can run programs; expected "
            "a prompt file."
        )
    return parts


def _check_component(part: str, whole: str) -> None:
    if part in {"", ".", ".."}:
        raise UnsafePathError(
            f"{cite(whole)} has an empty, '.' or '..' component; expected a plain path "
            "relative to the root."
        )
    if "\\" in part or _CONTROL.search(part):
        raise UnsafePathError(f"{whole!r} holds a backslash or a control character.")
    try:
        size = len(os.fsencode(part))
    except UnicodeEncodeError as error:
        raise UnsafePathError(f"{whole!r} is no text; expected a path in UTF-8.") from error
    if size > _COMPONENT_LIMIT:
        raise UnsafePathError(f"A component of {whole[:80]!r}… is longer than 255 bytes.")


def _status(path: Path) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path} cannot be examined: {error.strerror}.") from error


def _require_directory(status: os.stat_result, path: Path, relative: str) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise UnsafePathError(f"{cite(relative)} passes through the symbolic link {path}.")
    if not stat.S_ISDIR(status.st_mode):
        raise UnsafePathError(f"{cite(relative)} passes through {path}, which is no directory.")


def _require_regular(status: os.stat_result, relative: str) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise UnsafePathError(
            f"{cite(relative)} is a symbolic link; expected a regular file.",
            hint="Name the file that it points to, if that lies below the root.",
        )
    if not stat.S_ISREG(status.st_mode):
        raise UnsafePathError(f"{cite(relative)} is not a regular file.")


def _open_below(root: Path, parts: list[str]) -> int:
    if os.open not in os.supports_dir_fd:
        return _open_checked(confined(root, "/".join(parts)))
    directory = _open_folder(root, parts[:-1])
    try:
        return os.open(parts[-1], os.O_RDONLY | _O_NOFOLLOW | _O_NONBLOCK, dir_fd=directory)
    finally:
        os.close(directory)


def _open_folder(root: Path, parts: list[str]) -> int:
    directory = os.open(root, os.O_RDONLY | _O_DIRECTORY)
    for part in parts:
        try:
            inner = os.open(part, os.O_RDONLY | _O_DIRECTORY | _O_NOFOLLOW, dir_fd=directory)
        finally:
            os.close(directory)
        directory = inner
    return directory


def _open_checked(path: Path) -> int:
    """Open where directories cannot be opened: check afterwards that it is the same file."""
    before = os.lstat(path)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    if not os.path.samestat(before, os.fstat(descriptor)):
        os.close(descriptor)
        raise UnsafePathError(f"{path} was exchanged while it was opened.")
    return descriptor


def _translated(
    error: OSError, relative: str
) -> UnsafePathError | NotFoundError | StorageError:
    if isinstance(error, FileNotFoundError):
        return NotFoundError(
            f"There is no file {cite(relative)} below the root.",
            hint="Check its path, which begins at the root: the project, or --root DIR.",
        )
    # ENXIO is a socket or an unread fifo; EMLINK is what some systems say for ELOOP
    if error.errno in {errno.ELOOP, errno.ENOTDIR, errno.EMLINK, errno.ENXIO}:
        return UnsafePathError(
            f"{cite(relative)} passes through a link, or is not a regular file below the root."
        )
    return StorageError(f"{cite(relative)} cannot be read: {error.strerror}.")
