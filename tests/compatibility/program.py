"""The program called in this process: in a home of its own, at a time that the test says."""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from tests.support.answer import Answer
from tests.support.git import GIT_ENVIRONMENT

from meta_experiment.cli.main import main

_LONG = re.compile(r"(?<![\w.])-?\d+\.\d{6,}(?:e[+-]?\d+)?(?![\w.])")


class Program:
    """Calls verbs in a folder; `now` stands still until somebody moves it."""

    def __init__(self, home: Path, folder: Path, now: float) -> None:
        self.home = home
        self.folder = folder
        self.now = now
        found = Path(shutil.which("git") or "/usr/bin/git").parent
        self.environment = {
            "HOME": str(home),
            "PATH": f"{found}:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "80",
            "META_EXPERIMENT_PYTHON": sys.executable,
            **GIT_ENVIRONMENT,
        }

    def __call__(self, *arguments: str, stdin: str = "", code: int | None = 0) -> Answer:
        """Call a verb and check its exit code; None stands for any."""
        out, err = io.StringIO(), io.StringIO()
        with self._around(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            given = io.TextIOWrapper(io.BytesIO(stdin.encode()))
            with mock.patch.object(sys, "stdin", given):
                answer = Answer(main(list(arguments)), out.getvalue(), err.getvalue())
        assert code in (None, answer.code), f"{arguments}: {answer}"
        return answer

    @contextlib.contextmanager
    def _around(self) -> Iterator[None]:
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            with (
                mock.patch.dict(os.environ, self.environment, clear=True),
                mock.patch.object(time, "time", return_value=self.now),
            ):
                yield
        finally:
            os.chdir(before)


def steady(text: str) -> str:
    """Return a text with its decimals to ten digits, as no two machines agree on the last."""
    return _LONG.sub(lambda found: f"{float(found[0]):.10g}", text)


def require_same(then: str, now: str) -> None:
    """Fail with what differs, as a diff."""
    lines = difflib.unified_diff(then.splitlines(), now.splitlines(), "then", "now", n=8)
    differing = "\n".join(line.rstrip("\n") for line in lines)
    if differing:
        pytest.fail(differing, pytrace=False)
