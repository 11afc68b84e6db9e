"""A project that nobody has, on a clock of its own: the same at every time and place."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from meta_experiment.cli import open as opening
from meta_experiment.cli.main import main
from meta_experiment.files.roots import Layout
from meta_experiment.model.instants import DAY
from meta_experiment.services.reporting.project import project_report
from meta_experiment.services.reporting.reporting import report
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import TrialStatus
from meta_experiment.types.results.project_report import ProjectReport
from meta_experiment.types.results.report import ReportDocument

START = 1_772_442_000.0  # 2 March 2026, 9:00 UTC
COMMAND = ".claude/commands/review.md"
CONTROL = """\
---
description: Review the current pull request
---
Review the changes of this branch. Look at security first; when that is done, look at
tests; when that is done, look at style. Then write one summary.

Name the file and the line of every finding.
"""
TREATMENT = """\
---
description: Review the current pull request
---
Review the changes of this branch. Start three agents at once, for security, tests and
style. When all three have answered, write one summary of at most ten findings.

Name the file and the line of every finding.
"""


@dataclass
class Uses:
    """How a made-up prompt is used: what one use of an arm comes to, by chance and arm."""

    seconds: Mapping[str, float]  # the typical duration by arm
    spread: float = 0.35
    tokens: Mapping[str, float] = field(default_factory=dict)  # times the control's
    errors: Mapping[str, float] = field(default_factory=dict)  # chance of one

    def metrics(self, chance: random.Random, arm: str) -> dict[str, float]:
        """Draw what one use is measured to."""
        tokens = self.tokens.get(arm, 1.0) * chance.lognormvariate(7.4, 0.25)
        return {
            "duration_seconds": round(
                self.seconds[arm] * chance.lognormvariate(0, self.spread), 1
            ),
            "output_tokens": float(int(tokens)),
            "cost_usd": round(tokens * 15e-6 + chance.lognormvariate(-3.5, 0.2), 4),
            "error_rate": float(chance.random() < self.errors.get(arm, 0.06)),
            "turns": float(chance.randrange(1, 6)),
        }


class _Screen(io.StringIO):
    """What is written on a terminal."""

    def isatty(self) -> bool:
        return True


class MadeUpProject:
    """A root without git, the verbs called in it, and a moment that only moves on command."""

    def __init__(self, root: Path) -> None:
        self.root, self.now = root, START
        self.write(COMMAND, CONTROL)
        self.write("drafts/parallel.md", TREATMENT)

    @classmethod
    @contextlib.contextmanager
    def fresh(cls) -> Iterator[MadeUpProject]:
        """Make one with a home of its own, and take it away again."""
        with TemporaryDirectory(prefix="meta-looks-") as folder:
            kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
            with mock.patch.dict(os.environ, {**kept, "HOME": folder}, clear=True):
                project = cls(Path(folder, "project"))
                with mock.patch.object(opening, "clock", project.moment):
                    yield project

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, "utf-8")

    def __call__(self, verb: str, *words: str) -> str:
        """Call a verb, which is to succeed; return what it printed."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self._called(verb, words)
        return out.getvalue()

    def _called(self, verb: str, words: Sequence[str]) -> None:
        err = io.StringIO()
        with contextlib.redirect_stderr(err):
            code = main([verb, "--root", str(self.root), *words])
        if code:
            raise AssertionError(f"{verb} exits {code}:\n{err.getvalue()}")

    def shown(self, columns: int, verb: str, *words: str) -> str:
        """Call a verb on a terminal of so many columns; return what is seen there."""
        screen = _Screen()
        size = {"COLUMNS": str(columns), "TERM": "xterm-256color"}
        with mock.patch.dict(os.environ, size), contextlib.redirect_stdout(screen):
            self._called(verb, words)
        return f"$ meta-experiment {' '.join([verb, *words])}\n{screen.getvalue()}"

    def started(self, *words: str, file: str = f"{COMMAND}=drafts/parallel.md") -> str:
        """Create and start an experiment; return its id."""
        plan = ("--file", file, "--seed", "1", "--start", "--manual", *words, "--json")
        return str(json.loads(self("create", *plan))["experiment_id"])

    def record(self, experiment: str, events: Sequence[TrialEvent]) -> None:
        """Add what happened, at its own times."""
        self.workspace().store.append(experiment, list(events))

    def observe(
        self,
        experiment: str,
        uses: Uses,
        units: int,
        *,
        seed: int = 1,
        days: float = 8,
        models: Sequence[str] = ("claude-sonnet-4-5",),
        lost: Mapping[int, str] | None = None,
    ) -> None:
        """Let so many units an arm be assigned over days, and most of them end.

        `lost` names units by their number in the order of their draw: `open` never ended,
        `unseen` was not exposed, and every other word is the reason it is excluded for.
        """
        chance, arms = random.Random(seed), list(uses.seconds)  # noqa: S311 - data
        events: list[TrialEvent] = []
        total, lost = units * len(arms), lost or {}
        for number in range(total):
            if number % len(arms) == 0:
                chance.shuffle(arms)
            part = (number + chance.random()) / total
            at = round(self.now + part * days * DAY, 3)
            model = models[min(int(part * len(models)), len(models) - 1)]
            one = replace(
                TrialEvent(EventKind.ASSIGNED, at, f"t{number:06}", arms[number % len(arms)]),
                unit=f"session-{number:06}",
            )
            fate, metrics = lost.get(number), uses.metrics(chance, one.variant)
            events.append(one)
            if fate == "unseen":
                continue
            events.append(replace(one, kind=EventKind.EXPOSED))
            if fate == "open":
                continue
            done = replace(
                one,
                kind=EventKind.RECORDED,
                at=round(at + metrics["duration_seconds"], 3),
                metrics=metrics,
                status=TrialStatus.ERROR if metrics["error_rate"] else TrialStatus.OK,
                fingerprint={"model": model, "client": "2.1.330"},
            )
            events.append(done)
            if fate is not None:
                events.append(replace(one, kind=EventKind.EXCLUDED, at=done.at, reason=fate))
        events.sort(key=lambda event: event.at)
        self.record(experiment, events)

    def moment(self) -> float:
        """Return its time, as a clock does."""
        return self.now

    def later(self, days: float) -> None:
        """Let days go by."""
        self.now += days * DAY

    def workspace(self) -> Workspace:
        """Open it as the services do."""
        return Workspace.open(Layout(self.root), self.moment)

    def report(self, experiment: str) -> ReportDocument:
        """Report an experiment, whichever program and Python make it."""
        found = report(self.workspace(), experiment)
        source = replace(found.provenance, program="1.0.0", python="3.11.0")
        return replace(found, provenance=source)

    def index(self) -> ProjectReport:
        """Report all experiments."""
        layout = Layout(self.root)
        return project_report(layout, self.moment, self.workspace)
