"""Serving where nothing may be written below the root, as in the client's sandbox.

The client runs the injected line in its sandbox, and hooks outside of it. What serving would
write below the root it then writes into the client's own temporary folder, which every sandbox
leaves to it, under the same seals; the next hook of the session takes it over.
"""

from __future__ import annotations

import errno
import os
import stat

from meta_experiment.protocol.lock import BusyError, NoLocksError, locked, open_there
from meta_experiment.protocol.places import data_folder, is_plain, roots
from meta_experiment.protocol.sessions import Session, remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from meta_experiment.protocol.places import Root

_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
_TAKEN = "taken-"  # begins the names of marks, one for each hand-over
_OURS = "meta-experiment"
_PATIENCE = 0.5  # seconds for a lock


def is_forbidden(error: OSError) -> bool:
    """Tell an error of somebody who may not write from any other."""
    return error.errno in _FORBIDDEN


def beside(root: Root, session: Session) -> Session | None:
    """Return the state of a session in the client's temporary folder; None without one."""
    for folder in _folders(root.token):
        return Session(session.root, session.id, f"{folder}/{session.id}")
    return None


def note_taken(kept: Session, handover: str) -> None:
    """Keep that a hand-over (the name of its file) was taken. Raises OSError."""
    kept.write(_TAKEN + handover, b"1")


def taken(kept: Session) -> set[str]:
    """Return the hand-overs that were taken. Raises OSError."""
    return {name.removeprefix(_TAKEN) for name in kept.names(_TAKEN) if kept.read(name)}


def take_over(root: Root, session: Session) -> None:
    """Do below the root what serving could not do there in a session.

    Raises OSError, among them BusyError where another process does it.

    Only what was done goes: more may be kept meanwhile, and while the checkout's identity is
    out of reach nothing there can be told to be ours.
    """
    for folder in _folders(root.token):
        kept = Session(root.path, session.id, f"{folder}/{session.id}")
        if not os.path.isdir(kept.folder):
            continue
        try:
            held = _locked(kept.folder)
        except FileNotFoundError:
            continue  # another hook has taken it over
        try:
            if _is_taken_over(kept, session):
                _remove_empty(os.path.dirname(kept.folder))
        finally:
            if held is not None:
                os.close(held)


def _is_taken_over(kept: Session, session: Session) -> bool:
    """Take over what is kept for a session, and tell whether nothing is left."""
    from meta_experiment.live.exposure import adopt

    names = kept.names()  # what comes from now on stays for the next hook
    for trial in kept.open_trials():
        adopt(session, trial)
        kept.remove_trial(trial)
    remove(f"{session.folder}/{name}" for name in taken(kept) if is_plain(name))
    return kept.remove(names)


def _locked(folder: str) -> int | None:
    """Keep other hooks from taking over the same: what one has closed another would reopen.

    None where the file system has no locks. Raises BusyError.
    """
    try:
        held = locked(folder, open_there, within=_PATIENCE)
    except NoLocksError:
        return None
    if held is None:
        raise BusyError("what was kept beside the root is held by another process")
    return held


def take_over_all(root: str) -> None:
    """Do the same for all sessions, as their client may be gone.

    A session with a fault is left for the next time, and told. Raises OSError.
    """
    for known in roots(data_folder(os.environ)):
        if known.path == root:
            for folder in _folders(known.token):
                for name in os.listdir(folder) if os.path.isdir(folder) else ():
                    try:
                        take_over(known, Session(root, name))
                    except BusyError:
                        continue
                    except (OSError, ValueError) as error:
                        from meta_experiment.protocol.faults import note_error

                        note_error(root, "close", error)


def _folders(token: str) -> Iterator[str]:
    """Yield where it may be kept: only what is this user's, and writable by nobody else."""
    user = os.getuid()
    named = [os.environ.get(name, "") for name in ("CLAUDE_TMPDIR", "CLAUDE_CODE_TMPDIR")]
    for base in dict.fromkeys((*named, f"/tmp/claude-{user}")):  # noqa: S108 - the client's
        try:
            status = os.lstat(base)
        except OSError:
            continue
        private = status.st_uid == user and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if stat.S_ISDIR(status.st_mode) and private and base.startswith("/"):
            yield f"{base}/{_OURS}-{token}"


def _remove_empty(folder: str) -> None:
    """Remove the folder around those of sessions, unless another is in it."""
    try:
        os.rmdir(folder)
    except OSError:
        return
