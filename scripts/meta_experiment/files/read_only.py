"""A disk that takes nothing, for who looks and must leave no trace."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.protocol.disk import PRIVATE_DIRECTORY, PRIVATE_FILE


class ReadOnlyFileSystem(FileSystem):
    """The real disk, as if it were mounted for reading alone."""

    def make_directory(self, path: Path, mode: int = PRIVATE_DIRECTORY) -> None:
        """Refuse."""
        del mode
        _refuse(path)

    def create(
        self, path: Path, data: bytes, mode: int = PRIVATE_FILE, *, within: int | None = None
    ) -> None:
        """Refuse."""
        del data, mode, within
        _refuse(path)

    def append(self, path: Path, data: bytes | memoryview, *, durable: bool = True) -> None:
        """Refuse."""
        del data, durable
        _refuse(path)

    def truncate(self, path: Path, size: int) -> None:
        """Refuse."""
        del size
        _refuse(path)

    def replace(self, source: Path, target: Path, *, within: int | None = None) -> None:
        """Refuse."""
        del source, within
        _refuse(target)

    def remove(self, path: Path, *, within: int | None = None) -> None:
        """Refuse."""
        del within
        _refuse(path)

    def remove_directory(self, path: Path) -> None:
        """Leave it where it is, as one that cannot go."""


def _refuse(path: Path) -> NoReturn:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
