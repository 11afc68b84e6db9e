"""Codes that follow one another, as one writer draws them: known by where they begin."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import compress, pairwise
from operator import sub

UNKNOWN = -1
_LEAST = 8  # codes; fewer are not worth a run
_SAMPLES = 8


class Runs:
    """Runs of codes whose numbers follow one another as the codes do.

    Sorted by their first codes; no two overlap. A hundred trials that a writer recorded at
    once take as much room as a single one. The three arrays are all there is to store.
    """

    __slots__ = ("firsts", "lengths", "numbers")

    def __init__(self) -> None:
        self.firsts = array("Q")
        self.numbers = array("I")
        self.lengths = array("I")

    def find(self, code: int) -> int:
        """Return the number of a code, -1 when it is in no run."""
        place = bisect_right(self.firsts, code) - 1
        if place < 0:
            return UNKNOWN
        distance = code - self.firsts[place]
        return self.numbers[place] + distance if distance < self.lengths[place] else UNKNOWN

    def meets(self, first: int, length: int) -> bool:
        """Tell whether one of so many codes from the first on is in a run."""
        place = bisect_right(self.firsts, first + length - 1) - 1
        return place >= 0 and first < self.firsts[place] + self.lengths[place]

    def add(self, first: int, number: int, length: int) -> None:
        """Add a run that meets no other."""
        place = bisect_right(self.firsts, first)
        if place:
            before = self.lengths[place - 1]
            if (self.firsts[place - 1] + before, self.numbers[place - 1] + before) == (
                first,
                number,
            ):
                self.lengths[place - 1] += length
                return
        self.firsts.insert(place, first)
        self.numbers.insert(place, number)
        self.lengths.insert(place, length)

    def others(self, end: int) -> Iterator[int]:
        """Yield the numbers below the end that no run has, in order."""
        begin = 0
        for number, length in sorted(zip(self.numbers, self.lengths, strict=True)):
            yield from range(begin, number)
            begin = number + length
        yield from range(begin, end)


def runs_in(codes: array[int]) -> list[tuple[int, int]]:
    """Return begin and end of each stretch of codes where one follows the other."""
    total = len(codes)
    sample = range(0, total - 1, total // _SAMPLES + 1)
    if sum(codes[place + 1] - codes[place] == 1 for place in sample) <= len(sample) // 2:
        return []  # they were drawn one by one
    steps = map(sub, codes[1:], codes)
    cuts = [0, *compress(range(1, total), map((1).__ne__, steps)), total]
    return [(begin, end) for begin, end in pairwise(cuts) if end - begin >= _LEAST]
