"""The picture of all changes in characters: as drawn in lines, where letters have one width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_experiment.records import dataclass
from meta_experiment.render.blocks import Emphasis, Forest, ForestLine, Text
from meta_experiment.render.fit import clipped, seen
from meta_experiment.render.pictures.forest import ForestMarks, axis_labels, marks
from meta_experiment.render.pictures.scales import PictureScale
from meta_experiment.types import Interval

UNBOUNDED = 80  # columns, where nobody says how many there are
_FEWEST, _MOST = 15, 121  # cells; an odd number has one in the middle
_LABEL, _ARM = (18, 40), (12, 24)  # columns that names may take: usually, and in wide terminals
_WIDE = 110  # columns from which intervals stand beside
_LABELLED = 0.6  # of the axis: beside it stand the directions
_WORSE, _BETTER = "← worse", "better →"
_ZERO, _GOAL, _MARGIN = "│", "┆", "┊"
_LINE, _OVER_ZERO, _POINT = "─", "┼", "●"
_OUTSIDE = {-1: "◀", 1: "▶"}  # an estimate that lies there
_ENDS = {(-1, False): "├", (1, False): "┤", (-1, True): "◂", (1, True): "▸"}


@dataclass(frozen=True, slots=True)
class _Widths:
    label: int
    arm: int
    cells: int
    change: int
    between: int
    stacked: bool


def forest_lines(forest: Forest, width: int) -> Iterator[Text]:
    """Draw every change on one axis, in lines of at most so many columns; right is better."""
    columns = _widths(forest.lines, width or UNBOUNDED)
    scale = PictureScale(-forest.reach, forest.reach, 0.0, max(1.0, columns.cells - 1.0))
    if columns.cells:
        before = 2 + columns.label + 2 + (columns.arm + 2 if columns.arm else 0)
        yield " " * before + _axis(scale, columns.cells)
    for item in forest.lines:
        yield from _stacked(item, columns) if columns.stacked else [_line(item, scale, columns)]


def _widths(lines: Sequence[ForestLine], width: int) -> _Widths:
    wide = width >= _WIDE
    label = min(_most(it.label for it in lines), _LABEL[wide])
    arm = min(_most(it.arm for it in lines), _ARM[wide])
    change = _most(it.change for it in lines)
    between = _most(it.between for it in lines) if wide else 0
    state = max((seen(f"{it.sign} {it.word}") for it in lines), default=0)
    taken = 2 + label + sum(2 + it for it in (arm, change, between, state) if it)
    cells = min(width - taken - 2, _MOST)
    if taken > width:
        room = width - 4 - sum(2 + it for it in (change, state) if it)
        return _Widths(width - 2, max(0, min(arm, room)), 0, change, 0, stacked=True)
    cells = 0 if cells < _FEWEST else cells - 1 + cells % 2
    return _Widths(label, arm, cells, change, between, stacked=False)


def _most(texts: Iterator[str]) -> int:
    return max(map(seen, texts), default=0)


def _line(item: ForestLine, scale: PictureScale, columns: _Widths) -> Text:
    drawn = _cells(item, scale, columns.cells) if columns.cells else ""
    parts = [_left(item.label, columns.label)]
    parts += [_left(item.arm, columns.arm)] if columns.arm else []
    parts += [drawn] if drawn else []
    parts += [" " * (columns.change - seen(item.change)) + _spaced(item.change)]
    parts += [_left(_spaced(item.between), columns.between)] if columns.between else []
    state = f"{item.sign} {item.word}".strip()
    return (f"  {'  '.join(parts)}  ", Emphasis(state, item.tone))


def _stacked(item: ForestLine, columns: _Widths) -> Iterator[Text]:
    """Write a change in two lines where one has no room for it: what it is of, and the rest."""
    yield f"  {clipped(item.label, columns.label)}"
    parts = [_left(item.arm, columns.arm)] if columns.arm else []
    parts += [" " * (columns.change - seen(item.change)) + _spaced(item.change)]
    yield (f"    {'  '.join(parts)}  ", Emphasis(f"{item.sign} {item.word}".strip(), item.tone))


def _left(text: str, width: int) -> str:
    cut = clipped(text, width)
    return cut + " " * (width - seen(cut))


def _axis(scale: PictureScale, cells: int) -> str:
    """Write what stands above the rows: the directions, and values where there is room."""
    row = [" "] * cells
    row[: len(_WORSE)] = _WORSE
    row[cells - len(_BETTER) :] = _BETTER
    for at, said in axis_labels(scale, _LABELLED):
        label = _spaced(said)
        first = round(scale.place(at)) - len(label) // 2
        if not "".join(row[max(0, first - 1) : first + len(label) + 1]).strip():
            row[first : first + len(label)] = label
    return "".join(row).rstrip()


def _cells(item: ForestLine, scale: PictureScale, cells: int) -> str:
    interval = Interval(0.0, item.low, item.high)
    found = marks(scale, item.effect, interval, margin=item.margin, goal=item.goal)
    held = _held(found, cells)
    row = [" "] * cells
    start, stop = _at(found.start, held, cells), _at(found.stop, held, cells)
    if start is not None and stop is not None:
        row[start : stop + 1] = _LINE * (stop - start + 1)
    for (_, cell), sign in zip(held, (_ZERO, _GOAL, _MARGIN), strict=True):
        if cell is not None:
            row[cell] = _OVER_ZERO if sign == _ZERO and row[cell] == _LINE else sign
    for end, side, cell in ((found.low, -1, start), (found.high, 1, stop)):
        if end is not None and cell is not None:
            row[cell] = _ENDS[side, end.beyond]
    point = _at(found.point, held, cells)
    if point is not None:
        row[point] = _POINT
    elif found.beyond:
        row[(0, cells - 1)[found.beyond > 0]] = _OUTSIDE[found.beyond]
    return "".join(row)


_Held = tuple[float | None, int | None]  # the place of a mark, and its cell


def _held(found: ForestMarks, cells: int) -> list[_Held]:
    """Return what a change is held against: a cell at least lies beside zero."""
    zero = round(found.zero)
    goal = None if found.goal is None else min(cells - 1, max(zero + 2, round(found.goal)))
    margin = found.margin
    least = None if margin is None else max(0, min(zero - 2, round(margin)))
    if margin == found.zero:
        least = zero
    return [(found.zero, zero), (found.goal, goal), (margin, least)]


def _at(place: float | None, held: Sequence[_Held], cells: int) -> int | None:
    """Return the cell of a place: on the same side as the place itself of all that is held.

    Rounding never lets a line touch a mark that it is clear of.
    """
    if place is None:
        return None
    cell = round(place)
    for against, mark in held:
        if against is None or mark is None:
            continue
        if place > against:
            cell = max(cell, mark + 1)
        elif place < against:
            cell = min(cell, mark - 1)
        else:
            cell = mark
    return min(max(cell, 0), cells - 1)


def _spaced(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u00a0", " ")
