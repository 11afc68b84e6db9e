"""Many writers on one root, ended by signals at random moments, then audited.

The processes are forked from this one, which has everything loaded, so that a writer costs
milliseconds and is killed at its work, not while it starts. Neighbours may be at work beside
them, and some of them may work in linked working trees. Run `python -m tests.chaos.storm
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
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tests.chaos.audit import audit
from tests.chaos.neighbours import NEIGHBOURS
from tests.chaos.writers import Writer, start_common, write_prompts

from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout

_AIMED = ("deploy", "registry", "deploy")
_AIM = 0.2  # seconds
_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
_PATIENCE = 120.0  # seconds until writers that do not end are taken for a deadlock
_ACKNOWLEDGED = re.compile(rb'"kind": "ack", "verb": "(\w+)"')  # a line may be half there
_LONGEST = 60.0  # seconds that a storm goes on at most for what it is to have done


class Storm:
    """Writers by name, each with its process."""

    def __init__(
        self,
        root: Path,
        scratch: Path,
        writers: int,
        seed: int,
        *,
        git: bool,
        trees: int = 0,
        beside: str = "",
    ) -> None:
        self.root, self.scratch, self.seed = root, scratch, seed
        self.names = [f"writer-{number}" for number in range(writers)]
        self.logs = {name: scratch / f"{name}.log" for name in self.names}
        self.stop = scratch / "stop"
        self.processes: dict[str, int] = {}
        self.deaf: list[str] = []
        self.forks = 0
        self.chance = random.Random(seed)  # noqa: S311
        self.trees = [scratch / f"tree {number}" for number in range(trees)]
        (scratch / "claude").mkdir(mode=0o700)
        os.environ["CLAUDE_TMPDIR"] = str(scratch / "claude")  # where sandboxes may write
        if git:
            _git(root, "init", "-q", "-b", "main")
        write_prompts(root, self.names)
        if git:
            self._commit()
        self.common = start_common(root)
        self.neighbour = NEIGHBOURS[beside](root, scratch, seed) if beside else None
        if git and not (self.neighbour and self.neighbour.rewinds):
            with (root / ".git/info/exclude").open("a") as exclude:
                exclude.write(".claude/meta/\n")  # what others would commit as well

    def _commit(self) -> None:
        _git(self.root, "add", ".")
        _git(self.root, "commit", "-qm", "start")
        for tree in self.trees:
            _git(
                self.root, "worktree", "add", "-q", "-b", tree.name.replace(" ", "-"), str(tree)
            )

    def launch(self, name: str) -> None:
        """Start a writer anew, in the root or a linked working tree."""
        self.forks += 1
        places = [self.root, *self.trees]
        place = places[self.names.index(name) % len(places)]
        seed = self.seed * 100_003 + self.forks
        work = partial(Writer, place, name, self.common.experiment_id, self.logs[name], seed)
        self._fork(name, lambda: work().work(self.stop))

    def launch_neighbour(self) -> None:
        """Start the neighbour, if there is one."""
        if self.neighbour is not None:
            beside = self.neighbour
            self._fork("the neighbour", lambda: beside.work(self.stop))

    def _fork(self, name: str, act: Callable[[], None]) -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS[1:])
        child = os.fork()
        if child:
            self.processes[name] = child
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            return
        code = 1
        try:
            # it is ignored in what a shell runs in the background, and nothing may leave here
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            act()
            code = 0
        finally:
            os._exit(code)

    def kill(self, name: str) -> signal.Signals:
        """End a writer by a signal, which is returned; one that is deaf to it is a fault."""
        child, number = self.processes.pop(name), self.chance.choice(_SIGNALS)
        os.kill(child, number)
        deadline = time.monotonic() + _PATIENCE
        while not os.waitpid(child, os.WNOHANG)[0]:
            if time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                self.deaf.append(f"{name} did not end by {number.name}")
                break
            time.sleep(0.0005)
        return number

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
        deadline, faults = time.monotonic() + _PATIENCE, [*self.deaf]
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
    trees: int = 0,
    beside: str = "",
) -> dict[str, Any]:
    """Let writers work through so many kills, so long and until so much is done, at least.

    Returns the report. `until` holds how often each verb is to be acknowledged; `trees` is how
    many linked working trees there are, `beside` the neighbour that is at work as well.
    """
    begun = time.monotonic()
    storm = Storm(root, scratch, writers, seed, git=git, trees=trees, beside=beside)
    chance, signals = storm.chance, Counter[str]()
    for name in storm.names:
        storm.launch(name)
    storm.launch_neighbour()
    for number in range(kills):
        time.sleep(chance.uniform(0.002, 0.12))
        # every other kill waits for a writer that holds a lock, to hit it at a bad moment
        name = storm.holder(_AIMED[number // 2 % len(_AIMED)]) if number % 2 else None
        name = name or chance.choice(storm.names)
        signals[storm.kill(name).name] += 1
        storm.launch(name)
    time.sleep(max(0.3, seconds - (time.monotonic() - begun)))
    storm.await_done(until or {})
    faults = storm.end()
    neighbour = storm.neighbour
    faults += neighbour.before_the_audit() if neighbour else []
    found = audit(
        root,
        storm.common,
        storm.logs,
        git=git,
        trees=storm.trees,
        rewound=neighbour is not None and neighbour.rewinds,
        hindered=neighbour is not None and neighbour.hinders,
    )
    faults += neighbour.after_the_audit() if neighbour else []
    found.faults[:0] = faults
    return {
        **vars(found),
        "faults": found.faults[:20],
        "losses": len(found.faults),
        "kills": kills,
        "signals": signals,
        "disturbed": neighbour.done() if neighbour else 0,
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
    parser.add_argument("--trees", type=int, default=0)
    parser.add_argument("--beside", choices=NEIGHBOURS, default="")
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
        trees=given.trees,
        beside=given.beside,
    )
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
