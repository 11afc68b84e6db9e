"""A disk that forgets: after a power cut, what was never synced may be there or not.

A write is safe once its file was synced, a name (created, renamed, removed) once its folder
was. Between those moments a real disk may have written any of it, in any order. This one
keeps count of what is not safe yet, and `cut` makes the folder look as it may look when the
power is back.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults import FaultyFileSystem

from meta_experiment.files.filesystem import PRIVATE_FILE

Keeps = Callable[[], bool]


@dataclass
class Contents:
    """The bytes of one file: as programs see them, and as they are safe on the disk."""

    data: bytes
    safe: bytes
    mode: int


@dataclass(frozen=True)
class Naming:
    """Names in one folder that changed together and are not safe yet; None is no file."""

    folder: Path
    names: dict[Path, Contents | None]


class ForgetfulFileSystem(FaultyFileSystem):
    """The real disk until its N-th operation (never: all of them), then the power is cut."""

    def __init__(self, root: Path, fail_at: int | None = None) -> None:
        super().__init__(fail_at, "crash")
        self.root = root
        self._now: dict[Path, Contents | None] = {}
        self._safe: dict[Path, Contents | None] = {}
        self._pending: list[Naming] = []
        self._folders = {root, *_folders(root)}

    def create(
        self, path: Path, data: bytes, mode: int = PRIVATE_FILE, *, within: int | None = None
    ) -> None:
        self._know(path)
        super().create(path, data, mode, within=within)
        self._name(path.parent, {path: Contents(data, data, mode)})

    def append(self, path: Path, data: bytes | memoryview, *, durable: bool = True) -> None:
        known = self._know(path)
        super().append(path, data, durable=durable)
        if known is None:
            known = Contents(b"", b"", PRIVATE_FILE)
            self._name(path.parent, {path: known})
        known.data += bytes(data)
        if durable:
            known.safe = known.data

    def truncate(self, path: Path, size: int) -> None:
        known = self._know(path)
        super().truncate(path, size)
        if known is not None:
            known.data = known.safe = known.data[:size]

    def replace(self, source: Path, target: Path, *, within: int | None = None) -> None:
        moved = self._know(source)
        self._know(target)
        super().replace(source, target, within=within)
        self._name(target.parent, {source: None, target: moved})

    def remove(self, path: Path, *, within: int | None = None) -> None:
        known = self._know(path)
        super().remove(path, within=within)
        if known is not None:
            self._name(path.parent, {path: None})

    def sync_file(self, path: Path) -> None:
        known = self._know(path)
        super().sync_file(path)
        if known is not None:
            known.safe = known.data

    def sync_directory(self, path: Path) -> None:
        super().sync_directory(path)
        for naming in self._pending:
            if naming.folder == path:
                self._safe.update(naming.names)
        self._pending = [item for item in self._pending if item.folder != path]
        self._make_safe(path)

    def _make_safe(self, folder: Path) -> None:
        self._folders |= {child for child in folder.iterdir() if child.is_dir()}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Notice folders that are synced without this disk: locks make theirs themselves."""
        sync = os.fsync

        def noticed(descriptor: int) -> None:
            sync(descriptor)
            for folder in (self.root, *_folders(self.root)):
                if os.path.samestat(folder.stat(), os.fstat(descriptor)):
                    self._make_safe(folder)

        os.fsync = noticed
        try:
            yield
        finally:
            os.fsync = sync

    @property
    def unsafe(self) -> int:
        """How many things a cut now could take away, the folders of others included."""
        lagging = [item for item in self._now.values() if item and item.safe != item.data]
        return len(self._pending) + len(lagging) + len(self._unsafe_folders())

    def cut(self, keeps: Keeps) -> None:
        """Make the folder what a cut leaves; `keeps` decides on what was not safe."""
        left = dict(self._safe)
        for naming in self._pending:
            if keeps():
                left |= naming.names
        for path, contents in left.items():
            path.unlink(missing_ok=True)
            if contents is not None:
                lagging = contents.safe != contents.data
                data = contents.data if lagging and keeps() else contents.safe
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
                path.chmod(contents.mode)
        for folder in self._unsafe_folders():
            if not keeps():
                shutil.rmtree(folder, ignore_errors=True)

    def _unsafe_folders(self) -> list[Path]:
        return sorted(_folders(self.root) - self._folders)

    def _know(self, path: Path) -> Contents | None:
        """Return what stands at a path; what stood there before the first change is safe."""
        if path not in self._now:
            found = None
            if path.is_file():
                data = path.read_bytes()
                found = Contents(data, data, path.stat().st_mode & 0o7777)
            self._now[path] = self._safe[path] = found
        return self._now[path]

    def _name(self, folder: Path, names: dict[Path, Contents | None]) -> None:
        self._now.update(names)
        self._pending.append(Naming(folder, names))


def _folders(root: Path) -> set[Path]:
    """Return the folders below a root, git's own left out: git syncs those itself."""
    found = {path for path in root.rglob("*") if path.is_dir() and not path.is_symlink()}
    return {path for path in found if ".git" not in path.relative_to(root).parts}
