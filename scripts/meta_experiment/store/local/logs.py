"""The names and sizes of an experiment's logs, which tell whether anything is new."""

from __future__ import annotations

import os
import stat

from meta_experiment.errors import StorageError

NO_LOG = -1  # the size of what stands in a log's place and is no regular file


def log_sizes(folder: str | os.PathLike[str]) -> dict[str, int]:
    """Return the size of every log of an experiment, by name; no folder has no logs.

    A link, folder or the like has the size NO_LOG.

    Raises:
        StorageError: the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return {
                entry.name: _size(entry)
                for entry in entries
                if entry.name.endswith((".jsonl", ".tsv")) and not entry.name.startswith(".")
            }
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"{folder} cannot be read: {error.strerror}.") from error


def _size(entry: os.DirEntry[str]) -> int:
    status = entry.stat(follow_symlinks=False)
    return status.st_size if stat.S_ISREG(status.st_mode) else NO_LOG
