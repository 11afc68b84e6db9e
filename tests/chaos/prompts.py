"""Prompt files as people have them, through a whole experiment and back, byte for byte."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from meta_experiment.cli.main import main

SHARED = Path(__file__).parents[3] / "shared" / "data"
_HEAD = b"---\ndescription: Review a change\n---\n"


@dataclass(frozen=True)
class Prompt:
    """One prompt file: its place below the root, its bytes and its mode."""

    path: str
    data: bytes
    mode: int = 0o644


def _command(name: str, data: bytes, mode: int = 0o644) -> Prompt:
    return Prompt(f".claude/commands/{name}.md", data, mode)


OWN = (
    _command("crlf", (_HEAD + b"Review $ARGUMENTS.\nBe thorough.\n").replace(b"\n", b"\r\n")),
    _command("bom", b"\xef\xbb\xbf" + _HEAD + b"Review.\n"),
    _command("no-newline", _HEAD + b"Review the last commit"),
    _command("private", b"No frontmatter, and nobody else may read it.\n", 0o600),
    _command("executable", _HEAD + b"Review.\n", 0o755),
    _command("read-only", _HEAD + b"Review.\n", 0o444),
    _command("mixed-ends", b"one\r\ntwo\nthree\rfour\x0c\n\n\n"),
    _command("bytes", b"caf\xe9 \x00 \xff\xfe not UTF-8\n"),
    _command("unterminated", b"---\ndescription: never closed\nReview.\n"),
    _command("bang", _HEAD + b"!`git status`\n@README.md\n$1 costs $ARGUMENTS\\$\n"),
    _command("long", _HEAD + b"A line of text that goes on.\t \n" * 4000),
    _command("écrire un résumé", "---\ndescription: écrire\n---\n\U0001f58b\n".encode()),
    Prompt(".claude/skills/reviewing/SKILL.md", b"---\nname: reviewing\n---\nReview.\r\n"),
    Prompt(".claude/agents/reviewer.md", b"---\nname: reviewer\n---\nYou review.", 0o640),
    Prompt("prompts/plain.txt", b"?", 0o664),
)


def shared() -> Iterator[Prompt]:
    """Yield the prompt files that lie beside the repository, if they do."""
    manifest = SHARED / "MANIFEST.json"
    if not manifest.exists():
        return
    for number, entry in enumerate(json.loads(manifest.read_text("utf-8"))["entries"]):
        if entry["kind"] != "prompts":
            continue
        data = (SHARED / entry["file"]).read_bytes()
        mode = int(entry["git_mode"][-3:], 8)
        name = f"{number}-{Path(entry['path']).stem}".lower()
        yield {
            "skill": Prompt(f".claude/skills/{name}/SKILL.md", data, mode),
            "agent": Prompt(f".claude/agents/{name}.md", data, mode),
        }.get(entry["prompt_kind"], Prompt(f".claude/commands/{name}.md", data, mode))


class Project:
    """A repository that holds prompts."""

    def __init__(self, root: Path, prompts: tuple[Prompt, ...]) -> None:
        self.root, self.prompts = root, prompts
        for prompt in prompts:
            place = root / prompt.path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(prompt.data)
            place.chmod(prompt.mode)
        self.git("init", "-q", "-b", "main")
        self.git("config", "core.autocrlf", "false")
        self.git("add", ".")
        self.git("commit", "-qm", "start")
        self.tree = self.git("rev-parse", "HEAD^{tree}")

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.root), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def call(self, *arguments: str, code: int | None = 0) -> dict[str, object]:
        verb, *rest = arguments
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
            found = main([verb, "--root", str(self.root), "--json", *rest])
        assert code in (None, found), said.getvalue()
        return json.loads(said.getvalue())

    def begin(self, prompt: Prompt) -> str:
        """Create and start an experiment on a prompt; where serving it is refused, by hand."""
        variant = self.root.with_name("variant.md")
        variant.write_bytes(treated(prompt))
        made = self.call("create", "--name", "x", "--file", f"{prompt.path}={variant}")
        name = str(made["experiment_id"])
        if "error" in self.call("start", name, code=None):
            self.call("start", name, "--manual")
        return name

    def there_and_back(self, prompt: Prompt) -> None:
        """Start, promote, roll back."""
        name = self.begin(prompt)
        self.call("promote", name, "--override", "x", "--yes")
        self._expect(prompt, treated(prompt))
        self.call("rollback", name, "--yes")
        self._expect(prompt, prompt.data)
        assert self.git("rev-parse", "HEAD^{tree}") == self.tree, prompt.path
        self.call("archive", name)

    def not_at_all(self, prompt: Prompt) -> None:
        """Start, assign, stop."""
        name = self.begin(prompt)
        self.call("assign", name)
        self.call("stop", name)
        self._expect(prompt, prompt.data)
        self.call("archive", name)

    def check(self) -> None:
        """Nothing else in the project has changed."""
        for prompt in self.prompts:
            self._expect(prompt, prompt.data)

    def _expect(self, prompt: Prompt, data: bytes) -> None:
        place = self.root / prompt.path
        assert place.read_bytes() == data, prompt.path
        assert place.stat().st_mode & 0o7777 == prompt.mode, prompt.path
        status = [
            line
            for line in self.git("status", "--porcelain").splitlines()
            if "meta" not in line
        ]
        assert status == [], (prompt.path, status)


def treated(prompt: Prompt) -> bytes:
    """Return a treatment that keeps the head of the prompt."""
    return prompt.data + b"\nAnd be brief.\n"
