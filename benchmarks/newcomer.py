"""How long a newcomer's way takes: from a bare Python and an empty home to an open report.

    python benchmarks/newcomer.py

Clone, demo, the plugin, a prompt of one's own under experiment, a first use that the real
client records, a decision by results that exist, and its report in Chromium. Every step is
done and its outcome looked at; one that goes wrong ends the way. Two figures a step: what its
command takes, which is waiting, and what its person takes. They need five seconds to copy a
line of the README, type their own words in it at 200 characters a minute, and read of each
page the first 60 words, at 240 a minute. A stand-in on this machine answers in the place of
the model; client and Chromium are those of the tests (`.ci/run` installs the one, the other
is Debian's `chromium`).
"""

from __future__ import annotations

import argparse
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from tests.client.endpoint import Answer, Endpoint  # noqa: E402
from tests.client.harness import Client  # noqa: E402
from tests.client.installed import find_client  # noqa: E402

_T = TypeVar("_T")
MOST_SECONDS, MOST_WAITING = 300.0, 60.0
_COPIED = 5.0  # seconds
_TYPED, _READ = 200 / 60, 240 / 60  # characters and words a second
_MOST_WORDS = 60  # that are read of a page
_COMMAND = ".claude/commands/review.md"
_CONTROL = "---\ndescription: Review the branch\n---\nReview it, one part after the other.\n"
_TREATMENT = "---\ndescription: Review the branch\n---\nReview it, three parts at once.\n"
_CASES = 40


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it is for, and the seconds of its person and of its command."""

    name: str
    working: float
    waiting: float


@dataclass(slots=True)
class Newcomer:
    """Somebody with an empty home, who types, waits and reads."""

    client: Client
    steps: list[Step] = field(default_factory=list)

    def copy(self, name: str, *words: str, own: str = "") -> str:
        """Run a line of the README with words of one's own in it; return what it says."""
        done, waited = _timed(
            lambda: subprocess.run(
                words,
                cwd=self.client.project,
                env=self.client.variables({}),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        )
        said = done.stdout + done.stderr
        if done.returncode:
            raise SystemExit(f"{name}: {' '.join(words)}\n{said}")
        self.note(name, own, said, waited, copied=_COPIED)
        return said

    def write(self, name: str, path: str, text: str) -> None:
        """Write a file of the project by hand."""
        self.client.write(path, text)
        self.note(name, path + text, "", 0.0)

    def note(
        self, name: str, typed: str, said: str, waited: float, copied: float = 0.0
    ) -> None:
        """Count what was typed, read and waited for."""
        read = min(len(said.split()), _MOST_WORDS) / _READ
        self.steps.append(Step(name, copied + len(typed) / _TYPED + read, waited))


def walk(folder: Path, claude: Path, chromium: str) -> list[Step]:
    """Go the whole way in an empty folder; return its steps.

    Raises:
        SystemExit: a step failed, or its outcome is not what it should be.
    """
    clone = folder / "meta-experiment"
    path = f"{clone}/bin:{claude.parent}:/usr/local/bin:/usr/bin:/bin"
    with Endpoint([Answer("Looks good.", lasting=True)]) as endpoint:
        bare = {
            "META_EXPERIMENT_PYTHON": "",
            "PATH": path,
            "ANTHROPIC_BASE_URL": endpoint.url,  # else the client waits for the real one
        }
        newcomer = Newcomer(Client(claude, folder, plugins=(), environment=bare))
        _settle_in(newcomer)
        newcomer.copy("clone", "git", "clone", "--quiet", str(REPOSITORY), str(clone))
        program = str(clone / "bin/meta-experiment")
        _expect("its original bytes again", newcomer.copy("environment, demo", program, "demo"))
        _install(newcomer, clone)
        _try_a_prompt(newcomer)
        _use_it(newcomer, endpoint)
        _decide(newcomer)
        _open_report(newcomer, chromium)
    return newcomer.steps


def _settle_in(newcomer: Newcomer) -> None:
    """Make what somebody has before they begin: a repository with a command, and results."""
    client = newcomer.client
    client.write(_COMMAND, _CONTROL)
    rows = [
        f"{arm},case-{number},{seconds + number % 7},{int(number % 8 < passed)}"
        for number in range(_CASES)
        for arm, seconds, passed in (("old", 30, 3), ("new", 20, 7))
    ]
    client.write("results.csv", "\n".join(["variant,case,seconds,passed", *rows, ""]))
    for words in (
        ("config", "user.name", "Ada"),
        ("config", "user.email", "ada@example.com"),
        ("add", "."),
        ("commit", "--quiet", "--message", "A command"),
    ):
        git = ["git", *words]
        subprocess.run(git, cwd=client.project, env=client.variables({}), check=True)


def _install(newcomer: Newcomer, clone: Path) -> None:
    for words in (
        ("marketplace", "add", str(clone)),
        ("install", "meta-experiment@meta-experiment"),
    ):
        newcomer.copy("plugin", "claude", "plugin", *words)


def _try_a_prompt(newcomer: Newcomer) -> None:
    newcomer.write("new text", "review-v2.md", _TREATMENT)
    said = newcomer.copy(
        "create", "meta-experiment", "create", "--file", f"{_COMMAND}=review-v2.md",
        "--hypothesis", "Three agents at once review faster",
        "--primary-metric", "active_seconds", "--guardrail", "output_tokens:20%", "--start",
        own=f"{_COMMAND}=review-v2.md Three agents at once review faster",
    )  # fmt: skip
    _expect("running", said)
    _expect("Healthy.", newcomer.copy("doctor", "meta-experiment", "doctor"))


def _use_it(newcomer: Newcomer, endpoint: Endpoint) -> None:
    """Use the command once in the real client, and find the use among the trials."""
    run, waited = _timed(lambda: newcomer.client.ask(endpoint, "/review"))
    _expect("three parts at once|one part after the other", run.seen())
    newcomer.note("first use", "/review", "", waited)
    _expect("1 exposures?", newcomer.copy("first use", "meta-experiment", "doctor"))
    _expect(
        "control|treatment", newcomer.copy("first use", "meta-experiment", "trials", "review")
    )


def _decide(newcomer: Newcomer) -> None:
    said = newcomer.copy("import", "meta-experiment", "import", "results.csv")
    (found,) = re.findall(r"^(exp-\S+)", said, re.MULTILINE)
    _expect("PROMOTE", newcomer.copy("decision", "meta-experiment", "analyze", found))
    newcomer.copy("report", "meta-experiment", "report", found, "--html", "report.html")


def _open_report(newcomer: Newcomer, chromium: str) -> None:
    """Let Chromium open the page, and read its title and its first heading there."""
    page = newcomer.client.project / "report.html"
    command = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--dump-dom",
        page.as_uri(),
    ]
    done, waited = _timed(
        lambda: subprocess.run(
            command,
            env=newcomer.client.variables({}),
            capture_output=True,
            text=True,
            check=False,
        )
    )
    title = "".join(re.findall(r"<title>(.*?)</title>", done.stdout, re.DOTALL)[:1])
    heading = "".join(re.findall(r"<h1.*?>(.*?)</h1>", done.stdout, re.DOTALL)[:1])
    _expect("results", html.unescape(title))
    _expect("Promote", html.unescape(heading))
    newcomer.note("open report", "", re.sub(r"<.*?>", " ", done.stdout), waited)


def _expect(pattern: str, said: str) -> None:
    if re.search(pattern, said) is None:
        raise SystemExit(f"Expected {pattern!r} in:\n{said}")


def _timed(act: Callable[[], _T]) -> tuple[_T, float]:
    start = time.perf_counter()
    return act(), time.perf_counter() - start


@contextmanager
def surroundings() -> Iterator[tuple[Path, Path, str]]:
    """Yield an empty folder, the client and Chromium.

    Raises:
        SystemExit: one of the two is not installed.
    """
    claude, chromium = find_client(os.environ), shutil.which("chromium")
    if claude is None or chromium is None:
        raise SystemExit("The way needs Claude Code (.ci/run installs it) and chromium.")
    with tempfile.TemporaryDirectory(prefix="meta-newcomer-") as folder:
        yield Path(folder), claude, chromium


def main() -> int:
    """Print the steps; exit 1 when the way takes longer than it may."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    with surroundings() as found:
        steps = walk(*found)
    print("| step | working, s | waiting, s |\n| --- | --- | --- |")
    for name in dict.fromkeys(step.name for step in steps):
        mine = [step for step in steps if step.name == name]
        working = sum(step.working for step in mine)
        print(f"| {name} | {working:.0f} | {sum(step.waiting for step in mine):.1f} |")
    working, waiting = sum(step.working for step in steps), sum(step.waiting for step in steps)
    print(f"| all, {working + waiting:.0f} s | {working:.0f} | {waiting:.1f} |")
    return int(working + waiting > MOST_SECONDS or waiting > MOST_WAITING)


if __name__ == "__main__":
    sys.exit(main())
