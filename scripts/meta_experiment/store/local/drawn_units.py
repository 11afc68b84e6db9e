"""Units as this checkout drew them, one by one, from its own files of assignments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from meta_experiment.files.roots import Layout
from meta_experiment.protocol.log_head import mark, writer_of
from meta_experiment.protocol.sequence import (
    draw_of,
    is_assignment_file,
    is_shared_sequence,
    parse_assignment,
    parse_draw,
)
from meta_experiment.records import dataclass
from meta_experiment.store.local.counting import Counting
from meta_experiment.store.local.line_files import Cursor, read_lines
from meta_experiment.types import Draw


@dataclass(frozen=True, slots=True)
class DrawnUnit:
    """First line of a unit: its place in the sequence, None apart; by what it was drawn."""

    position: int | None
    unit: str
    variant: str
    draw: Draw | None


def drawn_units(
    layout: Layout, counting: Counting, experiment_id: str
) -> dict[str, list[DrawnUnit]]:
    """Return by file what this checkout drew, each unit once, in the order of the lines.

    Raises:
        StorageError: a file cannot be read.
    """
    folder = layout.trials(experiment_id)
    own = mark(counting.seal)
    return {
        name: list(_units(folder / name, log.begin, sequenced=is_shared_sequence(name)))
        for name, log in sorted(counting.logs(folder).items())
        if log.counts and is_assignment_file(name) and writer_of(name).startswith(own)
    }


def _units(path: Path, begin: int, *, sequenced: bool) -> Iterator[DrawnUnit]:
    seen = set[str]()
    for lines in read_lines(path, Cursor(begin, bool(begin))):
        for line in lines:
            parsed = parse_assignment(line) if isinstance(line, str) else None
            if parsed is None:
                continue
            count, (_, variant, unit, _) = parsed
            if unit not in seen:
                seen.add(unit)
                read = parse_draw(draw_of(str(line)))
                position = count - 1 if sequenced else None
                yield DrawnUnit(position, unit, variant, Draw(*read) if read else None)
