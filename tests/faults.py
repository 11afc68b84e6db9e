"""A disk that fails on command, for tests that promise something about faults."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from meta_experiment.files.filesystem import PRIVATE_DIRECTORY, PRIVATE_FILE, FileSystem

FaultMode = Literal["crash", "torn", "enospc", "eio", "eacces"]

FATAL: tuple[FaultMode, ...] = ("crash", "torn")
REFUSING: tuple[FaultMode, ...] = ("enospc", "eio", "eacces")
ALL_MODES: tuple[FaultMode, ...] = (*FATAL, *REFUSING)

_ERRNO = {"enospc": errno.ENOSPC, "eio": errno.EIO, "eacces": errno.EACCES}
_LEAVES_HALF = ("torn", "enospc")
_WRITING = ("create", "append")  # operations of which half can be left


class Crash(BaseException):
    """The process died here; a BaseException so that no handler can carry on."""


def telling(mode: FaultMode, operations: Sequence[str]) -> list[int]:
    """Return at which operations, counted from 1, a fault may tell what no other mode tells.

    Half can be left only of what is written: elsewhere `torn` is as `crash`, and `enospc` as
    any refusal. `eio` and `eacces` differ by their number alone, so that they take turns.
    """
    numbers = range(1, len(operations) + 1)
    if mode in _LEAVES_HALF:
        return [number for number in numbers if operations[number - 1] in _WRITING]
    return [
        number for number in numbers if mode == "crash" or (number % 2 == 1) == (mode == "eio")
    ]


class FaultyFileSystem(FileSystem):
    """The real disk until the N-th mutating operation (counted from 1), which fails.

    Args:
        fail_at: the operation that fails; None never fails and only counts.
        mode: `crash` dies before the operation, `torn` after half of its bytes were
            written; `enospc` writes half and refuses, `eio` and `eacces` refuse at once.
        lasting: a refusal goes on for every later operation that needs space.

    After a death every further operation dies too, as nothing runs in a dead process.
    `operations` lists what was asked for, the failing one included.
    """

    def __init__(
        self,
        fail_at: int | None = None,
        mode: FaultMode = "crash",
        *,
        lasting: bool = False,
    ) -> None:
        self.fail_at = fail_at
        self.fault: FaultMode = mode
        self.lasting = lasting
        self.operations: list[tuple[str, Path]] = []
        self.dead = False

    @property
    def fired(self) -> bool:
        """Whether the planned fault came to pass."""
        return self.fail_at is not None and len(self.operations) >= self.fail_at

    def make_directory(self, path: Path, mode: int = PRIVATE_DIRECTORY) -> None:
        self._pass("make_directory", path)
        super().make_directory(path, mode)

    def create(
        self, path: Path, data: bytes, mode: int = PRIVATE_FILE, *, within: int | None = None
    ) -> None:
        self._pass(
            "create",
            path,
            lambda: super(FaultyFileSystem, self).create(
                path, _half(data), mode, within=within
            ),
        )
        super().create(path, data, mode, within=within)

    def append(self, path: Path, data: bytes, *, durable: bool = True) -> None:
        self._pass(
            "append", path, lambda: super(FaultyFileSystem, self).append(path, _half(data))
        )
        super().append(path, data, durable=durable)

    def truncate(self, path: Path, size: int) -> None:
        self._pass("truncate", path)
        super().truncate(path, size)

    def replace(self, source: Path, target: Path, *, within: int | None = None) -> None:
        self._pass("replace", target)
        super().replace(source, target, within=within)

    def remove(self, path: Path, *, within: int | None = None) -> None:
        self._pass("remove", path)
        super().remove(path, within=within)

    def remove_directory(self, path: Path) -> None:
        self._pass("remove_directory", path)
        super().remove_directory(path)

    def sync_file(self, path: Path) -> None:
        self._pass("sync_file", path)
        super().sync_file(path)

    def sync_directory(self, path: Path) -> None:
        self._pass("sync_directory", path)
        super().sync_directory(path)

    def _pass(self, name: str, path: Path, half: Callable[[], None] | None = None) -> None:
        """Count the operation and fail it when its turn has come."""
        if self.dead:
            raise Crash
        self.operations.append((name, path))
        if not self._due(half):
            return
        if half is not None and self.fault in _LEAVES_HALF:
            half()
        if self.fault in FATAL:
            self.dead = True
            raise Crash
        raise OSError(_ERRNO[self.fault], f"injected {self.fault}", str(path))

    def _due(self, half: Callable[[], None] | None) -> bool:
        if self.fail_at is None:
            return False
        count = len(self.operations)
        return count == self.fail_at or (
            self.lasting and half is not None and count > self.fail_at
        )


def count_operations(scenario: Callable[[FileSystem], object]) -> int:
    """Return how many mutating operations a scenario needs when nothing fails."""
    files = FaultyFileSystem()
    scenario(files)
    return len(files.operations)


def every_fault(
    operations: int, modes: tuple[FaultMode, ...] = ALL_MODES
) -> Iterator[FaultyFileSystem]:
    """Yield one failing disk for each operation and mode."""
    for mode in modes:
        for fail_at in range(1, operations + 1):
            yield FaultyFileSystem(fail_at, mode)


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]
