"""The real client, headless and offline, with a home, a project and a plugin of its own.

    with Endpoint([Answer("done")]) as endpoint:
        run = client.ask(endpoint, "/meta_experiment status")

`Client.ask` is one prompt and one answer. `Client.session` keeps a conversation open, in
which a test says several things, interrupts, or kills; several sessions may run at once in
the same home and project.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.client.endpoint import Document, Endpoint, Request

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 240.0  # seconds
_NOBODY = "http://127.0.0.1:9"  # where no service listens


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a client process: exit code, its stream of events, its requests."""

    exit_code: int
    stream: list[Document]
    stderr: str
    requests: list[Request]

    @property
    def result(self) -> Document:
        """Return the last result event; an empty one when the client never got that far."""
        results = (event for event in reversed(self.stream) if event.get("type") == "result")
        return next(results, {})

    @property
    def opening(self) -> Document:
        """Return the event that lists tools, commands, skills and plugins."""
        return next(event for event in self.stream if event.get("subtype") == "init")

    @property
    def turns(self) -> list[Request]:
        """Return the steps of the conversation, without side requests."""
        return [request for request in self.requests if request.is_turn]

    def seen(self) -> str:
        """Return all text that the model had before it at the last step."""
        return "\n".join(self.turns[-1].texts()) if self.turns else ""


@dataclass(frozen=True, slots=True)
class Client:
    """An installed client, and a folder in which it has a home and a project."""

    binary: Path
    folder: Path
    plugins: Sequence[Path] = (REPOSITORY,)
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make home and project; a project is a git repository, as it is for most users."""
        for directory in (self.home, self.project):
            directory.mkdir(parents=True, exist_ok=True)
        if not (self.project / ".git").exists():
            git = ["git", "init", "--quiet", "--initial-branch=main", str(self.project)]
            subprocess.run(git, env=self.variables({}), check=True)

    @property
    def home(self) -> Path:
        """Return the home directory of the user."""
        return self.folder / "home"

    @property
    def project(self) -> Path:
        """Return the directory in which the client is started."""
        return self.folder / "project"

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        file = self.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return file

    def transcripts(self) -> dict[str, list[Document]]:
        """Return the lines of all transcripts, subagents' included, by relative path."""
        folder = self.home / ".claude" / "projects"
        return {
            str(file.relative_to(folder)): list(_documents(file.read_text("utf-8")))
            for file in sorted(folder.rglob("*.jsonl"))
        }

    def ask(
        self, endpoint: Endpoint, prompt: str, *arguments: str, directory: Path | None = None
    ) -> Run:
        """Start the client for one prompt and wait for its end.

        `arguments` are added to the command line; `directory` is where it is started.
        """
        known = len(endpoint.requests)
        command = [*self.command_line(*arguments), "--", prompt]
        done = subprocess.run(
            command,
            cwd=directory or self.project,
            env=self.variables({"ANTHROPIC_BASE_URL": endpoint.url}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        stream = list(_documents(done.stdout))
        return Run(done.returncode, stream, done.stderr, endpoint.requests[known:])

    @contextmanager
    def session(
        self, endpoint: Endpoint, *arguments: str, directory: Path | None = None
    ) -> Iterator[Session]:
        """Keep a client open for several prompts; it is killed when the block is left.

        `directory` is where it is started.
        """
        words = self.command_line("--input-format", "stream-json", *arguments)
        settings = self.variables({"ANTHROPIC_BASE_URL": endpoint.url})
        errors = self.folder / f"stderr-{time.monotonic_ns()}.txt"
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                words,
                cwd=directory or self.project,
                env=settings,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )
        session = Session(process, endpoint, errors)
        try:
            yield session
        finally:
            session.kill()

    def run_program(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the client for something else than a conversation, such as `plugin validate`.

        It asks its service all the same, and waits 18 seconds for none: one that refuses at
        once is as good.
        """
        return subprocess.run(
            [str(self.binary), *arguments],
            cwd=self.project,
            env=self.variables({"ANTHROPIC_BASE_URL": _NOBODY}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def command_line(self, *arguments: str) -> list[str]:
        """Return how the client is started without a screen."""
        folders = [word for plugin in self.plugins for word in ("--plugin-dir", str(plugin))]
        return [
            str(self.binary),
            "--print",
            "--output-format=stream-json",
            "--verbose",
            "--permission-mode=default",
            *folders,
            *arguments,
        ]

    def variables(self, more: Mapping[str, str]) -> dict[str, str]:
        """Return the environment in which the client runs."""
        return {
            "HOME": str(self.home),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "ANTHROPIC_API_KEY": "none",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "1",
            # its 1.5 s for all hooks at the end are not enough on a machine under load
            "CLAUDE_CODE_SESSIONEND_HOOKS_TIMEOUT_MS": "60000",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "DISABLE_TELEMETRY": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "META_EXPERIMENT_PYTHON": sys.executable,
            **self.environment,
            **more,
        }


class Session:
    """A client that is up and waits for the next prompt."""

    def __init__(
        self, process: subprocess.Popen[str], endpoint: Endpoint, errors: Path
    ) -> None:
        """Begin to read the client's stream."""
        self.process = process
        self._endpoint = endpoint
        self._errors = errors
        self._known = len(endpoint.requests)
        self._stream: list[Document] = []
        self._grown = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def say(self, prompt: str) -> Document:
        """Send a prompt and wait for its result event."""
        results = self._results()
        self.send(prompt)
        return self.wait(results)

    def send(self, prompt: str) -> None:
        """Send a prompt and do not wait."""
        message = {"role": "user", "content": prompt}
        self._write({"type": "user", "message": message})

    def interrupt(self) -> None:
        """Break off what the client does, as the Escape key does."""
        request = {"subtype": "interrupt"}
        self._write({"type": "control_request", "request_id": "stop", "request": request})

    def wait(self, results: int) -> Document:
        """Wait until there are more than that many results; return the last.

        Raises:
            TimeoutError: the client ended, or took too long.
        """
        with self._grown:
            self._grown.wait_for(
                lambda: self._results() > results or not self._reader.is_alive(), PATIENCE
            )
            if self._results() <= results:
                raise TimeoutError(f"No result; the client said: {self._errors.read_text()}")
            return [event for event in self._stream if event.get("type") == "result"][-1]

    def close(self) -> Run:
        """End the conversation and wait for the client to leave."""
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait(PATIENCE)
        return self.run()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> Run:
        """Send a signal to the client and all it started, and wait for its end."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        self.process.wait(PATIENCE)
        return self.run()

    def run(self) -> Run:
        """Return what has come of the ended process."""
        self._reader.join(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        requests = self._endpoint.requests[self._known :]
        code = self.process.returncode
        return Run(code, list(self._stream), self._errors.read_text("utf-8"), requests)

    def _write(self, document: Document) -> None:
        if self.process.stdin is None:
            raise BrokenPipeError("The client was started without a way to talk to it.")
        self.process.stdin.write(json.dumps(document) + "\n")
        self.process.stdin.flush()

    def _results(self) -> int:
        return sum(event.get("type") == "result" for event in self._stream)

    def _read(self) -> None:
        for line in self.process.stdout or ():
            with self._grown:
                self._stream += _documents(line)
                self._grown.notify_all()
        with self._grown:
            self._grown.notify_all()


def _documents(text: str) -> Iterator[Document]:
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            yield {"type": "unreadable", "line": line}
