"""What a checkout for a run costs: a slot used again, beside a worktree added and removed.

    python benchmarks/runs.py [--files 5000] [--rounds 12] [--within DIR]

A slot is prepared with an arm's files, an agent's changes are made in it, told and kept; the
next preparation clears them up. A worktree is added without a branch, gets the same changes and
is removed. The two take turns in one repository of 50 folders with 7 kB a file.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY)]

from tests.support.git import GIT_ENVIRONMENT, git  # noqa: E402

from meta_experiment.git import Git  # noqa: E402
from meta_experiment.runs.base import base_of  # noqa: E402
from meta_experiment.runs.checkouts import Slots  # noqa: E402

LIMIT = 0.5  # of a worktree's time
FOLDERS = 50
CHANGED = 20  # files
PROMPT = ".claude/commands/review.md"


def repository(root: Path, files: int) -> None:
    """Make a repository of so many files."""
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    chance = random.Random(1)  # noqa: S311 - data, no secrets
    for number in range(files):
        path = root / f"folder-{number % FOLDERS}" / f"file-{number}.txt"
        path.parent.mkdir(exist_ok=True)
        lines = (f"{chance.getrandbits(256):064x}\n" for _ in range(112))
        path.write_text("".join(lines), "ascii")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Files")


def change(root: Path, mark: str) -> None:
    """Do what an agent might."""
    for number in range(CHANGED):
        path = root / f"folder-{number}" / f"file-{number}.txt"
        path.write_text(path.read_text("ascii") + mark, "ascii")
    (root / "new").mkdir()
    (root / "new" / "file.txt").write_text(mark, "ascii")


def slot_seconds(slots: Slots, round_number: int, kept: Path) -> float:
    """Time one use of a slot, without the agent."""
    start = time.perf_counter()
    there = slots.prepare(1, {PROMPT: f"Text {round_number}.\n".encode()})
    middle = time.perf_counter()
    change(there, f"{round_number}\n")
    resumed = time.perf_counter()
    found = slots.changes(1)
    slots.keep_work(1, kept)
    done = time.perf_counter()
    if len(found.files) != CHANGED + 1:
        raise SystemExit(f"{len(found.files)} files changed, expected {CHANGED + 1}")
    return middle - start + done - resumed


def worktree_seconds(root: Path, round_number: int) -> float:
    """Time one linked worktree, without the agent."""
    there = root.with_name("worktree")
    start = time.perf_counter()
    subprocess.run(
        ["git", "worktree", "add", "--quiet", "--detach", there], cwd=root, check=True
    )
    middle = time.perf_counter()
    change(there, f"{round_number}\n")
    resumed = time.perf_counter()
    subprocess.run(["git", "worktree", "remove", "--force", there], cwd=root, check=True)
    return middle - start + time.perf_counter() - resumed


def main() -> int:
    """Print the figures; exit 1 when a slot is dearer than the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--within", type=Path, default=REPOSITORY.parent, help="a folder")
    given = parser.parse_args()
    os.environ.update(GIT_ENVIRONMENT)
    with tempfile.TemporaryDirectory(prefix="meta-bench-", dir=given.within) as folder:
        root, scratch = Path(folder) / "project", Path(folder) / "runs"
        repository(root, given.files)
        found = Git.find(root)
        if found is None:
            raise SystemExit("git is not installed")
        start = time.perf_counter()
        slots = Slots(
            found, base_of(found, root, scratch / "base"), scratch / "slots", "project"
        )
        slots.prepare(1, {})
        first = time.perf_counter() - start
        rounds = range(given.rounds)
        pairs = [
            (slot_seconds(slots, n, scratch / "work"), worktree_seconds(root, n))
            for n in rounds
        ]
    ratios = [statistics.median(times) for times in zip(*pairs, strict=True)]
    shortest = [min(times) for times in zip(*pairs, strict=True)]
    print(f"{given.files:,} files, {given.rounds} rounds, medians (the shortest)")
    print(f"worktree added and removed   {ratios[1]:7.3f} s ({shortest[1]:.3f})")
    print(
        f"slot prepared and compared   {ratios[0]:7.3f} s ({shortest[0]:.3f})   "
        f"x {ratios[0] / ratios[1]:.2f} ({shortest[0] / shortest[1]:.2f}; limit {LIMIT})"
    )
    print(f"base and a slot made anew    {first:7.3f} s   x {first / ratios[1]:.2f}")
    return 1 if ratios[0] > LIMIT * ratios[1] else 0


if __name__ == "__main__":
    sys.exit(main())
