"""Make the stored sample of state: `python -m tests.compatibility.make_sample`.

Everything in it is written by the program itself: by its verbs at days that lie behind, and by
the injected line and the hooks, which run as the client runs them. The sample stays as it is
when the program changes, for it stands for what lies on the disks of its users; it is only made
anew to hold more, and then in a copy of the tree at a neutral place: sentences name it.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from tests.compatibility.program import Program
from tests.compatibility.sample import (
    ARCHIVE,
    SAID,
    STORED,
    place,
    reading,
    restored,
    wait_for_the_background,
)
from tests.transcripts import script as transcripts

REPOSITORY = Path(__file__).resolve().parents[2]
DAY = 86_400
MARK = b"\xef\xbb\xbf"  # of a text in UTF-8
SKILL = b"---\nname: notes\ndescription: Writes notes.\n---\n\nWrite notes on $ARGUMENTS.\n"
AGENT = b"---\nname: critic\ndescription: Criticises.\ntools: Read\n---\n\nCriticise it.\n"
FILES = {  # each prompt file with its mode and its text
    ".claude/commands/review.md": (
        0o644,
        "---\r\ndescription: Review\r\n---\r\nRéview $ARGUMENTS.\r\n".encode(),
    ),
    ".claude/skills/notes/SKILL.md": (0o600, SKILL),
    ".claude/agents/critic.md": (0o755, AGENT),
    ".claude/commands/promoted.md": (0o755, MARK + b"One after the other.\r\nNo end"),
    ".claude/commands/returned.md": (0o640, MARK + b"Take your time.\r\n"),
    ".claude/commands/draft.md": (0o644, b"Draft.\n"),
    ".claude/commands/paused.md": (0o644, b"Pause.\n"),
    ".claude/commands/expired.md": (0o644, b"Expire.\n"),
    ".claude/commands/archived.md": (0o644, b"Archive.\n"),
    ".claude/commands/several.md": (0o644, b"Several.\n"),
    "CLAUDE.md": (0o644, b"Be brief.\n"),
    ".claude/commands/proportion.md": (0o644, b"Proportion.\n"),
    ".claude/commands/fixed.md": (0o644, b"Fixed.\n"),
}


class Maker:
    """A home and a repository, in which a month of experiments is lived through."""

    def __init__(self, folder: Path, now: float) -> None:
        self.home, self.root = folder / "home", folder / "project"
        self.home.mkdir()
        self.root.mkdir()
        self.start = now - 30 * DAY
        self.program = Program(self.home, self.root, self.start)
        self.ids: dict[str, str] = {}

    def make(self) -> None:
        """Live through the month."""
        self.repository()
        self.past()
        self.git("add", ".claude/meta")
        self.git("commit", "--quiet", "-m", "keep the experiments")
        self.program.now = time.time() - DAY
        self.present()
        self.program.now = time.time()
        self.others()
        self.served()
        wait_for_the_background()
        self.program.now = time.time()

    def repository(self) -> None:
        for path, (mode, text) in FILES.items():
            place = self.root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text)
            place.chmod(mode)
            draft = self.root / "drafts" / path.replace("/", "-")
            draft.parent.mkdir(exist_ok=True)
            draft.write_bytes(text + b"Work in parallel.\n")
        self.git("init", "--quiet", "--initial-branch=main", "--template=")
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", "start")

    def past(self) -> None:
        """What has ended by now."""
        self.create("promoted", "--start", "--manual")
        self.observe("promoted", 0.5)
        self.create("returned", "--start", "--manual")
        self.observe("returned", 0.5)
        self.create("expired", "--start", "--manual", "--auto", "--max-duration-days", "14")
        self.observe("expired", 0.99, pairs=4)
        self.create("archived", "--start", "--manual")
        self.observe("archived", 1.0, pairs=3)
        self.program.now += DAY
        for name in ("promoted", "returned"):
            self.program("promote", self.ids[name], "--yes")
        self.program.now += DAY
        self.program("rollback", self.ids["returned"], "--reason", "users complain", "--yes")
        self.program("stop", self.ids["archived"], "--reason", "wrong metric")
        self.program("archive", self.ids["archived"])
        self.program.now += 14 * DAY
        self.program("auto", "--yes")

    def present(self) -> None:
        """What is under way."""
        self.create("draft", "--hypothesis", 'Nobody "knows" – yet\u2028', "--seed", "5")
        self.create("review", "--guardrail", "output_tokens:20%", "--start")
        self.observe("review", 0.5, output_tokens=1000)
        self.create("notes", "--start", path=".claude/skills/notes/SKILL.md")
        self.create("critic", "--start", path=".claude/agents/critic.md")
        self.create("paused", "--start")
        self.observe("paused", 0.9, pairs=3)
        self.program("pause", self.ids["paused"])
        several = ".claude/commands/several.md"
        self.create(
            "several", "--start", "--manual",
            files=[
                f"short:{several}=drafts/.claude-commands-several.md",
                "long:CLAUDE.md=drafts/CLAUDE.md",
            ],
        )  # fmt: skip
        self.observe("several", 0.8, arms=("control", "short", "long"))
        self.create("proportion", "--start", "--manual", metric="success")
        self.program(
            "record", "--stdin",
            stdin="".join(
                self.line("proportion", arm, f"p{number}", success=number % wins != 0)
                for number in range(30)
                for arm, wins in (("control", 2), ("treatment", 5))
            ),
        )  # fmt: skip
        self.create(
            "fixed", "--start", "--manual", "--stopping", "fixed", "--sample-size", "12"
        )
        self.observe("fixed", 0.6, pairs=12)
        for number in range(4):
            self.program("assign", self.ids["fixed"], "--unit", f"case-{number}")
        self.program(
            "amend",
            self.ids["review"],
            "--set",
            "tags=weekly, ünicode",
            "--why",
            "easy to find",
        )
        self.program("record", self.ids["review"], "--variant", "control", "--status", "error",
                     "--unit", "broken", "--fingerprint", "model=old")  # fmt: skip

    def others(self) -> None:
        """Logs that two colleagues have written, of whom one is admitted."""
        for number, name in enumerate(("admitted", "stranger")):
            clone, home = self.root.parent / name, self.root.parent / f"home-of-{name}"
            home.mkdir()
            subprocess.run(["git", "clone", "-q", self.root, clone], check=True)
            meta = ".claude/meta"
            for part in ("experiments.json", "variants", "history"):
                source = self.root / meta / part
                if source.is_dir():
                    shutil.copytree(source, clone / meta / part, dirs_exist_ok=True)
                elif source.exists():
                    (clone / meta).mkdir(parents=True, exist_ok=True)
                    shutil.copy2(source, clone / meta / part)
            other = Program(home, clone, self.program.now)
            other("start", self.ids["review"], "--manual")
            lines = "".join(
                self.line("review", arm, f"{name}{pair}", duration_seconds=90 - 30 * treated,
                          output_tokens=1000 + pair)
                for pair in range(3)
                for treated, arm in enumerate(("control", "treatment"))
            )  # fmt: skip
            other("record", "--stdin", stdin=lines)
            logs = Path(meta, "trials", self.ids["review"])
            written = [log for log in (clone / logs).iterdir() if log.suffix == ".jsonl"]
            for log in written:
                shutil.copy2(log, self.root / logs / log.name)
            if not number:
                self.program("admit", self.ids["review"], written[0].name.split("-")[0])

    def served(self) -> None:
        """A session that has ended, and one that is at work."""
        began = time.time() - 600
        for session, over in (("11111111-ended", True), ("22222222-open", False)):
            script = transcripts.Script()
            path = self.home / ".claude" / "projects" / "project" / f"{session}.jsonl"
            at = began - transcripts.START
            for number, (kind, name) in enumerate(
                [("command", "review"), ("command", "notes"), ("command", "review"),
                 ("agent", "critic")]
            ):  # fmt: skip
                prompt = f"p{number}"
                script.command(prompt, at, name)
                script.write(path)
                self.invoke(kind, name, session, prompt, path)
                script.answer(at + 20 + number)
                script.write(path)
                at += 60
            event = {"prompt_id": "p3"}
            self.hook("SessionEnd" if over else "Stop", "end" if over else "stop", event,
                      session, path)  # fmt: skip

    def invoke(self, kind: str, name: str, session: str, prompt: str, path: Path) -> None:
        if kind == "agent":
            wish = {"subagent_type": name, "description": "x", "prompt": "Look."}
            event = {"prompt_id": prompt, "tool_name": "Agent", "tool_input": wish}
            self.hook("PreToolUse", "tool", event, session, path)
            return
        event = {"prompt_id": prompt, "command_name": name, "command_args": "it"}
        self.hook("UserPromptExpansion", "prompt", event, session, path)
        index = (self.root / ".claude/meta/active.idx").read_text()
        assert self.ids[name] in index
        token = (self.home / ".local/share/meta-experiment/roots.tsv").read_text().split()[0]
        self.live([REPOSITORY / "bin/serve-variant", f"{self.ids[name]}@{token}", session])

    def hook(self, name: str, event: str, told: dict, session: str, path: Path) -> None:
        document = {
            "session_id": session,
            "transcript_path": str(path),
            "cwd": str(self.root),
            "hook_event_name": name,
            **told,
        }
        stdin = json.dumps(document, separators=(",", ":"))
        self.live([REPOSITORY / "hooks/observe", event], stdin, session)

    def live(self, command: list, stdin: str = "", session: str = "") -> None:
        environment = {
            **self.program.environment,
            "META_EXPERIMENT_PYTHON": sys.executable,
            "CLAUDE_PROJECT_DIR": str(self.root),
            "CLAUDE_CODE_SESSION_ID": session,
        }
        subprocess.run(
            command, cwd=self.root, env=environment, input=stdin.encode(), check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def create(self, name, *flags, path="", metric="duration_seconds", files=()) -> None:
        path = path or f".claude/commands/{name}.md"
        given = files or [f"{path}=drafts/{path.replace('/', '-')}"]
        flags = ("--unit", "invocation", "--max-duration-days", "60", *flags)
        made = self.program(
            "create", "--name", name, "--primary-metric", metric, "--seed", "7",
            *(word for file in given for word in ("--file", file)), *flags, "--json",
        )  # fmt: skip
        self.ids[name] = made.json["experiment_id"]
        self.program.now += 60

    def observe(
        self, name, speed, pairs=20, arms=("control", "treatment"), **metrics: float
    ) -> None:
        lines = [
            self.line(
                name, arm, f"{name}{number}",
                duration_seconds=100 * (1 + 0.04 * ((number * 7) % 11 - 5)) * speed ** bool(at)
                + number % 3,
                **metrics,
            )
            for number in range(pairs)
            for at, arm in enumerate(arms)
        ]  # fmt: skip
        self.program("record", "--stdin", stdin="".join(lines))
        self.program.now += 60

    def line(self, name: str, arm: str, key: str, **metrics: float) -> str:
        document = {
            "experiment": self.ids[name],
            "variant": arm,
            "trial_id": f"{key}-{arm}",
            "metrics": {metric: float(value) for metric, value in metrics.items()},
            "fingerprint": {"model": "claude-opus-5-5"},
        }
        return json.dumps(document) + "\n"

    def git(self, *arguments: str) -> None:
        subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, env=self.program.environment
        )


def pack(folder: Path) -> bytes:
    """Return home and project as an archive; modes and times are kept."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz", format=tarfile.PAX_FORMAT) as archive:
        for name in ("home", "project"):
            archive.add(folder / name, name, filter=_nobodys)
    return packed.getvalue()


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def main() -> None:
    """Make the sample, then have the program say what it reads in it."""
    with place() as folder:
        maker = Maker(folder, time.time())
        maker.make()
        STORED.mkdir(exist_ok=True)
        ARCHIVE.write_bytes(pack(folder))
    with place():
        SAID.write_text(json.dumps({"now": maker.program.now}))
        said = {"now": maker.program.now, "said": reading(restored())}
    SAID.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
