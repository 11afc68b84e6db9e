"""Positions of a team's one sequence that this checkout leased ahead, and where it draws them.

A checkout counts its own units (0, 1, …), as it does alone; each range that it leased gives so
many of them, from a number of its own on, the positions of the team's sequence. Between two
ranges may lie units that were drawn while nothing was leased any more: those have no position.
Ranges are only ever added, behind all units that are drawn, so that no position is given twice
here, as none is leased twice; what a crash or a lost folder takes is never drawn.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import seal, sequence
from meta_experiment.records import dataclass
from meta_experiment.store.local.sealing import checkout_seal, known_seal, refusals


@dataclass(frozen=True, slots=True)
class HeldRange:
    """Units of this checkout, from `first` on, and the positions that they have."""

    first: int
    positions: range

    @property
    def end(self) -> int:
        """The unit behind the last."""
        return self.first + len(self.positions)


@dataclass(frozen=True, slots=True)
class HeldPositions:
    """All that a checkout leased of one experiment, in the order in which it draws."""

    ranges: tuple[HeldRange, ...] = ()

    @property
    def end(self) -> int:
        """The unit behind the last that has a position."""
        return self.ranges[-1].end if self.ranges else 0

    def of(self, unit: int) -> int | None:
        """Return the position that a unit of this checkout has; None when none was leased."""
        for item in reversed(self.ranges):
            if item.first <= unit < item.end:
                return item.positions[unit - item.first]
        return None

    def behind(self, drawn: int) -> int:
        """Return how many positions are left behind so many units."""
        return sum(max(0, item.end - max(item.first, drawn)) for item in self.ranges)


def held_positions(layout: Layout, experiment_id: str) -> HeldPositions:
    """Return what this checkout leased.

    What is not under this machine's seal came with a commit, and says nothing.

    Raises:
        StorageError: it cannot be read.
    """
    path = layout.positions(experiment_id)
    with refusals(path):
        read = seal.read_sealed(str(layout.root), str(path), _purpose(experiment_id))
    return HeldPositions(tuple(_ranges(read.decode("ascii", "replace"))))


def add_range(
    layout: Layout, files: FileSystem, experiment_id: str, leased: range
) -> HeldPositions:
    """Add positions to those of the units to come; durable on return. Return all.

    Raises:
        LockedError: another process adds some for too long. StorageError: the disk refused.
    """
    path, own = layout.positions(experiment_id), checkout_seal(layout, files)
    with FileLock(layout.lock(f"{experiment_id}.positions"), verb="lease positions"):
        known = held_positions(layout, experiment_id)
        first = max(known.end, _drawn_units(layout, experiment_id, own))
        known = HeldPositions((*known.ranges, HeldRange(first, leased)))
        text = "".join(
            f"{item.first} {item.positions.start} {item.positions.stop}\n"
            for item in known.ranges
        )
        with refusals(path):
            ensure_directory(files, path.parent)
            wrapped = own.wrap(_purpose(experiment_id), text.encode())
            write_atomically(files, path, wrapped)
    return known


def left_of(layout: Layout, experiment_id: str) -> int:
    """Return how many leased positions no unit has yet. Raises StorageError."""
    known = held_positions(layout, experiment_id)
    if not known.ranges:
        return 0
    return known.behind(_drawn_units(layout, experiment_id, known_seal(layout)))


def _drawn_units(layout: Layout, experiment_id: str, own: seal.Seal) -> int:
    """Return how many units this checkout has drawn in its sequence."""
    folder = layout.trials(experiment_id)
    with refusals(folder):
        return sequence.read_sequence(os.fspath(layout.root), experiment_id, "", own).count


def _ranges(text: str) -> Iterator[HeldRange]:
    for line in text.splitlines():
        first, start, stop = map(int, line.split())
        yield HeldRange(first, range(start, stop))


def _purpose(experiment_id: str) -> str:
    return f"positions {experiment_id}"
