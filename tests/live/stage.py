"""A root under experiment as `start` leaves it, made by hand: the way of a prompt alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests import logs
from tests.sealing import own_seal

from meta_experiment.protocol import places
from meta_experiment.protocol.faults import faults_of
from meta_experiment.protocol.index import Entry, sealed_lines
from meta_experiment.protocol.sessions import Session
from meta_experiment.protocol.texts import ORIGINAL, SHIM, digest

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = (
    str(Path(sys.executable).resolve()) if sys.prefix == sys.base_prefix else sys.executable
)
TOKEN = "0123456789ab"  # noqa: S105 - it opens nothing
CONTROL = "Control for $ARGUMENTS."
TREATMENT = "Treatment for $ARGUMENTS."
_PATIENCE = 240  # seconds
FRONT = "---\ndescription: Review\n---\n"


class Stage:
    """A home, a project and the experiments in it; everything runs in processes of its own."""

    def __init__(self, folder: Path, scope: str = places.PROJECT) -> None:
        self.home = folder / "home"
        self.root = folder / "project"
        self.scope = scope
        self.entries: list[Entry] = []
        self.environment = {
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            "META_EXPERIMENT_PYTHON": PYTHON,
        }
        for directory in (self.home, self.root / ".claude" / "meta" / "local"):
            directory.mkdir(parents=True, exist_ok=True)
        self._list_root()

    def run(self, experiment_id: str = "exp-1", **changes) -> Entry:
        """Put an experiment on a command under way, with the bodies of both arms."""
        control = changes.pop("control", CONTROL)
        treatment = changes.pop("treatment", TREATMENT)
        front = changes.pop("front", FRONT)
        given = {
            "id": experiment_id, "state": "running", "kind": "command", "name": "review",
            "path": ".claude/commands/review.md", "form": "shadow", "unit": "invocation",
            "method": "block", "traffic": 1.0, "arms": ["control", "treatment"],
            "weights": [1.0, 1.0], "seed": "5eed", "sequence": "0110100110",
            "user": "d00d", "since": 1.0, "sha": "abc", "plugin": "0.1.0",
        }  # fmt: skip
        entry = Entry(**{**given, **changes})
        self.entries = [known for known in self.entries if known.id != entry.id] + [entry]
        own = front + control
        shimmed = front + "!`serve-variant`\n"
        texts = {ORIGINAL: own, SHIM: shimmed}
        bodies = {"control": control, "treatment": treatment}
        texts |= {places.body_name(arm): body for arm, body in bodies.items()}
        self.seal(texts, entry.id)
        self.write(entry.path, shimmed if entry.form == "inplace" else own)
        return entry

    def session(self, session: str = "s1") -> Session:
        """Return the state of a session, as the hooks keep it."""
        return Session(str(self.root), session)

    def text_path(self, name: str, experiment_id: str = "exp-1") -> Path:
        """Return the file of a text that serving reads."""
        return Path(places.served_text(str(self.root), experiment_id, name))

    def kept_path(self, name: str, experiment_id: str = "exp-1") -> Path:
        """Return the machine's own copy of a text of the control."""
        data = places.data_folder(self.environment)
        (entry,) = (known for known in self.entries if known.id == experiment_id)
        original = entry.digests[ORIGINAL]
        return Path(places.kept_text(data, TOKEN, experiment_id, original, name))

    def seal(self, texts: Mapping[str, str | bytes], experiment_id: str = "exp-1") -> None:
        """Write texts that serving reads, as those that were started here."""
        (entry,) = (known for known in self.entries if known.id == experiment_id)
        for name, text in texts.items():
            file = self.text_path(name, experiment_id)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
            entry.digests[name] = digest(file.read_bytes())
            if name.startswith("control."):
                kept = self.kept_path(name, experiment_id)
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes(file.read_bytes())
        self.write_index()

    def write_index(self) -> None:
        lines = sealed_lines(self.entries, own_seal(self.root, self.environment))
        Path(places.active_index(str(self.root))).write_bytes(lines.encode())

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def serve(self, *words: str, experiment_id: str = "exp-1", session: str = "s1", **more):
        """Run the injected line's program; return the finished process, bytes as they are."""
        return self.serve_words([f"{experiment_id}@{TOKEN}", session, *words], **more)

    def serve_words(self, words: list[str], **more):
        """Run the program with any words; `cwd` and `environment` may be given."""
        return subprocess.run(
            [str(REPOSITORY / "bin" / "serve-variant"), *words],
            cwd=more.get("cwd", self.root),
            env={**self.environment, **more.get("environment", {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PATIENCE,
        )

    def text(self, *words: str, **more) -> str:
        """Return what is served; the program must not fail."""
        done = self.serve(*words, **more)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode()

    def hook(self, name: str, event: str, document: dict | bytes, session: str = "s1", **more):
        """Send an event to the hook, as the client does; return what it prints."""
        told = {
            "session_id": session,
            "transcript_path": str(self.home / "transcript.jsonl"),
            "cwd": str(self.root),
            "hook_event_name": name,
        }
        text = (
            document
            if isinstance(document, bytes)
            else json.dumps({**told, **document}, separators=(",", ":"))
        )
        done = subprocess.run(
            [str(REPOSITORY / "hooks" / "observe"), event],
            cwd=self.root,
            env={
                **self.environment,
                "CLAUDE_PROJECT_DIR": str(self.root),
                "CLAUDE_CODE_SESSION_ID": session,
                **more,
            },
            input=text if isinstance(text, bytes) else text.encode(),
            capture_output=True,
            check=False,
            timeout=_PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    def call(
        self, arguments: str = "", prompt: str = "p1", name: str = "review", **more
    ) -> str:
        """Call a command as a user does: the hook, then the injected line."""
        self.typed(arguments, prompt, name)
        return self.text(**more)

    def typed(self, arguments: str, prompt: str, name: str = "review", session="s1") -> str:
        document = {"prompt_id": prompt, "command_name": name, "command_args": arguments}
        return self.hook("UserPromptExpansion", "prompt", document, session)

    def tool(self, tool: str, given: dict, prompt: str = "p1", **more: str) -> str:
        """Announce the call of a tool; more of the environment may be given."""
        document = {"prompt_id": prompt, "tool_name": tool, "tool_input": given}
        return self.hook("PreToolUse", "tool", document, **more)

    def assignments(self, experiment_id: str = "exp-1") -> list[list[str]]:
        path = logs.sequence(self.root, experiment_id)
        lines = path.read_text().splitlines()[1:] if path.exists() else []
        return [line.split("\t") for line in lines]

    def faults(self, root: Path | str | None = None) -> list[str]:
        """Return what is noted of a root, this one unless told otherwise."""
        place = str(self.root if root is None else root)
        data = places.data_folder(self.environment)
        return [fault.text for fault in faults_of(place, data)]

    def _list_root(self) -> None:
        data = places.data_folder(self.environment)
        Path(data).mkdir(parents=True, exist_ok=True)
        root = places.Root(TOKEN, self.scope, str(self.root))
        Path(places.roots_file(data)).write_text(places.format_root(root))
