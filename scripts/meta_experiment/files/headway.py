"""How far long work is: told by whoever does it, drawn by whoever listens, else nothing.

Parts of a whole nest: what is told within one stands for its share. Nobody listens but a person
at a terminal, so that telling costs nothing elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

Listener = Callable[[str, float], None]  # takes what is done, and how far it is, from 0 to 1
_Item = TypeVar("_Item")

_listener: Listener | None = None
_begin, _width = 0.0, 1.0  # of the part of the whole that is done now


@contextmanager
def heard_by(listener: Listener | None) -> Iterator[None]:
    """Let somebody listen within the block; None lets nobody."""
    global _listener  # noqa: PLW0603 - one terminal, one who draws on it
    before, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = before


@contextmanager
def part(begin: float, end: float) -> Iterator[None]:
    """Let what is told within the block be this part of the whole."""
    global _begin, _width
    before = _begin, _width
    _begin, _width = _begin + begin * _width, (end - begin) * _width
    try:
        yield
    finally:
        _begin, _width = before


def tell(doing: str, done: float, total: float) -> None:
    """Say how much of something is done."""
    if _listener is not None:
        _listener(doing, _begin + _width * min(done / total if total else 1.0, 1.0))


def steps(items: Collection[_Item], doing: str) -> Iterator[_Item]:
    """Yield things one after another, each as a part of the whole."""
    if _listener is None:
        yield from items
        return
    total = len(items)
    for number, item in enumerate(items):
        tell(doing, number, total)
        with part(number / total, (number + 1) / total):
            yield item
    tell(doing, 1, 1)
