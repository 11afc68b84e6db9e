"""A link of the tests' own: everything goes through it until it is cut, or gone deaf."""

from __future__ import annotations

import contextlib
import socket
import threading

_PIECE = 1 << 16


class Proxy:
    """Passes TCP connections on to a port of 127.0.0.1, from a port of its own."""

    def __init__(self, target):
        self._target = target
        self._pairs, self._lock = [], threading.Lock()
        self._ends = []  # closed at the very end: a number that is used anew may be shut down
        self._left = {"asked": None, "answered": None}  # bytes until the link is cut
        self.passed = {"asked": 0, "answered": 0}
        self._silent = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self, last=()):
        """Cut all that goes through now, these ends last; what comes later goes through.

        Who hears of it by the last end finds all others cut.
        """
        with self._lock:
            pairs, self._pairs = self._pairs, []
        ends = [end for pair in pairs for end in pair if end not in last]
        for end in (*ends, *last):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut_after(self, *, asked=None, answered=None):
        """Cut once, when so many more bytes have been asked, or are to be answered."""
        with self._lock:
            self._left = {"asked": asked, "answered": answered}

    def silence_after(self, answered):
        """Let so many more bytes of answers through; what comes then is taken and kept.

        Who connects later is heard as little. Both sides stay connected.
        """
        with self._lock:
            self._left, self._silent = {"asked": None, "answered": answered}, True

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits for the next
        self._threads[0].join(10)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(10)
        for end in self._ends:
            end.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=10)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            with self._lock:
                self._pairs.append((near, far))
                self._ends += (near, far)
            for source, sink, way in ((near, far, "asked"), (far, near, "answered")):
                thread = threading.Thread(
                    target=self._pass, args=(source, sink, way), daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _pass(self, source, sink, way):
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                piece, last = self._allowed(way, piece)
                sink.sendall(piece)
                if last:
                    self.cut((source, sink))
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _allowed(self, way, piece):
        with self._lock:
            self.passed[way] += len(piece)
            left = self._left[way]
            if left is None:
                return piece, False
            if self._silent or len(piece) < left:
                self._left[way] = max(left - len(piece), 0)
                return piece[:left], False
            self._left = {"asked": None, "answered": None}
            return piece[:left], True
