"""`demo`: one whole experiment in a fresh repository, every step with its real output."""

from __future__ import annotations

import io
import os
import random
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import click

from meta_experiment.cli.frame import Place, Result, Screen, verb
from meta_experiment.errors import DependencyError, RefusedError
from meta_experiment.files.pack import own_program
from meta_experiment.files.programs import find_program
from meta_experiment.records import dataclass
from meta_experiment.render.blocks import Commands, Paragraph
from meta_experiment.types.results.demo import DemoResult

_COMMAND = ".claude/commands/review.md"
_TREATMENT = "review-parallel.md"
_CONTROL_TEXT = """\
---
description: Review the current pull request
---
Review the changes of this branch. Look at security first; when that is done, look at
tests; when that is done, look at style. Then write one summary.
"""
_TREATMENT_TEXT = """\
---
description: Review the current pull request
---
Review the changes of this branch. Start three agents at once, for security, tests and
style. When all three have answered, write one summary.
"""
_DONE = "Done: the file is what it was before. Next, with a prompt and a new text of yours:"
_YOURS = (
    "meta-experiment create --file .claude/commands/NAME.md=NEW.md \\",
    "    --primary-metric active_seconds --start",
    "meta-experiment doctor",
)
_MOST_TRIALS = 120
_LOOK_EVERY = 10


@verb(example="meta-experiment demo --keep /tmp/meta-demo")
@click.option("--keep", metavar="DIR", help="Work in this new folder and leave it there.")
@click.option(
    "--seed", metavar="N", type=int, default=1, show_default=True, help="Of the stand-in agent."
)
def demo_verb(place: Place, screen: Screen, keep: str | None, seed: int) -> Result:
    """Run a whole experiment in a fresh git repository: create, serve, observe, decide, act.

    No model is called: a stand-in agent takes log-normal times, and is 40% faster with the
    treatment. Everything else is real: the files, the repository, the assignment, the
    records, the decision, the commits.
    """
    del place
    git = find_program("git")
    if git is None:
        raise DependencyError("The demo needs git, which is not on the PATH.")
    if keep is not None:
        folder = Path(keep).resolve()
        if folder.exists():
            raise RefusedError(f"{folder} exists; --keep needs a folder that is not there yet.")
        folder.mkdir(parents=True)
        _Demo(git, folder, _chance(seed), quiet=screen.as_json).run()
    else:
        with tempfile.TemporaryDirectory(prefix="meta-experiment-demo-") as temporary:
            _Demo(git, Path(temporary), _chance(seed), quiet=screen.as_json).run()
    return Result(DemoResult("done", keep), ((Paragraph((_DONE,)), Commands(_YOURS)),))


@dataclass(frozen=True, slots=True)
class _Demo:
    """A folder, and the chance that drives the stand-in agent; `quiet` leaves stdout alone."""

    git: str
    folder: Path
    chance: random.Random
    quiet: bool

    def run(self) -> None:
        """Go from an empty folder to a promotion and back."""
        self._say("A fresh repository with one command file, and a second version of it")
        original = self._repository()
        self._say("Create the experiment and start it; it may act on its own (--auto)")
        self._meta(
            "create", "--file", f"{_COMMAND}={_TREATMENT}",
            "--hypothesis", "Three agents at once review faster than one after the other",
            "--primary-metric", "duration_seconds", "--guardrail", "output_tokens:20%",
            "--unit", "invocation", "--auto", "--seed", "7", "--start", "--manual",
        )  # fmt: skip
        self._say("Serve, run and record; `auto` looks after every tenth trial")
        self._observe()
        self._say("What happened to the file, and what git says")
        self._git("status", "--short")
        self._git("log", "-1", "--format=%an: %B")
        promoted = (self.folder / _COMMAND).read_bytes() == _TREATMENT_TEXT.encode()
        self._check("the command file has the treatment's exact bytes", holds=promoted)
        self._meta("status")
        self._say("Change of mind: roll back")
        self._meta("rollback", "review", "--reason", "end of the demo", "--yes")
        self._git("log", "--format=%h %s")
        restored = (self.folder / _COMMAND).read_bytes() == original
        self._check("the command file has its original bytes again", holds=restored)

    def _repository(self) -> bytes:
        command = self.folder / _COMMAND
        command.parent.mkdir(parents=True)
        command.write_bytes(_CONTROL_TEXT.encode())
        (self.folder / _TREATMENT).write_bytes(_TREATMENT_TEXT.encode())
        self._git("init", "--quiet", "--initial-branch=main")
        for key, value in (("name", "Demo"), ("email", "demo@example.com")):
            self._git("config", f"user.{key}", value, shown=False)
        self._git("add", ".", shown=False)
        self._git("commit", "--quiet", "-m", "A review command and a draft of its successor")
        return command.read_bytes()

    def _observe(self) -> None:
        for trial in range(1, _MOST_TRIALS + 1):
            shown = trial == 1
            served = self._meta("assign", "review", "--json", shown=shown)
            variant, trial_id = _field(served, "variant"), _field(served, "trial_id")
            seconds, tokens = self._stand_in(variant)
            if shown:
                self._echo(f"The stand-in agent runs the {variant}'s text: {seconds} s.")
            self._meta(
                "record", "review", "--variant", variant, "--trial-id", trial_id,
                "--metric", f"duration_seconds={seconds}",
                "--metric", f"output_tokens={tokens}",
                shown=shown,
            )  # fmt: skip
            if trial % _LOOK_EVERY == 0:
                self._echo(f"… {trial} trials recorded")
                if "PROMOTE" in self._meta("auto", "--yes"):
                    return
        raise RefusedError("The demo ended without a decision; this seed is unlucky.")

    def _stand_in(self, variant: str) -> tuple[float, int]:
        """Draw how long the stand-in agent takes with a variant, and how much it writes."""
        speed = 0.6 if variant == "treatment" else 1.0
        seconds = round(speed * self.chance.lognormvariate(4.1, 0.35), 1)
        return seconds, int(self.chance.lognormvariate(7.2, 0.2))

    def _meta(self, *arguments: str, shown: bool = True) -> str:
        if not shown:
            return self._unseen(*arguments)
        return self._command(
            ["meta-experiment", *arguments], [*own_program(), *arguments], shown=shown
        )

    def _unseen(self, *arguments: str) -> str:
        """Run a verb that nobody looks at in this process: forty starts of Python less."""
        from meta_experiment.cli.main import main

        said = io.StringIO()
        with redirect_stdout(said):
            code = main([*arguments, "--root", str(self.folder)])
        if code:
            raise RefusedError(f"A step of the demo failed: {' '.join(arguments)}")
        return said.getvalue()

    def _git(self, *arguments: str, shown: bool = True) -> str:
        return self._command(["git", *arguments], [self.git, *arguments], shown=shown)

    def _command(self, typed: Sequence[str], real: Sequence[str], *, shown: bool) -> str:
        if shown:
            self._echo(f"$ {' '.join(_quoted(word) for word in typed)}")
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("META_EXPERIMENT_ROOT", "GIT_"))
        }
        done = subprocess.run(
            list(real),
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if shown and (done.stdout or done.stderr):
            self._echo((done.stdout + done.stderr).rstrip())
        if done.returncode:
            raise RefusedError(
                f"A step of the demo failed with exit code {done.returncode}: "
                f"{' '.join(typed)}\n{done.stderr}"
            )
        return done.stdout

    def _say(self, heading: str) -> None:
        self._echo(f"\n── {heading} ──\n")

    def _check(self, claim: str, *, holds: bool) -> None:
        if not holds:
            raise RefusedError(f"The demo found that this does not hold: {claim}.")
        self._echo(f"checked: {claim}\n")

    def _echo(self, text: str) -> None:
        click.echo(text, err=self.quiet)


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the stand-in agent needs no secrets


def _field(document: str, name: str) -> str:
    import json

    return str(json.loads(document)[name])


def _quoted(word: str) -> str:
    import shlex

    return shlex.quote(word)


command = demo_verb
