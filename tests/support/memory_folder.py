"""Make a folder in memory, for the files of one run of the tests, and print it.

    python tests/support/memory_folder.py GIGABYTES

A run takes about a fourth of what is asked for. Exits with 1 where the system has no such
folder, with too little room in it, or where no program in it can be started.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - the system's own; the folder in it has mode 0700


def main() -> int:
    """Make it, or say by the exit code that there is none."""
    try:
        room = int(sys.argv[1]) * 2**30
        if shutil.disk_usage(MEMORY).free < room or _available() < room:
            return 1
        made = Path(tempfile.mkdtemp(prefix="tests-", dir=MEMORY))
    except OSError:
        return 1
    if not _starts_programs(made):
        shutil.rmtree(made)
        return 1
    print(made)  # noqa: T201
    return 0


def _available() -> int:
    """Return how many bytes of memory programs can still have."""
    for line in Path("/proc/meminfo").read_text("ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _starts_programs(folder: Path) -> bool:
    program = folder / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    try:
        return subprocess.run([program], check=False).returncode == 0
    except OSError:
        return False
    finally:
        program.unlink()


if __name__ == "__main__":
    sys.exit(main())
