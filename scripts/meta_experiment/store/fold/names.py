"""Many different names in little memory: each is stored once and known by its number."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any, Self
from zlib import crc32

from meta_experiment.store.fold.code_runs import UNKNOWN, Runs, runs_in

_FREE = UNKNOWN  # of a slot
_FIRST_SIZE = 64  # slots; always a power of two
_GROUP = 2  # bits; codes that differ in these alone are looked for from the same slot on
_SPREAD = 0x9E3779B97F4A7C15
_LOW = 0 if sys.byteorder == "little" else 1  # the half of a code that chooses its slot
_ALL = (1 << 64) - 1
_OWN = 16  # hexadecimal digits of the names that this program draws
_WIDTHS = {_OWN}


class NamePool:
    """Numbers for names, in the order of their first appearance (0, 1, …).

    An open-addressed hash table, beside the runs of names that a writer drew one after the
    other. A name of sixteen hexadecimal digits, as this program draws them, is its own 64-bit
    code; any other is known by a hash of its text, and the text. A million names of our own
    take 17 MB, where a dictionary of strings takes 180. `others` are the numbers of the names
    that have a text, and `ends` where each ends in `text`.
    """

    __slots__ = ("codes", "ends", "others", "runs", "singles", "slots", "text")

    def __init__(self) -> None:
        self.codes = array("Q")
        self.slots = _free_slots(_FIRST_SIZE)
        self.singles = 0  # names that are in no run
        self.runs = Runs()
        self.others = array("I")
        self.ends = array("Q", [0])
        self.text = bytearray()

    @classmethod
    def restored(cls, text: bytearray, arrays: Iterator[array[Any]]) -> Self:
        """Return the pool that had this text and these arrays."""
        pool = cls()
        pool.text = text
        pool.codes, pool.slots, pool.others, pool.ends = (next(arrays) for _ in range(4))
        runs = pool.runs
        runs.firsts, runs.numbers, runs.lengths = (next(arrays) for _ in range(3))
        pool.singles = len(pool.codes) - sum(runs.lengths)
        return pool

    def arrays(self) -> tuple[array[int], ...]:
        """Return all that there is to store beside the text."""
        runs = self.runs
        own = self.codes, self.slots, self.others, self.ends
        return (*own, runs.firsts, runs.numbers, runs.lengths)

    def __len__(self) -> int:
        """Return how many names are known."""
        return len(self.codes)

    def name(self, number: int) -> str:
        """Return the name with a number."""
        place = self._place(number)
        if place == UNKNOWN:
            return f"{self.codes[number]:016x}"
        return self.text[self.ends[place] : self.ends[place + 1]].decode()

    def find(self, name: str) -> int:
        """Return the number of a name, -1 when it is not known."""
        code, text = _coded(name)
        number = self.slots[self._slot(code, text)]
        if number == _FREE:
            return self.runs.find(code) if text is None else UNKNOWN
        return number

    def number(self, name: str) -> int:
        """Return the number of a name, a new one when it is not known."""
        return self._number(*_coded(name))

    def numbers(self, names: Sequence[str], codes: array[int] | None = None) -> Sequence[int]:
        """Return the numbers of many names, new ones for those that are not known.

        `codes` are those of the names (see `own_codes`) when the caller has them already.
        """
        codes = codes or own_codes(names)
        if codes is None:
            self.reserve(len(names))
            return [self._number(*_coded(name)) for name in names]
        runs = runs_in(codes)
        if not runs:
            return self._number_each(codes)
        numbers: list[int] = []
        done = 0
        for begin, end in runs:
            numbers += self._number_each(codes[done:begin])
            numbers += self._number_run(codes[begin:end])
            done = end
        numbers += self._number_each(codes[done:])
        return numbers

    def reserve(self, more: int) -> None:
        """Make room for so many more names, so that it need not be made piece by piece."""
        size = len(self.slots)
        while 5 * size < 8 * (self.singles + more):
            size *= 2
        if size > len(self.slots):
            self._resize(size)

    def _number(self, code: int, text: bytes | None) -> int:
        slot = self._slot(code, text)
        number = self.slots[slot]
        if number == _FREE and text is None:
            number = self.runs.find(code)
        if number != UNKNOWN:
            return number
        self.slots[slot] = number = len(self.codes)
        self.codes.append(code)
        self.singles += 1
        if text is not None:
            self.others.append(number)
            self.text += text
            self.ends.append(len(self.text))
        if 5 * len(self.slots) < 8 * (self.singles + 1):
            self.reserve(1)
        return number

    def _number_run(self, codes: array[int]) -> Sequence[int]:
        """Return the numbers of codes that follow one another."""
        first, length, before = codes[0], len(codes), len(self.codes)
        if self._meets(first, length):
            return self._number_each(codes)
        self.codes.extend(codes)
        self.runs.add(first, before, length)
        return range(before, before + length)

    def _number_each(self, codes: array[int]) -> Sequence[int]:
        """Return the numbers of codes, most of which are in no run."""
        self.reserve(len(codes))
        added, before = 0, len(self.codes)
        if not self.runs.firsts:
            self.codes.extend(codes)
            added = self._add_unknown(before)
            del self.codes[before + added :]
            self.singles += added
        new = range(before, before + added)
        if added == len(codes):
            return new
        numbers = [*new]
        slots, known, mask = self.slots, self.codes, len(self.slots) - 1
        for code in codes[added:]:
            number = slots[code >> _GROUP & mask]
            if number == _FREE or known[number] != code or self.others:
                number = self._number(code, None)
            numbers.append(number)
        return numbers

    def _add_unknown(self, before: int) -> int:
        """Enter the codes from a place on; returns how many, up to one that seems known."""
        slots, codes = self.slots, self.codes
        mask = len(slots) - 1
        low = array("I", codes[before:].tobytes())[_LOW::2]  # smaller numbers are faster
        for number, slot in enumerate([half >> _GROUP & mask for half in low], before):
            if slots[slot] != _FREE:
                code = codes[number]
                perturb = code >> _GROUP
                while (known := slots[slot]) != _FREE:
                    if codes[known] == code:
                        return number - before
                    perturb >>= 5
                    slot = (5 * slot + perturb + 1) & mask  # noqa: PLW2901
            slots[slot] = number
        return len(codes) - before

    def _meets(self, first: int, length: int) -> bool:
        """Tell whether one of so many codes from the first on is, or may be, known."""
        if self.runs.meets(first, length):
            return True
        if not self.singles:
            return False
        slots, codes = self.slots, self.codes
        mask, last = len(slots) - 1, first + length - 1
        for group in range(first >> _GROUP, (last >> _GROUP) + 1):
            slot, perturb = group & mask, group
            while (known := slots[slot]) != _FREE:
                if first <= codes[known] <= last:
                    return True
                perturb >>= 5
                slot = (5 * slot + perturb + 1) & mask
        return False

    def _slot(self, code: int, text: bytes | None) -> int:
        """Return the slot where a name stands, or the free one where it would."""
        slots, codes = self.slots, self.codes
        mask = len(slots) - 1
        perturb = code >> _GROUP
        slot = perturb & mask
        while (number := slots[slot]) != _FREE:
            if codes[number] == code and self._text(number) == text:
                break
            perturb >>= 5
            slot = (5 * slot + perturb + 1) & mask
        return slot

    def _text(self, number: int) -> bytearray | None:
        place = self._place(number)
        return None if place == UNKNOWN else self.text[self.ends[place] : self.ends[place + 1]]

    def _place(self, number: int) -> int:
        """Return which of the texts is that of a number, -1 when it needs none."""
        others = self.others
        if len(others) == len(self.codes):
            return number
        place = bisect_left(others, number)
        return place if place < len(others) and others[place] == number else UNKNOWN

    def _resize(self, size: int) -> None:
        self.slots = _free_slots(0)  # the old ones are given back first
        self.slots = slots = _free_slots(size)
        codes, mask = self.codes, size - 1
        for number in self.runs.others(len(codes)):
            perturb = codes[number] >> _GROUP
            slot = perturb & mask
            while slots[slot] != _FREE:
                perturb >>= 5
                slot = (5 * slot + perturb + 1) & mask
            slots[slot] = number


def _coded(name: str) -> tuple[int, bytes | None]:
    """Return the code of a name, and its text unless the code says it all."""
    if len(name) == _OWN:
        codes = own_codes((name,))
        if codes is not None:
            return codes[0], None
    text = name.encode()
    return crc32(text) * _SPREAD & _ALL, text


def own_codes(names: Sequence[str]) -> array[int] | None:
    """Return the codes of names of our own making; None when one is another's."""
    if not _WIDTHS.issuperset(map(len, names)):
        return None
    digits = "".join(names)
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        return None
    if data.hex() != digits:  # capitals or blanks
        return None
    codes = array("Q", data)
    if sys.byteorder == "little":
        codes.byteswap()
    return codes


def _free_slots(size: int) -> array[int]:
    return array("i", [_FREE]) * size
