"""Originals by the SHA-256 of their bytes: kept before a change, never overwritten."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

from meta_experiment.errors import CorruptStoreError, NotFoundError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class Backups:
    """A folder of files, each named by the SHA-256 of what it holds."""

    files: FileSystem
    directory: Path

    def keep(self, data: bytes) -> str:
        """Store bytes unless they are there, durable on return, and give their SHA-256.

        Raises:
            CorruptStoreError: other bytes stand under this name.
            OSError: the file system refused.
        """
        digest = hashlib.sha256(data).hexdigest()
        path = self.directory / digest
        if path.exists():
            self.load(digest)
            return digest
        ensure_directory(self.files, self.directory)
        write_atomically(self.files, path, data)
        return digest

    def load(self, digest: str) -> bytes:
        """Return the bytes with this SHA-256.

        Raises:
            NotFoundError: there is no such backup.
            CorruptStoreError: what stands under this name has another SHA-256.
            OSError: the file system refused.
        """
        path = self.directory / digest
        try:
            data = self.files.read(path)
        except FileNotFoundError:
            raise NotFoundError(
                f"The backup {path} is gone; it held the bytes of a file before a change.",
                hint="Restore the file from version control.",
            ) from None
        if hashlib.sha256(data).hexdigest() != digest:
            named = shlex.quote(str(path))
            raise CorruptStoreError(
                f"The backup {path} does not hold the bytes that its name promises.",
                hint=f"Move it away (mv {named} {named}.damaged) and try again.",
            )
        return data
