"""A script run by the real program in a fresh home and repository, written down for comparison.

What differs from run to run or from machine to machine is masked: paths, versions, times in
ms, sizes on disk, the name of the machine, and what is drawn at random (ids of trials, of
commits, of units without a name; with them all else of 12, 16 or 40 hex digits), which is
numbered as it appears. Times are not masked: the clock stands still during a command and goes
on by a minute after it. Key and identity of the checkout are given, so that variants are drawn
alike. Decimals are kept to ten digits.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from unittest import mock

from tests.compatibility.program import Answer, Program, steady
from tests.compatibility.script import DAY, DRAFTS, FILES, STEPS, Edit, Fed, Runs, Step, Wait
from tests.sealing import own_seal
from tests.support.made_up_runs import MadeUpRuns
from tests.transcripts.script import START, Script

from meta_experiment.files.roots import Layout
from meta_experiment.protocol.log_head import host
from meta_experiment.services.find import find_in
from meta_experiment.services.workspace import Workspace
from meta_experiment.types.cases import CriterionKind, CriterionResult

RECORDINGS = Path(__file__).parent / "recordings"
REPOSITORY = Path(__file__).resolve().parents[2]
_DRAWN = re.compile(r"(?<![\w.])(?:[0-9a-f]{40}|[0-9a-f]{16}|[0-9a-f]{12})(?!\w|\.\d)")
_MASKS = (
    (re.compile(r"\b\d+\.\d+\.\d+\b"), "<version>"),
    (re.compile(r"\b\d+(\.\d+)? ms\b"), "<time> ms"),
    (re.compile(r"\b\d+\.\d MB\b"), "<size> MB"),
    (re.compile(r'(?<="data_sha256": ")[0-9a-f]{64}'), "<of trials whose ids are drawn>"),
)


class Recording:
    """A home and a repository, in which a script is run; `lines` is what it comes to."""

    def __init__(self, folder: Path, form: str) -> None:
        self.root, home = folder / "project", folder / "home"
        for place in (self.root, home):
            place.mkdir(parents=True)
        self.form = form
        self.program = Program(home, self.root, START + 5 * DAY)
        self.lines: list[str] = []
        self._drawn: dict[str, str] = {}
        self._stood: dict[str, str] = {}
        self._masks = {
            str(self.root): "<root>",
            str(home): "<home>",
            str(REPOSITORY): "<pack>",
            sys.executable: "<python>",
            str(Path(sys.executable).resolve()): "<python>",
        }
        self._lay_out(home)

    def run(self, steps: tuple[Step, ...] = STEPS) -> str:
        """Run the steps; return all that was said and done, masked."""
        for step in steps:
            match step:
                case Wait():
                    self.program.now += step.days * DAY
                    self.lines.append(f"# {step.days:g} d later")
                case Edit():
                    self._edit(step)
                case Runs():
                    self._make_up(step)
                case Fed():
                    self._say(step.line, step.stdin)
                case _:
                    self._say(step, "")
            self.lines += self._changes()
            self.lines.append("")
        return "\n".join(self.lines)

    def _lay_out(self, home: Path) -> None:
        for path, (mode, text) in FILES.items():
            self._write(path, text).chmod(mode)
        for path, text in DRAFTS.items():
            self._write(path, text)
        with mock.patch.dict(os.environ, self.program.environment, clear=True):
            own_seal(self.root)
        for arguments in (
            ("init", "--quiet", "--initial-branch=main", "--template="),
            ("add", "--", ".", ":!.claude/meta"),
            ("commit", "--quiet", "-m", "start"),
        ):
            self.git(*arguments)
        for session in range(6):
            script = Script(number=10 * session)
            for use in range(2):
                at, prompt = session * DAY / 2 + use * 600, f"p{session}{use}"
                script.command(prompt, at).answer(at + 20 + 7 * session + use)
            place = script.write(home / f".claude/projects/-x/0000000{session}-s.jsonl")
            os.utime(place, (START + session * DAY / 2,) * 2)
        self._changes()

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, env=self.program.environment,
            capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout

    def _write(self, path: str, text: str) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())
        return place

    def _edit(self, step: Edit) -> None:
        names = {path.name.split("-", 4)[4]: path.name for path in self._variants()}
        if step.text is None:
            (self.root / step.path).unlink()
        else:
            self._write(step.path.format(**names), step.text)
        done = "gone" if step.text is None else "written by hand"
        self.lines.append(f"# {step.path} is {done}")

    def _make_up(self, step: Runs) -> None:
        with mock.patch.dict(os.environ, self.program.environment, clear=True):
            space = Workspace.open(Layout(self.root), lambda: self.program.now)
            name = find_in(space.store, step.experiment).experiment_id
            made = MadeUpRuns(space, name)
            for case in range(step.cases):
                for repeat in range(1, step.repeats + 1):
                    for variant, factor in (("control", 1.0), ("treatment", 0.7 + case / 50)):
                        made.end(
                            f"c{case}", repeat, variant, True, (case + repeat) % 3 > 0,
                            CriterionResult("clear", CriterionKind.MANUAL, 1.0, None),
                            seconds=round((10 + case + repeat / 4) * factor, 3),
                            patch=f"+{variant}\n".encode(),
                        )  # fmt: skip
            made.fail("c9", 1, "control", "no network")
        self.lines.append(f"# {step.experiment} is run on {step.cases} cases")

    def _variants(self) -> Iterator[Path]:
        folder = self.root / ".claude/meta/variants"
        return folder.iterdir() if folder.exists() else iter(())

    def _say(self, line: str, stdin: str) -> None:
        words = shlex.split(line)
        if self.form == "json" and not words[0].startswith("-"):
            words.append("--json")
        answer = self.program(*words, stdin=stdin, code=None)
        told = f" < {stdin.count(chr(10))} lines" if stdin else ""
        self.lines += [f"$ meta-experiment {line}{told}", *self._answered(answer)]
        self.program.now += 60

    def _answered(self, answer: Answer) -> Iterator[str]:
        if answer.code:
            yield f"[exit {answer.code}]"
        yield from self.masked(answer.out).splitlines()
        for line in self.masked(answer.err).splitlines():
            yield f"! {line}"

    def _changes(self) -> Iterator[str]:
        """Yield what has become of the prompt files and of git's branch since the last time."""
        now = {path: self._stands(self.root / path) for path in FILES}
        now["git"] = self.git("log", "-1", "--format=%s").strip()
        now["git status"] = ", ".join(self.git("status", "--short").splitlines())
        changed = [
            f"> {name}: {it or 'clean'}"
            for name, it in now.items()
            if self._stood.get(name) != it
        ]
        self._stood = now
        return iter(changed)

    def _stands(self, path: Path) -> str:
        data = path.read_bytes()
        if b"serve-variant" in data:
            return f"{path.stat().st_mode & 0o777:o} a stand-in"
        return f"{path.stat().st_mode & 0o777:o} {hashlib.sha256(data).hexdigest()[:10]}"

    def masked(self, text: str) -> str:
        """Return a text without what no two runs have in common."""
        for found in sorted(self._masks, key=len, reverse=True):
            text = text.replace(found, self._masks[found])
        text = text.replace(f"-{host(os.uname()[1])}-", "-<host>-")
        for pattern, mask in _MASKS:
            text = pattern.sub(mask, text)
        return steady(_DRAWN.sub(self._numbered, text))

    def _numbered(self, found: re.Match[str]) -> str:
        return self._drawn.setdefault(found[0], f"<drawn {len(self._drawn) + 1}>")


def life(folder: Path, form: str) -> str:
    """Return what the script comes to, as JSON or as text."""
    return Recording(folder, form).run()


RECORDED = {
    "life.json.txt": partial(life, form="json"),
    "life.text.txt": partial(life, form="text"),
}
