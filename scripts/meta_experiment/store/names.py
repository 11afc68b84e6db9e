"""Many different names in little memory: each is stored once and known by its number."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from zlib import crc32

UNKNOWN = -1
_FREE = -1
_FIRST_SIZE = 64  # slots; always a power of two
_SPREAD = 0x9E3779B97F4A7C15
_LOW = 0 if sys.byteorder == "little" else 1  # the half of a code that chooses its slot
_ALL = (1 << 64) - 1
_OWN = 16  # hexadecimal digits of the names that this program draws
_WIDTHS = {_OWN}


class NamePool:
    """Numbers for names, in the order of their first appearance (0, 1, …).

    An open-addressed hash table. A name of sixteen hexadecimal digits, as this program draws
    them, is its own 64-bit code; any other is known by a hash of its text, and the text. A
    million names of our own take 17 MB, where a dictionary of strings takes 180. The five
    members are all there is to store and load: `others` are the numbers of the names that
    have a text, and `ends` where each ends in `text`.
    """

    __slots__ = ("codes", "ends", "others", "slots", "text")

    def __init__(self) -> None:
        self.codes = array("Q")
        self.slots = _free_slots(_FIRST_SIZE)
        self.others = array("I")
        self.ends = array("Q", [0])
        self.text = bytearray()

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
        number = self.slots[self._slot(*_coded(name))]
        return UNKNOWN if number == _FREE else number

    def number(self, name: str) -> int:
        """Return the number of a name, a new one when it is not known."""
        code, text = _coded(name)
        slot = self._slot(code, text)
        number = self.slots[slot]
        if number != _FREE:
            return number
        self.slots[slot] = number = len(self.codes)
        self.codes.append(code)
        if text is not None:
            self.others.append(number)
            self.text += text
            self.ends.append(len(self.text))
        if 5 * len(self.slots) < 8 * (number + 2):
            self.reserve(1)
        return number

    def numbers(self, names: Sequence[str], codes: array[int] | None = None) -> Sequence[int]:
        """Return the numbers of many names, new ones for those that are not known.

        `codes` are those of the names (see `own_codes`) when the caller has them already.
        """
        codes = codes or own_codes(names)
        if codes is None:
            return [self.number(name) for name in names]
        self.reserve(len(codes))
        before = len(self.codes)
        self.codes.extend(codes)
        added = self._add_unknown(before)
        if added == len(codes):
            return range(before, before + added)
        del self.codes[before + added :]
        numbers = [*range(before, before + added)]
        slots, known = self.slots, self.codes
        for code in codes[added:]:
            slot = self._slot(code, None)
            number = slots[slot]
            if number == _FREE:
                slots[slot] = number = len(known)
                known.append(code)
            numbers.append(number)
        return numbers

    def _add_unknown(self, before: int) -> int:
        """Enter the codes from a place on; returns how many, up to one that seems known."""
        slots, codes = self.slots, self.codes
        mask = len(slots) - 1
        low = array("I", codes[before:].tobytes())[_LOW::2]  # smaller numbers are faster
        for number, slot in enumerate([half & mask for half in low], before):
            if slots[slot] != _FREE:
                code = perturb = codes[number]
                while (known := slots[slot]) != _FREE:
                    if codes[known] == code:
                        return number - before
                    perturb >>= 5
                    slot = (5 * slot + perturb + 1) & mask  # noqa: PLW2901
            slots[slot] = number
        return len(codes) - before

    def reserve(self, more: int) -> None:
        """Make room for so many more names, so that it need not be made piece by piece."""
        size = len(self.slots)
        while 5 * size < 8 * (len(self.codes) + more):
            size *= 2
        if size > len(self.slots):
            self._resize(size)

    def _slot(self, code: int, text: bytes | None) -> int:
        """Return the slot where a name stands, or the free one where it would."""
        slots, codes = self.slots, self.codes
        mask = len(slots) - 1
        slot, perturb = code & mask, code
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
        mask = size - 1
        for number, code in enumerate(self.codes):
            slot, perturb = code & mask, code
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
