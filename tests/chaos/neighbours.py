"""Who else is at work in a folder: a stranger who writes there, and a person who uses git.

A neighbour runs in a process of its own beside the writers. What it may take from them is
theirs to give; what it may not is said by `before_the_audit` and `after_the_audit`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.security.test_strange_journal import EVIL, ODD

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import log_head, places
from meta_experiment.store.local.sealing import checkout_seal

PROGRAM = Path(places.__file__).parents[2] / "meta-experiment.py"
_PATIENCE = 60  # seconds until a verb that does not answer is taken to hang
_MARK = b"!`serve-variant "


class Neighbour:
    """Acts again and again until told to stop; counts what it did in a file."""

    rewinds = hinders = False

    def __init__(self, root: Path, scratch: Path, seed: int) -> None:
        self.root, self.scratch = root, scratch
        self.chance = random.Random(seed)  # noqa: S311
        self._log = scratch / "neighbour.log"

    def work(self, stop: Path) -> None:
        with self._log.open("a") as log:
            try:
                while not stop.exists():
                    print(self.act(), file=log, flush=True)
            except BaseException:
                print("broken", traceback.format_exc(), file=log, flush=True)
                raise

    def done(self) -> int:
        """How often it acted."""
        return self._log.read_text().count("\n")

    def act(self) -> str:
        """Do one thing; return its name."""
        raise NotImplementedError

    def before_the_audit(self) -> list[str]:
        """Return what did not hold while all lies as it was left."""
        raise NotImplementedError

    def after_the_audit(self) -> list[str]:
        """Return what did not hold in the end."""
        return []


class Stranger(Neighbour):
    """Puts what is not ours in the place of private files, into the journal, among the logs.

    Most of what stood there it puts back after a moment, so that the writers have something to
    lose. The logs of ours it leaves alone: whoever may delete them may do that.
    """

    hinders = True

    def __init__(self, root: Path, scratch: Path, seed: int) -> None:
        super().__init__(root, scratch, seed)
        self.meta = root / ".claude" / "meta"
        self.outside = scratch / "outside"
        self.outside.mkdir()
        (self.outside / "file").write_bytes(b"not yours")
        elsewhere = scratch / "elsewhere"
        elsewhere.mkdir()
        self.foreign = checkout_seal(Layout(elsewhere), FileSystem())
        self.number = 0

    def act(self) -> str:
        self.number += 1
        act = self.chance.choice(
            (self._private, self._private, self._journal, self._log_of_theirs)
        )
        name = act()
        time.sleep(self.chance.uniform(0.002, 0.02))
        return name

    def _private(self) -> str:
        """Replace a private file, look on for a moment, and mostly bring it back."""
        path = self.chance.choice(self._places())
        kind = self.chance.choice([*self._kinds()])
        before = places.try_read(path)
        self._put(path, self._kinds()[kind])
        time.sleep(self.chance.uniform(0.001, 0.03))
        if before is not None and self.chance.random() < 0.9:
            self._put(path, lambda place: place.write_bytes(before))
        elif self.chance.random() < 0.8:
            _remove(path)
        return f"{path.relative_to(self.meta)}: {kind}"

    def _places(self) -> list[Path]:
        root = str(self.root)
        layout = Layout(self.root)
        named = [layout.active_index, layout.local_id, layout.board]
        named += [Path(places.word(root, name)) for name in (places.NOTICE, places.NEWS)]
        named += [Path(places.serving_state(root)), Path(log_head.admitted_file(root))]
        folders = (layout.local / name for name in ("live", "sessions", "started"))
        walks = (walk for folder in folders for walk in os.walk(folder))  # writers remove some
        lying = [Path(at) / name for at, _, names in walks for name in names]
        return [*named, *lying]

    def _holders(self) -> list[Path]:
        """Return the folders that have files in them, and no folders of ours."""
        local = self.meta / "local"
        return [self.meta, local / "started", *local.glob("live/*"), *local.glob("sessions/*")]

    def _kinds(self) -> dict[str, Callable[[Path], object]]:
        return {
            "words": lambda path: path.write_bytes(EVIL),
            "under a foreign seal": lambda path: path.write_bytes(
                self.foreign.wrap(path.name, EVIL)
            ),
            "a file of another purpose": self._another,
            "link to a file": lambda path: path.symlink_to(self.outside / "file"),
            "link to a folder": lambda path: path.symlink_to(self.outside),
            "dangling link": lambda path: path.symlink_to(self.outside / "new"),
            "folder": lambda path: path.mkdir(),
            "pipe": os.mkfifo,
            "unreadable": lambda path: path.touch(0),
            "3 GB": _sparse,
        }

    def _another(self, path: Path) -> None:
        other = self.chance.choice(self._places())
        path.write_bytes(places.try_read(other) or b"")

    def _journal(self) -> str:
        """Add what no change of ours began."""
        kind = self.chance.choice(
            [kind for kind in ODD if not kind.startswith("journal itself")]
        )
        folder = self.meta / "journal"
        record = folder / "c0ffee.json"
        for path in folder.glob("*"):
            if path.is_fifo():
                path.unlink(missing_ok=True)  # else the next to write there would be this one
        try:
            ODD[kind](folder)
            if kind == "a version of 2" and self.chance.random() < 0.5:
                text = record.read_text().replace('"version": 2', '"version": 1')
                record.write_bytes(self.foreign.wrap("journal c0ffee", text.encode()))
        except OSError:
            pass  # it lies there already, or was put by meanwhile
        return f"journal: {kind}"

    def _log_of_theirs(self) -> str:
        """Add a log that was not written here, or under another name."""
        folders = sorted((self.meta / "trials").glob("exp-*"))
        if not folders:
            return "log: nothing to lie beside yet"
        folder = self.chance.choice(folders)
        stem = self.chance.choice(("stranger", "deadbeef-host-live", "assignments.deadbeef"))
        own = [path for path in folder.iterdir() if path.is_file() and not path.is_symlink()]
        if not own:
            return "log: nothing to copy yet"
        kind = self.chance.choice(("bare", "sealed", "copied", "pipe", "link", "folder"))
        place = folder / f"{stem}-{self.number % 40}.{'tsv' if '.' in stem else 'jsonl'}"
        head = log_head.head(self.foreign, folder.name, place.name)
        line = json.dumps(
            {"event": "recorded", "at": 1.0, "trial_id": f"forged-{self.number}",
             "variant": "treatment", "unit": "forged", "status": "ok",
             "metrics": {"duration_seconds": 0.001}}
        )  # fmt: skip
        drawn = f"1\tforged\ttreatment\tforged-{self.number}\t1000"
        text = f"{drawn if '.' in stem else line}\n".encode()
        self._put(
            place,
            {
                "bare": lambda path: path.write_bytes(text),
                "sealed": lambda path: path.write_bytes(head + text),
                "copied": lambda path: shutil.copyfile(self.chance.choice(own), path),
                "pipe": os.mkfifo,
                "link": lambda path: path.symlink_to(self.outside / "file"),
                "folder": lambda path: path.mkdir(),
            }[kind],
        )
        return f"log: {kind}"

    def _put(self, path: Path, make: Callable[[Path], object]) -> None:
        try:
            _remove(path)
            make(path)
        except OSError:
            pass  # a writer was there first

    def before_the_audit(self) -> list[str]:
        faults = [*self._ended(), *self._unanswered(("status", "verify", "recover"))]
        for path in (self.meta / "local" / "sessions").glob("*/*"):
            if not path.is_file() or path.is_symlink():
                _remove(path)  # while it stands there, nothing more of that session is kept
        return faults

    def after_the_audit(self) -> list[str]:
        for path in [self.meta / "active.idx", *(self.meta / "local").rglob("*")]:
            if path.is_symlink() or (path.is_dir() and path.parent in self._holders()):
                _remove(path)  # as a refusal says; a pipe or any bytes hinder nothing
        faults = [*self._unanswered(("panic", "recover"), refused=False)]
        if {path.name: path.read_bytes() for path in self.outside.iterdir()} != {
            "file": b"not yours"
        }:
            faults.append(f"written outside: {sorted(self.outside.iterdir())}")
        if (self.root / ".envrc").exists():
            faults.append("a foreign record was followed")
        return faults

    def _ended(self) -> Iterator[str]:
        if "broken" in (said := self._log.read_text()):
            yield f"the stranger broke: {said[said.index('broken') :]}"

    def _unanswered(self, verbs: tuple[str, ...], *, refused: bool = True) -> Iterator[str]:
        """Name the verbs that hang, break, or refuse where they may not."""
        for verb in verbs:
            words = [sys.executable, str(PROGRAM), verb, "--root", str(self.root)]
            try:
                done = subprocess.run(
                    words, capture_output=True, text=True, timeout=_PATIENCE, check=False
                )
            except subprocess.TimeoutExpired:
                yield f"{verb} hangs"
                continue
            if (
                done.returncode not in ((0, 1) if refused else (0,))
                or "Traceback" in done.stderr
            ):
                yield f"{verb} ended with {done.returncode}: {done.stderr[-600:]}"


class GitUser(Neighbour):
    """Switches to a branch from before the experiment and back, stashes, cleans, commits."""

    rewinds = True
    _HABITS = (
        (
            "git add -A; git commit -qm work; git switch -q old; sleep 0.2; git add -A; "
            "git commit -qm old; git switch -q main"
        ),
        "git switch -q old; sleep 0.1; git clean -fdq; git stash -qu; git switch -q main",
        "git stash -qu; sleep 0.1; git stash pop -q || git stash drop -q",
        "git add -A; git commit -qm all",
        "git commit -qam tracked; git clean -fdq",
        "git checkout -qf -- .",
    )

    def __init__(self, root: Path, scratch: Path, seed: int) -> None:
        super().__init__(root, scratch, seed)
        self._run("git branch old; git add -A; git commit -qm running")

    def act(self) -> str:
        habit = self.chance.choice(self._HABITS)
        self._run(habit)
        time.sleep(self.chance.uniform(0.01, 0.2))
        return habit

    def _run(self, script: str) -> None:
        words = ["sh", "-c", script]  # git may refuse, as it does where a change would be lost
        subprocess.run(words, cwd=self.root, capture_output=True, check=False)

    def before_the_audit(self) -> list[str]:
        self._run("git stash -qu; git switch -qf main")
        return [*self._private_names(), *self._stand_ins()]

    def _private_names(self) -> Iterator[str]:
        """Name private files in any commit that was ever made, those of stashes among them."""
        private = tuple(f".claude/meta/{name}/" for name in places.PRIVATE)
        named = set[str]()
        for commit in self._objects("commit"):
            listed = self._git("ls-tree", "-r", "--name-only", commit).decode()
            named.update(listed.split("\n"))
        yield from (
            f"{name} is in a commit"
            for name in sorted(named)
            if name.startswith((*private, ".claude/meta/active.idx", ".claude/skills/common/"))
        )

    def _stand_ins(self) -> Iterator[str]:
        """Name what git keeps that holds the line of a stand-in, however it got there."""
        for name in self._objects("blob"):
            if _MARK in self._git("cat-file", "blob", name):
                yield f"git keeps a stand-in: {name}"

    def _objects(self, kind: str) -> list[str]:
        form = "--batch-check=%(objecttype) %(objectname)"
        listed = self._git("cat-file", "--batch-all-objects", form).decode().splitlines()
        return [line.split()[1] for line in listed if line.startswith(kind)]

    def _git(self, *arguments: str) -> bytes:
        words = ["git", "-C", str(self.root), *arguments]
        return subprocess.run(words, check=True, capture_output=True).stdout


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(3 << 30)


NEIGHBOURS = {"stranger": Stranger, "git": GitUser}
