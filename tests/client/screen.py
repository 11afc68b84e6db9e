"""The real client in its own screen, on a terminal that nobody looks at.

    with Screen(client, endpoint) as screen:
        screen.enter("/review item-1")
        endpoint.wait_for(1)
        screen.press(ESCAPE)

What it shows is not read: what came of it stands in its transcripts and with the endpoint.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from types import TracebackType
from typing import Self

from tests.client.endpoint import Endpoint
from tests.client.harness import PATIENCE, Client

ESCAPE, RETURN, CLEAR_LINE = "\x1b", "\r", "\x15"
_KEY = "a-key-that-opens-nothing"
_SIZE = struct.pack("HHHH", 50, 150, 0, 0)  # rows, columns
_PAUSE = 0.3  # seconds after which what was typed has been read


class Screen:
    """A client that somebody sits before, for the time of a `with` block."""

    def __init__(self, client: Client, endpoint: Endpoint, *arguments: str) -> None:
        """Hold what is started; the client starts with the block, past all first questions."""
        self._client = client
        self._endpoint = endpoint
        self._arguments = arguments
        self._seen = b""
        self._grown = threading.Condition()

    def __enter__(self) -> Self:
        self._answer_first_questions()
        self._terminal, other = pty.openpty()
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, _SIZE)
        plugins = [w for plugin in self._client.plugins for w in ("--plugin-dir", str(plugin))]
        more = {
            "ANTHROPIC_BASE_URL": self._endpoint.url,
            "ANTHROPIC_API_KEY": _KEY,
            "TERM": "xterm-256color",
        }
        self._process = subprocess.Popen(
            [str(self._client.binary), "--permission-mode=default", *plugins, *self._arguments],
            cwd=self._client.project,
            env=self._client.variables(more),
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )
        os.close(other)
        threading.Thread(target=self._read, daemon=True).start()
        self.wait("mode on")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self.enter("/exit")
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(PATIENCE)
        os.close(self._terminal)

    def enter(self, text: str) -> None:
        """Type a line."""
        self.press(text)
        self.press(RETURN)

    def press(self, keys: str) -> None:
        """Press keys, and give the client the time to read them."""
        os.write(self._terminal, keys.encode())
        time.sleep(_PAUSE)

    def wait(self, text: str) -> None:
        """Wait until some text has been shown since the last time that one was waited for."""
        with self._grown:
            found = self._grown.wait_for(lambda: text.encode() in self._seen, PATIENCE)
            shown, self._seen = self._seen, b""
        if not found:
            raise TimeoutError(f"{text!r} did not come: {shown[-2000:]!r}")

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._terminal, 65_536)
            except OSError:
                return
            with self._grown:
                self._seen += piece
                self._grown.notify_all()

    def _answer_first_questions(self) -> None:
        config = self._client.home / ".claude.json"
        known = json.loads(config.read_text()) if config.exists() else {}
        trusted = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
        known |= {
            "hasCompletedOnboarding": True,
            "theme": "dark",
            "customApiKeyResponses": {"approved": [_KEY[-20:]], "rejected": []},
            "projects": {str(self._client.project): trusted},
        }
        config.write_text(json.dumps(known))
