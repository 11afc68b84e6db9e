"""Every verb with every file of a project's state replaced by what never ends.

`python -m tests.security.endless PROJECT SCRATCH KIND VERB...` prints, as JSON, how often a
verb was run and the runs that crashed, hung or took too much memory. The processes are forked
from one that has everything loaded, each on the project as it was.
"""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import signal
import stat
import sys
import traceback
from pathlib import Path

from meta_experiment.cli.groups import commands
from meta_experiment.cli.main import group, main

MEMORY = 1_000_000_000  # bytes of address space
SECONDS = 20
CODES = {0, 1, 2}  # of a verb that came to an end of its own


def replace(path: Path, kind: str) -> None:
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")


class Copy:
    """A copy of a folder; what differs in it after a run is put back, and nothing else."""

    def __init__(self, original: Path, root: Path) -> None:
        self.root, self._original = root, original
        shutil.copytree(original, root, symlinks=True)
        self._known = self._seen()

    def put_back(self) -> None:
        """Make it again what it was."""
        seen = self._seen()
        for name in sorted(seen.keys() - self._same(seen), reverse=True):
            path = self.root / name
            (path.rmdir if stat.S_ISDIR(seen[name][0]) else path.unlink)()
        for name in sorted(self._known.keys() - self._same(seen)):
            if stat.S_ISDIR(self._known[name][0]):
                (self.root / name).mkdir()
            else:
                shutil.copy2(self._original / name, self.root / name, follow_symlinks=False)
        self._known = self._seen()

    def _same(self, seen: dict[str, tuple[int, ...]]) -> set[str]:
        return {name for name, known in self._known.items() if seen.get(name) == known}

    def _seen(self) -> dict[str, tuple[int, ...]]:
        """Return what tells whether anything was changed, by the path of each entry."""
        found: dict[str, tuple[int, ...]] = {}
        for folder, folders, files in os.walk(self.root):
            within = folder[len(str(self.root)) + 1 :]
            for name in (*folders, *files):
                at = os.lstat(f"{folder}/{name}")
                kind = stat.S_IFMT(at.st_mode)
                inside = (at.st_mode, at.st_ino, at.st_size, at.st_mtime_ns, at.st_ctime_ns)
                found[f"{within}/{name}" if within else name] = (
                    kind, *(() if stat.S_ISDIR(kind) else inside),
                )  # fmt: skip
        return found


def run(project: Path, verb: str, said: Path) -> int:
    """Run a verb in a process of its own; returns its exit code, negative for a signal."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 99
    try:
        output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.alarm(SECONDS)
        os.chdir(project)
        code = main(shlex.split(verb))
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - it is what is looked for
        said.write_text(traceback.format_exc())
    finally:
        os._exit(code)


def trials(project: Path, scratch: Path, kind: str, verbs: list[str]) -> dict[str, object]:
    """Replace each file in turn; returns the number of runs, and what went wrong."""
    for _ in commands(group):  # all are imported now
        pass
    files = [path for path in (project / ".claude" / "meta").rglob("*") if path.is_file()]
    runs, faults = 0, []
    os.fsync = lambda _descriptor: None  # nobody cuts the power here
    copy = Copy(project, scratch / "copy")
    for path in sorted(files):
        for verb in verbs:
            replace(copy.root / path.relative_to(project), kind)
            code = run(copy.root, verb, scratch / "said")
            copy.put_back()
            runs += 1
            if code not in CODES:
                told = (scratch / "said").read_text("utf-8", "replace")[-300:]
                faults.append([str(path.relative_to(project)), verb, code, told])
    return {"files": len(files), "runs": runs, "faults": faults}


if __name__ == "__main__":
    found = trials(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
    json.dump(found, sys.stdout)
