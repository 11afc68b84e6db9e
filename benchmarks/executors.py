"""What it costs to let others make the runs: each executor, and shares, beside this machine.

    python benchmarks/executors.py [--cells 200] [--at-once 2] [--shares 3]

All make the same cells of an agent that does nothing (`true`), in a repository of a few files.
Told are seconds in all and a cell, and of Dask how long it takes until its workers stand.
Shares are made one after the other, packed, taken in elsewhere and counted there: what is
beyond the runs themselves is told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]
os.environ["PYTHONPATH"] = str(REPOSITORY / "scripts")

from tests.support.git import GIT_ENVIRONMENT, git  # noqa: E402

from meta_experiment.files.roots import Layout  # noqa: E402
from meta_experiment.runs.agents import AgentOptions  # noqa: E402
from meta_experiment.runs.agents.named_agent import NamedAgent  # noqa: E402
from meta_experiment.runs.executors import DASK, LOCAL, Employment, dask_team  # noqa: E402
from meta_experiment.runs.run_shares import Share  # noqa: E402
from meta_experiment.services.planning import creating, request  # noqa: E402
from meta_experiment.services.running import run_plan, running  # noqa: E402
from meta_experiment.services.running.run_parts import pack_runs, take_runs  # noqa: E402
from meta_experiment.services.workspace import Workspace  # noqa: E402
from meta_experiment.types.results.run import RunResult  # noqa: E402

PROMPT = ".claude/commands/review.md"
KEY = b"0123456789abcdef0123456789abcdef"
AGENT = NamedAgent("true", AgentOptions(within=60.0))


class Machine:
    """A machine with a project, an experiment on it and cases."""

    def __init__(self, folder: Path, cells: int) -> None:
        self.root, self.cases = folder / "project", folder / "cases.jsonl"
        self.data = folder / "data"
        (self.root / PROMPT).parent.mkdir(parents=True)
        (self.root / PROMPT).write_text("Review $ARGUMENTS.\n")
        (folder / "new.md").write_text("Review $ARGUMENTS twice.\n")
        git(self.root, "init", "-q", "-b", "main")
        git(self.root, "add", "-A")
        git(self.root, "commit", "-qm", "Files")
        lines = (json.dumps({"id": f"c{n}", "prompt": "x"}) + "\n" for n in range(cells // 2))
        self.cases.write_text("".join(lines))
        self.space = self.opened()
        plan = {
            "name": "review",
            "seed": 7,
            "unit": "case",
            "metrics": {"primary": "active_seconds"},
            "stopping": {"sample_size": cells},  # so that no look decides
        }
        wanted = request.from_flags(plan, [f"{PROMPT}={folder / 'new.md'}"], self.root, folder)
        self.name = creating.create(self.space, wanted, manual=True).experiment.experiment_id

    def opened(self) -> Workspace:
        """Open the project as this machine."""
        os.environ["XDG_DATA_HOME"] = str(self.data)
        return Workspace.open(Layout(self.root), time.time)

    def run(
        self,
        executor: str,
        at_once: int,
        share: Share | None = None,
        *,
        count_only: bool = False,
    ) -> RunResult:
        """Make the runs, or count them."""
        space = self.opened()
        wanted = run_plan.RunRequest(
            self.cases,
            AGENT.agent(os.environ),
            at_once=at_once,
            employment=Employment(executor, agent=AGENT),
            share=share,
            count_only=count_only,
        )
        planned = run_plan.plan_runs(space, self.name, wanted)
        return running.run(space, planned, wanted, lambda *_: None)


def timed(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def shared(folder: Path, cells: int, at_once: int, shares: int) -> tuple[float, float]:
    """Return the seconds of runs in shares, and of all that comes beside them."""
    made, beside = 0.0, 0.0
    parts = folder / "parts"
    for number in range(1, shares + 1):
        there = Machine(folder / str(number), cells)
        share = Share(number, shares)
        made += timed(lambda there=there, share=share: there.run(LOCAL, at_once, share))  # type: ignore[misc]
        target = parts / f"{number}.part"
        beside += timed(
            lambda there=there, target=target: pack_runs(
                there.opened(), there.name, target, KEY
            )  # type: ignore[misc]
        )
    here = Machine(folder / "here", cells)
    beside += timed(lambda: take_runs(here.opened(), here.name, [parts], KEY))
    beside += timed(lambda: here.run(LOCAL, at_once, count_only=True))
    return made, beside


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--shares", type=int, default=3)
    asked = parser.parse_args()
    date = "2026-01-01T00:00:00Z"  # so that all machines have the same commit
    os.environ.update(GIT_ENVIRONMENT, GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
    cells, at_once = asked.cells, asked.at_once
    with tempfile.TemporaryDirectory(prefix="meta-bench-") as name:
        folder = Path(name)
        local = timed(lambda: Machine(folder / LOCAL, cells).run(LOCAL, at_once))
        began: list[float] = []
        hire = dask_team.hire

        def hired(*given_: object, **named: object) -> object:
            start = time.perf_counter()
            team = hire(*given_, **named)  # type: ignore[arg-type]
            began.append(time.perf_counter() - start)
            return team

        dask_team.hire = hired  # type: ignore[assignment]
        dask = timed(lambda: Machine(folder / DASK, cells).run(DASK, at_once))
        made, beside = shared(folder / "shares", cells, at_once, asked.shares)
    print(f"{cells} cells of an agent that does nothing, {at_once} at a time")
    for title, seconds, more in (
        ("local", local, ""),
        ("dask, workers of its own", dask, f"; {began[0]:.2f} s until its workers stand"),
        (
            f"{asked.shares} shares, one by one",
            made,
            f"; packed, taken in and counted in {beside:.2f} s",
        ),
    ):
        each, ratio = 1000 * seconds / cells, seconds / local
        print(f"{title:25} {seconds:7.2f} s  {each:6.1f} ms a cell  x {ratio:.2f}{more}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
