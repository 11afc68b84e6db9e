"""Lines exactly as this program writes them, taken into a fold by the hundred.

Reading a line for what it is costs ten times what it takes to see that it is one of our own.
A run of lines is taken only when all of it has been checked; whatever differs in one
character is left to the full check of `fold`, and the result is that of the full check.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence
from itertools import compress, repeat
from operator import lt

from meta_experiment.protocol.events import BEGIN
from meta_experiment.protocol.sequence import (
    LATEST,
    draw_of,
    parse_assignment,
    parse_draw,
    place,
)
from meta_experiment.store.fold.code_runs import UNKNOWN
from meta_experiment.store.fold.fold import STATUS_CODE, Fold
from meta_experiment.store.fold.lines import decoded
from meta_experiment.store.fold.own_outcomes import Outcomes, Reader
from meta_experiment.store.fold.trial_columns import NAN, RECORDED, fill, put

_FEW = 32  # lines; fewer are not worth looking for our own among others
_ASSIGNED = (
    r"(?m)^([0-9]{1,9})\t([^\t\n]+)\t([^\t\n]+)\t([^\t\n]+)\t([0-9]{1,18})(?:\t([0-9,@]+))?\n"
)

Fields = tuple[str, ...]


class OwnLines:
    """Takes whole lines into a fold where it knows them as this program's own."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._reader = Reader()

    def take(self, file: str, lines_before: int, text: str, lines: int) -> None:
        """Take in lines of events, each with its newline; the others by the full check."""
        if text.startswith(BEGIN):
            outcomes = self._reader.read(text, lines)
            if outcomes is not None and self.take_outcomes(outcomes):
                return
        middle = text.index("\n", len(text) // 2) + 1
        if lines <= _FEW or middle == len(text) or BEGIN not in text:
            self._fold.take(file, lines_before, decoded([*text[:-1].split("\n")]))
            return
        first = text.count("\n", 0, middle)
        self.take(file, lines_before, text[:middle], first)
        self.take(file, lines_before + first, text[middle:], lines - first)

    def take_assignments(self, lines_before: int, text: str, lines: int) -> bool:
        """Take in lines of the assignment sequence; False when one of them is no such line."""
        found: list[Fields] = [] if "\\" in text else re.findall(_ASSIGNED, text)
        if len(found) != lines:
            return False
        columns = self._fold.columns
        before = len(columns)
        counts, units, variants, trial_ids, times, draws = zip(*found, strict=True)
        moments = [int(milliseconds) / 1000 for milliseconds in times]
        if max(moments) >= LATEST or None in map(parse_draw, set(draws) - {""}):
            return False
        columns.trials.numbers(trial_ids)
        if len(columns.trials) - before < lines:
            for number, fields in enumerate(found, start=lines_before + 1):
                self._assign(number, fields)
            return True
        numbers = columns.units.numbers(units)
        codes = self._variants(variants)
        columns.variant.extend(codes)
        columns.assigned_at.extend(array("d", moments))
        columns.status.frombytes(bytes(lines))
        columns.progress.frombytes(bytes(lines))
        fill(columns.unit, before, UNKNOWN)
        columns.unit.extend(numbers)
        if any(draws):
            columns.set_draws(range(before, before + lines), draws)
        line_numbers = range(lines_before + 1, lines_before + lines + 1)
        self._fold.place_all(numbers, list(map(place, map(int, counts), line_numbers)))
        return True

    def _assign(self, number: int, fields: Fields) -> None:
        line = "\t".join(filter(None, fields))
        parsed = parse_assignment(line)
        if parsed is not None:  # the pattern has seen to it
            count, trial = parsed
            self._fold.assign(place(count, number), trial, draw_of(line))

    def take_outcomes(self, outcomes: Outcomes) -> bool:
        """Take in outcomes that were checked; False when they have too many metrics."""
        if self._fold.too_many_metrics(outcomes.metrics):
            return False
        columns, lines = self._fold.columns, len(outcomes.at)
        before = len(columns)
        rows = columns.trials.numbers(outcomes.trial_ids, outcomes.codes)
        if len(columns.trials) - before == lines:
            self._add(outcomes)
            return True
        fresh, first = self._sorted_out(outcomes, rows, before)
        if any(fresh):
            self._add(outcomes.picked(fresh))
        if all(first):
            self._close(rows, outcomes)
            return True
        if any(first):
            self._close(list(compress(rows, first)), outcomes.picked(first))
        later = [not (new or open_) for new, open_ in zip(fresh, first, strict=True)]
        for event in outcomes.picked(later).events():
            self._fold.enter(event)
        return True

    def _sorted_out(
        self, outcomes: Outcomes, rows: Sequence[int], before: int
    ) -> tuple[list[bool], list[bool]]:
        """Tell which lines make a new trial, and which are the first outcome of a known one.

        All others meet something that was recorded before, or disagree with it.
        """
        columns, fresh, first = self._fold.columns, [], []
        seen: set[int] = set()
        variants = map(columns.variants.get, outcomes.variants)
        units = outcomes.units or repeat("")
        for row, at, variant, unit in zip(rows, outcomes.at, variants, units, strict=False):
            new = row not in seen
            seen.add(row)
            fresh.append(new and row >= before)
            first.append(
                new
                and row < before
                and columns.progress[row] < RECORDED
                and at >= columns.assigned_at[row]
                and columns.variant[row] == variant
                and row not in columns.unit_at
                and (not unit or self._is_unit(row, unit))
            )
        return fresh, first

    def _is_unit(self, row: int, name: str) -> bool:
        unit = self._fold.unit(row)
        return unit != UNKNOWN and self._fold.columns.units.name(unit) == name

    def _add(self, outcomes: Outcomes) -> None:
        """Add trials that nothing was known of."""
        columns = self._fold.columns
        before, lines = len(columns), len(outcomes.at)
        codes = self._variants(outcomes.variants)
        columns.variant.extend(codes)
        columns.assigned_at.extend(array("d", outcomes.at))
        columns.status.frombytes(_statuses(outcomes))
        columns.progress.frombytes(bytes([RECORDED]) * lines)
        if outcomes.units:
            fill(columns.unit, before, UNKNOWN)
            columns.unit.extend(self._units(outcomes.units))
        if outcomes.tails:
            fingerprints = self._fingerprints(outcomes)
            fill(columns.fingerprint, before, 0)
            columns.fingerprint.extend(fingerprints)
        rows = range(before, before + lines)
        for name, values in outcomes.metrics.items():
            columns.set_metrics(name, rows, values)

    def _close(self, rows: Sequence[int], outcomes: Outcomes) -> None:
        """Add their first outcomes to trials that are known."""
        columns = self._fold.columns
        if rows[-1] - rows[0] + 1 == len(rows) and all(map(lt, rows, rows[1:])):
            rows = range(rows[0], rows[-1] + 1)
        put(columns.status, rows, array("B", _statuses(outcomes)))
        put(columns.progress, rows, array("B", bytes([RECORDED]) * len(rows)))
        put(columns.closed_at, rows, array("d", outcomes.at), NAN)
        if outcomes.tails:
            codes = self._fingerprints(outcomes)
            put(columns.fingerprint, rows, array(columns.fingerprint.typecode, codes))
        for name, values in outcomes.metrics.items():
            columns.set_metrics(name, rows, values)

    def _variants(self, variants: Sequence[str]) -> Iterable[int]:
        """Return the numbers of variants, for which the column then has room."""
        columns = self._fold.columns
        codes = {variant: columns.variant_code(variant) for variant in sorted(set(variants))}
        return map(codes.__getitem__, variants)

    def _fingerprints(self, outcomes: Outcomes) -> Iterable[int]:
        """Return the numbers of fingerprints, for which the column then has room."""
        known = outcomes.fingerprints.items()
        codes = {text: self._fold.fingerprint_code(said) if said else 0 for text, said in known}
        return map(codes.__getitem__, outcomes.tails)

    def _units(self, units: Sequence[str]) -> Sequence[int]:
        pool = self._fold.columns.units
        if all(units):
            return pool.numbers(units)
        return [pool.number(unit) if unit else UNKNOWN for unit in units]


def _statuses(outcomes: Outcomes) -> bytes:
    return bytes(map(STATUS_CODE.__getitem__, outcomes.statuses))
