"""The stored sample of state, and how it comes back to the place where it was made.

Seals hold for the machine's key and the checkout's identity, both of which are in the sample;
but what is under seal also names the paths of home and root: the index by the digests of the
texts that are placed, the board, the sessions. So the sample was made in one fixed place and is
unpacked there, by one process at a time. No byte of it is touched: nothing is sealed again, and
the program has to believe what it wrote itself.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.compatibility.program import Program

PLACE = Path("/tmp/meta-experiment-sample")  # noqa: S108 - the one place; it is made 0700
HOME, ROOT = PLACE / "home", PLACE / "project"
STORED = Path(__file__).parent / "sample"
ARCHIVE = STORED / "state.tar.xz"
SAID = STORED / "said.json"

_OF_THE_MACHINE = ("python", "click", "jsonschema", "PyYAML", "rich")  # findings of check


@contextmanager
def place() -> Iterator[Path]:
    """Hold the place, empty, until it is left. Raises OSError where it is somebody else's."""
    with PLACE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if PLACE.exists():
            shutil.rmtree(PLACE)
        PLACE.mkdir(mode=0o700)
        try:
            yield PLACE
        finally:
            shutil.rmtree(PLACE)


def wait_for_the_background() -> None:
    """Wait until nothing works on the root any more that a hook has started beside itself."""
    while any(map(_works_here, Path("/proc").glob("[0-9]*"))):
        time.sleep(0.05)


def _works_here(process: Path) -> bool:
    """Tell it by its words, or by its home: what has just been forked has no words yet."""
    with suppress(OSError):
        words = f"\0--root\0{ROOT}\0".encode() in (process / "cmdline").read_bytes()
        home = f"\0HOME={HOME}\0".encode()
        return words or home in b"\0" + (process / "environ").read_bytes()
    return False


def restored() -> Program:
    """Unpack the sample in its place, which is held; the program stands at its moment."""
    with tarfile.open(ARCHIVE) as archive:
        # as an attribute, which a Python that has no such filter yet passes over
        archive.extraction_filter = lambda member, _: member
        archive.extractall(PLACE)  # noqa: S202 - it is ours
    return Program(HOME, ROOT, json.loads(SAID.read_text())["now"])


def reading(program: Program) -> dict[str, object]:
    """Return by command line what the verbs that look say, as far as no machine differs."""
    board = program("status", "--archived", "--json").json
    ids = [row["id"] for row in board["experiments"]]
    lines = [
        ["status", "--archived"],
        ["check"],
        ["verify"],
        ["monitor"],
        ["auto", "--dry-run"],
    ]
    for name in ids:
        lines += [["status", name, "--archived"], ["explain", name], ["analyze", name]]
        lines += [["trials", name, "--all"], ["admit", name]]
    return {" ".join(words): _said(program, words) for words in lines}


def _said(program: Program, words: list[str]) -> object:
    answer = program(*words, "--json", code=None)
    document = json.loads(answer.out.replace(sys.executable, "<python>"))
    for finding in document.get("findings", ()):
        if finding.get("name") in _OF_THE_MACHINE:
            finding["detail"] = "masked"
    return {"exit": answer.code, "json": document, "stderr": answer.err.splitlines()}
