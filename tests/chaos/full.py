"""Break everything that can be broken, at full length, and write down what came of it.

Run `python -m tests.chaos.full` from the root of the repository. It takes about half an hour,
writes docs/reliability.md, and ends with 1 when a promise does not hold. A number below 1 as
argument is a trial run of that share that prints and writes nothing.
"""

from __future__ import annotations

import errno
import importlib
import os
import platform
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from tests.chaos import boxes, storm  # noqa: E402
from tests.chaos.faulting import MODES, Trial  # noqa: E402
from tests.chaos.prompts import OWN, Project, Prompt, shared  # noqa: E402
from tests.chaos.verbs import PROJECTS, VERBS, no_outlook  # noqa: E402
from tests.support.bar import bar  # noqa: E402
from tests.support.git import GIT_ENVIRONMENT  # noqa: E402

from meta_experiment.files.headway import steps, tell  # noqa: E402
from meta_experiment.services.planning import creating  # noqa: E402

PAGE = ROOT / "docs" / "reliability.md"
TABLE = "<!-- The rest of this page is made by python -m tests.chaos.full -->"
_SERVED = ("create", "start", "pause", "resume", "promote", "rollback", "stop", "panic")
_RECOVERING = ("start", "promote", "rollback", "stop")


class Page:
    """Collects the tables and what did not hold."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.losses: list[str] = []
        self.totals: Counter[str] = Counter()

    def section(self, title: str, text: str, *columns: str) -> None:
        self.lines += ["", f"## {title}", "", text, ""]
        self.lines += ["| " + " | ".join(columns) + " |", "| --- " * len(columns) + "|"]
        print(f"\n{title}", flush=True)  # noqa: T201

    def row(self, *cells: object) -> None:
        shown = [f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells]
        self.lines.append("| " + " | ".join(shown) + " |")
        print(self.lines[-1], flush=True)  # noqa: T201

    def lose(self, where: str, what: object) -> None:
        self.losses.append(f"{where}: {what}")
        print(f"LOST {where}: {what}", file=sys.stderr, flush=True)  # noqa: T201


def faults(page: Page, share: float, folder: Path) -> None:
    """Every verb, every operation, every fault, on plain files and on served prompts."""
    page.section(
        "Faults of the disk, by verb",
        "At each operation of the disk: the process dies before it or half-way through it "
        "(torn), the disk is full, has an input/output error or refuses permission, or the "
        "power is cut, with all or some of what was not synced lost. Then `recover`, and the "
        "comparison: experiments, trials, every byte and mode, git's view. Of a recovery "
        "each operation fails again. In repositories the power is cut at every second "
        "operation, the other faults but death are taken at every fourth, and a recovery "
        "from every twelfth.",
        "what is under experiment", "verb", "operations", "faults", "power cuts",
        "faults while recovering", "losses",
    )  # fmt: skip
    rounds = [
        Round(kind, verb, share, folder / f"{kind} {verb}".replace(" ", "-"))
        for kind in PROJECTS
        for verb in (VERBS if kind == "plain files" else _SERVED)
    ]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for number, done in enumerate(pool.map(Round.run, rounds), start=1):
            tell("breaking the disk", number, len(rounds))
            for loss in done.losses:
                page.lose(f"{done.kind}, {done.verb}", loss)
            counts = done.counts
            cuts, recovering = counts["power"], counts["recovering"]
            injected = counts.total() - cuts - recovering
            page.totals["faults of the disk"] += injected + recovering
            page.totals["power cuts"] += cuts
            page.row(
                done.kind, done.verb, done.operations, injected, cuts, recovering,
                len(done.losses),
            )  # fmt: skip


@dataclass
class Round:
    """One verb on one kind of project, through every fault; what it counts comes back."""

    kind: str
    verb: str
    share: float
    folder: Path
    operations: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    losses: list[str] = field(default_factory=list)

    def run(self) -> Round:
        """Inject the faults. A fault that harms ends its mode, not the round."""
        self.folder.mkdir(parents=True)
        plain = self.kind == "plain files"
        every = max(1, round(1 / self.share))
        try:
            trial = Trial(VERBS[self.verb], self.folder, self.kind)
        except Exception:  # noqa: BLE001
            self.losses.append(traceback.format_exc(limit=-3))
            return self
        for mode in MODES:
            # with git in every comparison the refusals are taken at every fourth operation
            step = every * (1 if plain or mode == "crash" else 2 if mode == "power" else 4)
            self._try(trial.fault, mode, every=step, cuts=5 if plain else 1)
        if self.verb in _RECOVERING:
            for mode in ("crash", "eio"):
                step = every if plain else 12 * every
                self._try(trial.fault_while_recovering, mode, every=step)
        self.operations, self.counts = trial.operations, trial.counts
        return self

    def _try(self, inject: Callable[..., None], mode: str, **how: int) -> None:
        try:
            inject(mode, **how)
        except Exception:  # noqa: BLE001
            self.losses.append(f"{mode}: {traceback.format_exc(limit=-2)}")


def storms(page: Page, share: float, folder: Path) -> None:
    """Processes ended by signals, processes at once, and neighbours beside them."""
    page.section(
        "Processes ended by signals, many at once, and neighbours beside them",
        "Writers of mixed verbs on one root: recording, also in batches, assigning, drawing "
        "and closing trials as prompts and sessions in the client do, in a sandbox as well, "
        "analysing, looking, creating, starting, pausing, promoting, rolling back, stopping, "
        "archiving, recovering. Half of the signals are SIGKILL, the others SIGINT and "
        "SIGTERM; every other one waits for a process that holds a lock. A stranger writes, "
        "replaces and links private files, puts odd entries into the journal and foreign logs "
        "beside ours. A user of git switches to a branch from before the experiment and back, "
        "stashes, cleans, commits all. Afterwards every acknowledged trial and change of state "
        "is compared (beside a user of git, who takes files back, the trials), the sequence of "
        "assignments and its balance checked; with a stranger, that every verb answers and "
        "nothing outside was written; with a user of git, every object that git keeps.",
        "where", "writers", "SIGKILL, SIGINT, SIGTERM", "acts of the neighbour",
        "operations acknowledged", "trials", "changes cut off and finished or undone",
        "refused, named", "longest wait", "losses", "seconds",
    )  # fmt: skip
    repository: dict[str, Any] = {"git": True, "writers": 8}
    runs: list[tuple[str, dict[str, Any]]] = [
        ("plain files", {"writers": 8, "kills": round(350 * share), "seed": 21}),
        ("a repository", {**repository, "kills": round(150 * share), "seed": 22}),
        ("three linked trees", {**repository, "kills": round(60 * share), "trees": 3}),
        (
            "plain files, a stranger",
            {"writers": 8, "seconds": 40 * share, "beside": "stranger"},
        ),
        (
            "a repository, a stranger",
            {**repository, "seconds": 60 * share, "kills": round(40 * share),
             "beside": "stranger", "seed": 25},
        ),
        (
            "a repository, a user of git",
            {**repository, "writers": 6, "seconds": 60 * share, "kills": round(40 * share),
             "beside": "git", "seed": 26},
        ),
        ("plain files", {"writers": 16, "seconds": 60 * share, "seed": 23}),
        ("a repository", {"writers": 16, "seconds": 30 * share, "seed": 24, "git": True}),
    ]  # fmt: skip
    for number, (where, options) in enumerate(steps(runs, "killing processes")):
        place = folder / f"storm-{number}"
        (place / "project").mkdir(parents=True)
        (place / "scratch").mkdir()
        report = storm.run(place / "project", place / "scratch", **options)
        for fault in report["faults"]:
            page.lose(f"storm in {where}", fault)
        _tell(page, where, report)


def _tell(page: Page, where: str, report: dict[str, Any]) -> None:
    done = sum(report["operations"].values())
    signals = [report["signals"][name] for name in ("SIGKILL", "SIGINT", "SIGTERM")]
    page.totals["processes ended by a signal"] += report["kills"]
    page.totals["acts of neighbours"] += report["disturbed"]
    page.totals["operations acknowledged"] += done
    refused = ", ".join(f"{count} {name}" for name, count in report["refused"].items())
    page.row(
        where,
        report["writers"],
        ", ".join(map(str, signals)),
        report["disturbed"],
        done,
        report["trials"],
        report["settled"],
        refused or "none",
        f"{report['longest_ms'] / 1000:.1f} s",
        report["losses"],
        f"{report['seconds']:.0f}",
    )


def sandboxes(page: Page, share: float, folder: Path) -> None:
    """Uses whose writes are refused, and hooks that are broken off while they take over."""
    page.section(
        "Uses in a sandbox",
        "A use of a command whose writes below the root are refused, from each of them on; the "
        "next hook takes over what was kept beside. Or nothing may be written, and the hook "
        "dies, or the disk is full, at each of its own writes; then comes the next. Each use "
        "is one trial in the end, in the arm that was served, and its session keeps that arm.",
        "what", "uses", "losses",
    )  # fmt: skip
    place = folder / "sandboxes"
    place.mkdir()
    uses = boxes.Uses(place)
    every = max(1, round(1 / share))
    rounds: dict[str, Callable[[], None]] = {
        "refused by EROFS, EACCES, EPERM": lambda: uses.refuse(every=every),
        "the hook dies": lambda: uses.break_off(boxes.DEATH),
        "the disk is full for the hook": lambda: uses.break_off(errno.ENOSPC),
        "the hook may not write": lambda: uses.break_off(errno.EACCES),
    }
    for name, go_through in rounds.items():
        before, losses = uses.counts["uses"], len(page.losses)
        try:
            go_through()
        except Exception:  # noqa: BLE001
            page.lose(name, traceback.format_exc(limit=-2))
        done = uses.counts["uses"] - before
        page.totals["uses in a sandbox"] += done
        page.row(name, done, len(page.losses) - losses)


def prompts(page: Page, share: float, folder: Path) -> None:
    """Prompt files of every sort through an experiment and back."""
    page.section(
        "Prompt files, through an experiment and back",
        "Each is started, promoted and rolled back, and started and stopped, in a repository; "
        "bytes, mode, git's tree and `git status` are compared.",
        "files", "how many", "ways", "not as before",
    )  # fmt: skip
    kinds: tuple[tuple[str, tuple[Prompt, ...]], ...] = (
        ("made to be nasty (CRLF, BOM, no last newline, odd modes, no text)", OWN),
        ("of public plugins and skills", tuple(shared())),
    )
    for number, (name, all_files) in enumerate(kinds):
        files = all_files[: round(len(all_files) * share)]
        if not files:
            continue
        root = folder / f"prompts-{number}" / "project"
        root.mkdir(parents=True)
        project, before = Project(root, files), len(page.losses)
        for prompt in files:
            for way in (project.there_and_back, project.not_at_all):
                try:
                    way(prompt)
                except Exception:  # noqa: BLE001
                    page.lose(prompt.path, traceback.format_exc(limit=-2))
        page.totals["prompt files"] += len(files)
        page.row(name, len(files), 2, len(page.losses) - before)


def fuzzed(page: Page, share: float) -> None:
    """What the fuzzers and the state machine count, where they are at hand."""
    try:
        fuzz = importlib.import_module("tests.fuzz.full")
    except ModuleNotFoundError:
        return
    page.section(
        "Inputs fuzzed",
        "By hypothesis: every parser, and random sequences of verbs against a simple model.",
        "what", "how many",
    )  # fmt: skip
    try:
        counts = fuzz.run(round(2000 * share), round(100 * share) or 1, 40)
    except BaseException:  # noqa: BLE001 - hypothesis raises groups of any kind
        page.lose("fuzzing", traceback.format_exc(limit=-3))
        return
    for name, count in counts["inputs"].items():
        page.row(name, count)
    page.row("steps of random sequences of verbs", counts["steps"])
    page.totals["inputs fuzzed"] += counts["inputs_total"]
    page.totals["steps of the state machine"] += counts["steps"]


def summary(page: Page, seconds: float) -> list[str]:
    """Return the first table: everything in one look."""
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    lines = ["## In one look", "", f"{system}.", "", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {count:,} |" for name, count in page.totals.items()]
    lines += [
        f"| **losses** | **{len(page.losses):,}** |",
        f"| time | {seconds / 60:.0f} min |",
    ]
    return lines


def main(arguments: list[str]) -> int:
    """Run everything; return 1 when something was lost."""
    share = float(arguments[0]) if arguments else 1.0
    for name in [*os.environ]:
        if name.startswith(("CLAUDE", "META_", "GIT_")):
            del os.environ[name]
    os.environ.update(GIT_ENVIRONMENT)
    creating.forecast = no_outlook  # type: ignore[assignment]
    page, begun = Page(), time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["HOME"] = str(folder)
        work = (
            partial(storms, page, share, folder),  # first, while this process is small to fork
            partial(sandboxes, page, share, folder),
            partial(prompts, page, share, folder),
            partial(faults, page, share, folder),
            partial(fuzzed, page, share),
        )
        with bar():
            for act in steps(work, "breaking what can break"):
                act()
    table = [*summary(page, time.monotonic() - begun), *page.lines]
    print("\n".join(table[:20]))  # noqa: T201
    if share >= 1:
        promises = PAGE.read_text("utf-8").partition(TABLE)[0]
        PAGE.write_text(f"{promises}{TABLE}\n\n" + "\n".join(table) + "\n", "utf-8")
    return 1 if page.losses else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
