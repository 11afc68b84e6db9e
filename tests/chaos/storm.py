"""Many writers on one root, killed at random moments, then audited.

The processes are forked from this one, which has everything loaded, so that a writer costs
milliseconds and is killed at its work, not while it starts. Run `python -m tests.chaos.storm
ROOT --kills 50`; the report is one JSON document.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.chaos.audit import audit
from tests.chaos.writers import Writer, prepare

from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout

_AIMED = ("deploy", "registry", "deploy")
_AIM = 0.2  # seconds
_PATIENCE = 120.0  # seconds until writers that do not end are taken for a deadlock
_ACKNOWLEDGED = re.compile(rb'"kind": "ack", "verb": "(\w+)"')  # a line may be half there
_LONGEST = 60.0  # seconds that a storm goes on at most for what it is to have done


class Storm:
    """Writers by name, each with its process."""

    def __init__(
        self, root: Path, scratch: Path, writers: int, seed: int, *, git: bool
    ) -> None:
        self.root, self.scratch, self.seed = root, scratch, seed
        self.names = [f"writer-{number}" for number in range(writers)]
        self.logs = {name: scratch / f"{name}.log" for name in self.names}
        self.stop = scratch / "stop"
        self.processes: dict[str, int] = {}
        self.forks = 0
        self.chance = random.Random(seed)  # noqa: S311
        if git:
            _git(root, "init", "-q", "-b", "main")
            (root / ".git/info/exclude").write_text(".claude/meta/\n")
        self.common = prepare(root, self.names)
        if git:
            _git(root, "add", ".")
            _git(root, "commit", "-qm", "start")

    def launch(self, name: str) -> None:
        self.forks += 1
        child = os.fork()
        if child:
            self.processes[name] = child
            return
        code = 1
        try:
            seed = self.seed * 100_003 + self.forks
            Writer(self.root, name, self.common, self.logs[name], seed).work(self.stop)
            code = 0
        finally:
            os._exit(code)

    def kill(self, name: str) -> None:
        child = self.processes.pop(name)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

    def holder(self, lock: str) -> str | None:
        """Wait a little for a writer to hold a lock, then a little less; return its name."""
        path = Layout(self.root).lock(lock)
        deadline = time.monotonic() + _AIM
        while time.monotonic() < deadline:
            owner = FileLock(path).owner()
            for name, child in self.processes.items():
                if owner is not None and owner.pid == str(child):
                    time.sleep(self.chance.uniform(0, 0.015))
                    return name
            time.sleep(0.0005)
        return None

    def await_done(self, wanted: Mapping[str, int]) -> None:
        """Wait until each verb was acknowledged so often, or for too long."""
        deadline = time.monotonic() + _LONGEST
        while time.monotonic() < deadline and not Counter(wanted) <= self._done():
            time.sleep(0.1)

    def _done(self) -> Counter[str]:
        said = b"".join(log.read_bytes() for log in self.logs.values() if log.exists())
        return Counter(map(bytes.decode, _ACKNOWLEDGED.findall(said)))

    def end(self) -> list[str]:
        """Tell all to stop and wait; return what went wrong."""
        self.stop.touch()
        deadline, faults = time.monotonic() + _PATIENCE, []
        for name, child in self.processes.items():
            while True:
                ended, status = os.waitpid(child, os.WNOHANG)
                if ended:
                    if status:
                        faults.append(f"{name} ended with {status}")
                    break
                if time.monotonic() > deadline:
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                    faults.append(f"{name} did not end: a deadlock")
                    break
                time.sleep(0.005)
        return faults


def run(
    root: Path,
    scratch: Path,
    *,
    writers: int,
    kills: int = 0,
    seconds: float = 0.0,
    until: Mapping[str, int] | None = None,
    seed: int = 0,
    git: bool = False,
) -> dict[str, Any]:
    """Let writers work through so many kills, so long and until so much is done, at least.

    Returns the report. `until` holds how often each verb is to be acknowledged.
    """
    begun = time.monotonic()
    storm = Storm(root, scratch, writers, seed, git=git)
    chance = storm.chance
    for name in storm.names:
        storm.launch(name)
    for number in range(kills):
        time.sleep(chance.uniform(0.002, 0.12))
        # every other kill waits for a writer that holds a lock, to hit it at a bad moment
        name = storm.holder(_AIMED[number // 2 % len(_AIMED)]) if number % 2 else None
        name = name or chance.choice(storm.names)
        storm.kill(name)
        storm.launch(name)
    time.sleep(max(0.3, seconds - (time.monotonic() - begun)))
    storm.await_done(until or {})
    faults = storm.end()
    found = audit(root, storm.common, storm.logs, git=git)
    found.faults[:0] = faults
    return {
        **vars(found),
        "faults": found.faults[:20],
        "losses": len(found.faults),
        "kills": kills,
        "writers": writers,
        "seconds": round(time.monotonic() - begun, 1),
    }


def _git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--until", type=json.loads, default="{}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--git", action="store_true")
    given = parser.parse_args()
    root, scratch = given.folder / "project", given.folder / "scratch"
    root.mkdir(parents=True)
    scratch.mkdir()
    report = run(
        root,
        scratch,
        writers=given.writers,
        kills=given.kills,
        seconds=given.seconds,
        until=given.until,
        seed=given.seed,
        git=given.git,
    )
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
