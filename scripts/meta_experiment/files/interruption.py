"""Ctrl-C and its like: an exception where one can be undone, held back where it cannot.

A signal is raised wherever the program happens to be, once. While several things are changed
that belong together it is held, and raised when they are whole. A process listens only when it
is asked to (`listen`); without that everything here lets Python do as it does. Signals reach
the first thread alone: in others nothing is held, and nothing raised.
"""

from __future__ import annotations

import signal
import time
from _thread import get_ident
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_CALLBACKS = ("<frozen importlib._bootstrap>", "weakref.py")
_SWALLOWERS = ("__del__", "__set_name__")  # the second's exceptions become a RuntimeError
_A_MOMENT = 0.01  # seconds
_ONE_PRESS = 1.0  # seconds; what comes again within is the same wish


class Interrupted(KeyboardInterrupt):
    """A signal ended the work. `sentence` says what became of it, where that is to be said."""

    def __init__(self, number: int, sentence: str = "") -> None:
        super().__init__(number)
        self.number = number
        self.sentence = sentence


class _State:
    """Knowledge that the handler of signals and the program share."""

    held = 0  # parts of the program that must be finished, one in the other
    pending = 0  # the number of a signal that came in one of them
    caught = 0  # the number of the first signal of all
    raised = float("-inf")  # when the last one was
    sentence = ""  # what was finished last
    thread = get_ident()  # the one that signals reach


_state = _State()


def listen() -> None:
    """Turn the signals that end a process into exceptions; those that are ignored stay so."""
    _state.thread = get_ident()
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _on_signal)


def rest() -> None:
    """Let no signal end the process any more: all is done and said, and it ends by itself."""
    _disarm()
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is _on_signal:
            signal.signal(number, signal.SIG_IGN)


def caught() -> int:
    """Return the number of the signal that came, 0 without one."""
    return _state.caught


def held_back() -> int:
    """Return the number of the signal that is held now, 0 without one."""
    return _state.pending if _state.held else 0


@contextmanager
def held(sentence: str = "") -> Iterator[None]:
    """Finish what is done within before a signal is raised, which then brings `sentence`."""
    if get_ident() != _state.thread:
        yield
        return
    _state.held += 1
    try:
        yield
        _state.sentence = sentence or _state.sentence
    finally:
        _state.held -= 1
    heed()


def heed() -> None:
    """Raise a signal that came while it was held, unless it is still."""
    number = _state.pending
    if number and not _state.held:
        _state.pending, _state.raised = 0, time.monotonic()
        _disarm()
        raise Interrupted(number, _state.sentence)


@contextmanager
def waiting() -> Iterator[None]:
    """Let a signal end what is only waited for; what holds it outside does so afterwards."""
    outside, _state.held = _state.held, 0
    try:
        yield
    except Interrupted as error:
        if not outside:
            raise
        _state.pending = error.number
    finally:
        _state.held = outside


def _on_signal(number: int, frame: FrameType | None) -> None:
    _state.caught = _state.caught or number
    if time.monotonic() - _state.raised > _ONE_PRESS:
        _state.pending = _state.pending or number
    if _state.pending and not _state.held and frame is not None and _is_swallowing(frame):
        signal.signal(signal.SIGALRM, _on_alarm)
        signal.setitimer(signal.ITIMER_REAL, _A_MOMENT)
    else:
        heed()


def _on_alarm(_number: int, frame: FrameType | None) -> None:
    if _state.pending:
        _on_signal(_state.pending, frame)


def _disarm() -> None:
    """Stop the alarm: when the program is over, nothing would catch it."""
    if signal.getsignal(signal.SIGALRM) is _on_alarm:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _is_swallowing(frame: FrameType) -> bool:
    """Tell whether an exception would not leave as it is: what Python itself calls hides it."""
    if frame.f_code.co_filename.endswith(_CALLBACKS):
        return True
    callers: FrameType | None = frame
    while callers is not None:
        if callers.f_code.co_name in _SWALLOWERS:
            return True
        callers = callers.f_back
    return False
