"""Every verb with every file of a project's state replaced by what never ends.

`python -m tests.security.endless PROJECT SCRATCH KIND VERB...` prints, as JSON, how often a
verb was run and the runs that crashed, hung or took too much memory. The processes are forked
from one that has everything loaded, each on a copy of the project.
"""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import signal
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
    for path in sorted(files):
        for verb in verbs:
            copy = scratch / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(project, copy, symlinks=True)
            replace(copy / path.relative_to(project), kind)
            code = run(copy, verb, scratch / "said")
            runs += 1
            if code not in CODES:
                told = (scratch / "said").read_text("utf-8", "replace")[-300:]
                faults.append([str(path.relative_to(project)), verb, code, told])
    return {"files": len(files), "runs": runs, "faults": faults}


if __name__ == "__main__":
    found = trials(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
    json.dump(found, sys.stdout)
