"""A project with a prompt file, and the command line called in this process."""

import json
import subprocess
from pathlib import Path

import pytest
from tests.support.answer import Answer
from tests.support.git import committed

from meta_experiment.cli.main import main

CONTROL = "---\r\ndescription: Review\r\n---\r\nRéview the branch.\r\n".encode()
TREATMENT = b"---\r\ndescription: Review\r\n---\r\nReview the branch in parallel."
COMMAND = ".claude/commands/review.md"


class Project:
    """A folder under git with one command file and one draft of its successor."""

    def __init__(self, root, capsys):
        self.root = Path(root)
        self._capsys = capsys

    def __call__(self, *arguments, code=0):
        """Call a verb in this project and check its exit code."""
        self._capsys.readouterr()
        given = main([arguments[0], "--root", str(self.root), *map(str, arguments[1:])])
        said = self._capsys.readouterr()
        assert given == code, f"exit {given}\n{said.out}\n{said.err}"
        return Answer(given, said.out, said.err)

    def git(self, *arguments):
        return subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout

    def path(self, relative=COMMAND):
        return self.root / relative

    def create(self, *flags, start=True):
        """Create the usual experiment and return its id."""
        given = (
            "create", "--file", f"{COMMAND}=v2.md", "--primary-metric", "duration_seconds",
            "--unit", "invocation", "--seed", "1",
            *(["--start", "--manual"] if start else []), *flags, "--json",
        )  # fmt: skip
        return self(*given).json["experiment_id"]

    def observe(self, experiment_id, pairs, speed=0.5):
        """Record pairs of trials: the control around 100 s, the treatment at a share of it."""
        lines = []
        for number in range(pairs):
            base = 100 * (1 + 0.2 * ((number * 7) % 11 - 5) / 5)
            for variant, factor in (("control", 1.0), ("treatment", speed)):
                lines.append(
                    {
                        "experiment": experiment_id,
                        "variant": variant,
                        "metrics": {"duration_seconds": base * factor + number % 3},
                    }
                )
        return self.stdin("record", "--stdin", lines=lines)

    def stdin(self, *arguments, lines, code=0):
        """Call a verb with JSON lines on its standard input."""
        import io
        import sys

        text = "".join(
            line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines
        )
        before = sys.stdin
        sys.stdin = io.TextIOWrapper(io.BytesIO(text.encode()))
        try:
            return self(*arguments, code=code)
        finally:
            sys.stdin = before


@pytest.fixture
def project(tmp_path, capsys, monkeypatch):
    root = tmp_path / "a project"
    (root / ".claude" / "commands").mkdir(parents=True)
    (root / COMMAND).write_bytes(CONTROL)
    (root / COMMAND).chmod(0o644)
    (root / "v2.md").write_bytes(TREATMENT)
    monkeypatch.chdir(root)
    made = Project(root, capsys)
    committed(root)
    return made


@pytest.fixture
def bare_project(tmp_path, capsys, monkeypatch):
    """The same without a repository."""
    root = tmp_path / "bare"
    (root / ".claude" / "commands").mkdir(parents=True)
    (root / COMMAND).write_bytes(CONTROL)
    (root / "v2.md").write_bytes(TREATMENT)
    monkeypatch.chdir(root)
    return Project(root, capsys)
