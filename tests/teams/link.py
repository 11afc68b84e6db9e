"""A link to a server that can be cut, in a process of its own; whoever speaks goes through it.

It is cut when it gets a signal, and by itself behind so many bytes on the way to the server,
drawn anew for each connection from a seed.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import threading


class Link:
    """A port of its own that leads to another.

    Args:
        port: of the server.
        most: bytes to the server, at most, before a connection is cut; None: not by itself.
        seed: of how many they are.
        least: bytes, at least.
    """

    def __init__(self, port, *, most=None, least=0, seed=0):
        self._listening = socket.socket()
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen(64)
        self.port = self._listening.getsockname()[1]
        self._target, self._most, self._least = port, most, least
        self._chance = random.Random(seed)  # noqa: S311
        self._open = []
        self._process = os.fork()
        if not self._process:
            try:
                self._serve()
            finally:
                os._exit(0)
        self._listening.close()

    def cut(self):
        """Cut all connections that are open."""
        os.kill(self._process, signal.SIGUSR1)

    def close(self):
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _serve(self):
        signal.signal(signal.SIGUSR1, lambda *_: self._cut_all())
        while True:
            try:
                client, _ = self._listening.accept()
            except InterruptedError:
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            self._open += [client, server]
            left = None
            if self._most is not None:
                left = self._chance.randint(self._least, self._most)
            for source, sink, bound in ((client, server, left), (server, client, None)):
                threading.Thread(target=_carry, args=(source, sink, bound), daemon=True).start()

    def _cut_all(self):
        for end in self._open:
            _close(end)
        self._open.clear()


def _carry(source, sink, left):
    """Carry bytes on until one end closes, or so many went over."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            if left is not None and len(data) > left:
                sink.sendall(data[:left])
                break
            if left is not None:
                left -= len(data)
            sink.sendall(data)
    _close(source)
    _close(sink)


def _close(end):
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
