"""What a later step of a workflow may tell, written beside gh-aw's own keys of a state file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from meta_experiment.errors import NotFoundError, StorageError, UsageError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.types.notification import NotificationChannel, NotificationTarget
from meta_experiment.workflows.state.parsing import whole_document

TARGETS, REACHED, MESSAGE = "notify_targets", "min_samples_reached", "notify_message"
_THREADS = (NotificationChannel.ISSUE, NotificationChannel.DISCUSSION)
_MOST_BYTES = 16 << 20


def write_signal(
    files: FileSystem,
    path: Path,
    targets: Iterable[NotificationTarget],
    texts: Sequence[str],
    *,
    reached: bool,
) -> None:
    """Write whom to tell of what into a state file; all else in it stays.

    The targets are issues and discussions by their numbers, the message is the last text,
    whoever is told it.

    Raises:
        UsageError: the file is a ledger, whose lines are gh-aw's. StorageError: the disk
            refused.
    """
    document = _present(path)
    threads = {
        (item.channel.value, int(item.place.rpartition("#")[2]))
        for item in targets
        if item.channel in _THREADS
    }
    document[TARGETS] = [{"type": kind, "number": number} for kind, number in sorted(threads)]
    document[REACHED] = reached
    document[MESSAGE] = texts[-1] if texts else None
    data = json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"
    try:
        write_atomically(files, path, data)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from error


def _present(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise NotFoundError(f"There is no folder {path.parent}.") from None
        return {}
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
    document = whole_document(data) if len(data) <= _MOST_BYTES else None
    if document is None:
        raise UsageError(
            f"{path} is no state file of one JSON document; the lines of a ledger are gh-aw's.",
            hint=f"Name another file beside it: --state {path.with_name('notify.json')}",
        )
    return document
