"""The paths of the hot path, as texts: `pathlib` takes longer to load than all of it.

One folder of the machine (`<data>`) lists the roots under experiment and names a Python.
Everything else lies below a root.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LARGEST = 64 << 20  # bytes of a file that is read whole
_CHUNK = 1 << 20
_LONGEST_ID = 100
_STATE = "/.claude/meta/"
# the folders of the state that are nobody's but this checkout's
PRIVATE = ("trials", "summaries", "journal", "backups", "locks", "local")
TOKEN_LENGTH = 12  # hex digits of the checkout's identity
NOTICE, NEWS = "notice", "news"  # decisions that are due; what was done meanwhile
PROJECT, USER, PLUGIN = "project", "user", "plugin"


class Root:
    """A root that has entries in its index: token, scope (project, user, plugin), path.

    `place` is the folder in which its prompt files lie: its own, or that of a linked tree.
    """

    __slots__ = ("path", "place", "scope", "token")

    def __init__(self, token: str, scope: str, path: str) -> None:
        self.token = token
        self.scope = scope
        self.path = self.place = path


def data_folder(environment: Mapping[str, str]) -> str:
    """Return the folder for this machine and user; empty when there is no home."""
    named = environment.get("XDG_DATA_HOME", "")
    if named.startswith("/"):
        return f"{named}/meta-experiment"
    home = environment.get("HOME", "")
    return f"{home}/.local/share/meta-experiment" if home else ""


def client_folder(environment: Mapping[str, str], home: str | None = None) -> str:
    """Return the client's own folder of a user, whose home is that of the environment."""
    if home is None:
        home = environment.get("HOME", "")
    return environment.get("CLAUDE_CONFIG_DIR") or f"{home}/.claude"


def hidden_folder(repository: str) -> str:
    """Return where the folder of a repository's own holds what it is not to see."""
    return f"{repository}/meta-experiment"


def roots_file(data: str) -> str:
    """Return the list of roots under experiment."""
    return f"{data}/roots.tsv"


def missed_file(data: str) -> str:
    """Return the bounded log of uses that were not counted."""
    return f"{data}/missed.log"


def faults_file(data: str) -> str:
    """Return the bounded log of what went wrong on the way of prompts."""
    return f"{data}/faults.log"


def python_file(data: str) -> str:
    """Return the file whose one line is the path of a real interpreter."""
    return f"{data}/python"


def kept_folder(data: str, token: str, experiment_id: str) -> str:
    """Return where the control of an experiment lies once more, out of reach of a commit."""
    return f"{data}/served/{token}/{experiment_id}"


def kept_text(data: str, token: str, experiment_id: str, original: str, name: str) -> str:
    """Return the file of one text there, for a prompt file of that digest.

    Copies of one checkout share a token, and may give the same name to other experiments.
    """
    return f"{kept_folder(data, token, experiment_id)}/{original[:TOKEN_LENGTH]}/{name}"


def format_root(root: Root) -> str:
    """Return the line of a root, its end included. Raises ValueError on tab or newline."""
    fields = (root.token, root.scope, root.path)
    if any(mark in field for field in fields for mark in "\t\n\r\0"):
        raise ValueError("the path of a root holds a tab or the end of a line")
    return "\t".join(fields) + "\n"


class StrangeFileError(OSError):
    """A file is none that this program wrote; `sentence` says why, without its folder."""

    def __init__(self, path: str | os.PathLike[str], why: str) -> None:
        super().__init__(errno.EINVAL, f"it {why}", os.fspath(path))
        self.sentence = f"{os.path.basename(path)} {why}"


def parse_root(line: str) -> Root | None:
    """Read a line of the list; None when it is not one."""
    fields = line.rstrip("\n").split("\t")
    if len(fields) != 3 or not all(fields):
        return None
    return Root(*fields)


def roots(data: str) -> list[Root]:
    """Return the roots under experiment on this machine; none when the list is missing."""
    lines = read_text(roots_file(data)).split("\n") if data else []
    return [root for line in lines if (root := parse_root(line)) is not None]


def read_text(path: str) -> str:
    """Return a whole file, bytes that are no UTF-8 kept as surrogates; empty when missing."""
    return read_bytes(path).decode("utf-8", "surrogateescape")


def read_bytes(path: str) -> bytes:
    """Return a whole file, as `read_whole`; empty when it is missing. Raises OSError."""
    try:
        return read_whole(path)
    except (FileNotFoundError, NotADirectoryError):
        return b""


def read_own(path: str) -> bytes:
    """Return a whole file, as `read_bytes`; empty as well when it is none of ours."""
    try:
        return read_bytes(path)
    except StrangeFileError:
        return b""


def try_read(path: str | os.PathLike[str]) -> bytes | None:
    """Return a whole file, as `read_whole`; None when it cannot be read."""
    try:
        return read_whole(path)
    except OSError:
        return None


def read_below(root: str, path: str) -> bytes:
    """Return a whole file of the user's below a root, as `read_bytes`. Raises OSError."""
    refuse_links(root, f"{root}/{path}")
    return read_bytes(f"{root}/{path}")


def read_whole(path: str | os.PathLike[str]) -> bytes:
    """Return a whole file.

    Raises OSError, also for what is none of ours: a link, no regular file, which may have no
    end, or a larger one than any.
    """
    return b"".join(chunks(path, LARGEST))


def chunks(path: str | os.PathLike[str], largest: int) -> Iterator[bytes]:
    """Yield a whole file of so many bytes, at most, piece by piece. Raises OSError."""
    descriptor = _opened(path)
    try:
        size, done = os.fstat(descriptor).st_size, 0
        while size <= largest and (chunk := os.read(descriptor, _CHUNK)):
            yield chunk
            done += len(chunk)
            size = max(size, done)
        if size > largest:
            raise StrangeFileError(path, f"is larger than {largest >> 20} MB")
    finally:
        os.close(descriptor)


def read_head(path: str | os.PathLike[str], most: int) -> bytes:
    """Return so many bytes of a regular file, at most. Raises OSError, as `read_whole`."""
    descriptor = _opened(path)
    try:
        pieces = []
        while most > 0 and (piece := os.read(descriptor, min(most, _CHUNK))):
            pieces.append(piece)
            most -= len(piece)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def _opened(path: str | os.PathLike[str]) -> int:
    refuse_links_to_state(path)
    bound = os.O_NOFOLLOW if is_state(os.fspath(path)) else 0
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | bound)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise StrangeFileError(path, "is no regular file")
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def refuse_links(root: str, path: str) -> None:
    """Refuse a path that leaves its root by a link, which a commit can bring along.

    Raises:
        StrangeFileError: the first name below the root that is a link.
    """
    end = len(root)
    while 0 <= end < len(path):
        end = path.find("/", end + 1)
        step = path if end < 0 else path[:end]
        if os.path.islink(step):
            raise StrangeFileError(step, "is a symbolic link")


def refuse_links_to_state(path: str | os.PathLike[str]) -> None:
    """Do the same for what lies in the state of a root; any other path is the user's own.

    `.claude` itself may be a link to a folder of the same root.

    Raises:
        StrangeFileError: as `refuse_links`.
    """
    text = os.fspath(path)
    root, state, _ = text.rpartition(_STATE)
    if state:
        if leads_out(root):
            raise StrangeFileError(f"{root}/.claude", "is a symbolic link")
        refuse_links(f"{root}/.claude", text)


def leads_out(root: str) -> bool:
    """Tell whether the `.claude` of a root is a link, and not to a folder of the same root."""
    own = f"{root}/.claude"
    if not os.path.islink(own):
        return False
    within, real = os.path.realpath(root) + "/", os.path.realpath(own)
    inner = f"/{real[len(within) :]}/".casefold()
    ours = "/.git/" in inner or _STATE in inner
    return ours or not (real.startswith(within) and os.path.isdir(real))


def is_state(path: str) -> bool:
    """Tell whether a path lies in the state of a root."""
    return _STATE in path


def is_private(folder: str) -> bool:
    """Tell whether a folder is one of those of the state that git is never to see."""
    around, _, name = folder.rpartition("/")
    return name in PRIVATE and f"{around}/".endswith(_STATE)


def meta(root: str) -> str:
    """Return the folder of all state of a root."""
    return f"{root}/.claude/meta"


def local(root: str) -> str:
    """Return what belongs to this checkout alone."""
    return f"{meta(root)}/local"


def local_id(root: str) -> str:
    """Return the file of this checkout's identity."""
    return f"{local(root)}/id"


def active_index(root: str) -> str:
    """Return the index of what is served here; see `protocol.index`."""
    return f"{meta(root)}/active.idx"


def served_folder(root: str, experiment_id: str) -> str:
    """Return the folder of the texts of an experiment."""
    return f"{local(root)}/live/{experiment_id}"


def served_text(root: str, experiment_id: str, name: str) -> str:
    """Return the file of a text that serving reads; `protocol.texts` tells what there is."""
    return f"{served_folder(root, experiment_id)}/{name}"


def body_name(variant: str, part: int = 0) -> str:
    """Return the name of a body; parts count from 1, 0 is a body in one piece."""
    return f"{variant}.{part}.md" if part else f"{variant}.md"


def serving_state(root: str) -> str:
    """Return what is remembered of the last time that all was put in its place."""
    return f"{local(root)}/live/state"


def trials(root: str, experiment_id: str) -> str:
    """Return the folder of an experiment's logs."""
    return f"{meta(root)}/trials/{experiment_id}"


def lock(root: str, name: str) -> str:
    """Return the lock file for one purpose, as `files.roots` names it."""
    return f"{meta(root)}/locks/{name}.lock"


def sessions(root: str) -> str:
    """Return the folder that holds one folder for each session with open state."""
    return f"{local(root)}/sessions"


def sealed_faults(root: str) -> str:
    """Return where faults of a root go that the machine's folder does not take."""
    return f"{local(root)}/faults.log"


def heartbeat(root: str) -> str:
    """Return the file whose time of change is that of the last hook."""
    return f"{local(root)}/heartbeat"


def word(root: str, name: str) -> str:
    """Return the file of what is told at the start of a session, a `NOTICE` or `NEWS`.

    It is under seal; its name is the purpose.
    """
    return f"{local(root)}/{name}"


def is_id(name: str) -> bool:
    """Tell whether a name may be the id of an experiment.

    ASCII letters and digits, with '.', '_' and '-' between and behind them: nothing that a
    shell, a path or a line of ours would take for more than a name.
    """
    return (
        0 < len(name) <= _LONGEST_ID
        and name.isascii()
        and name[0].isalnum()
        and name.replace(".", "").replace("_", "").replace("-", "").isalnum()
    )


def is_plain(name: str) -> bool:
    """Tell whether a name from outside may stand as one component of a path."""
    return (
        0 < len(name) <= 128 and name[0] != "." and not any(mark in name for mark in "/\0\n\t")
    )
