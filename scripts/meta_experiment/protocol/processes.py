"""Which process a number means: it is used again, and holds in one boot of one container."""

from __future__ import annotations

import os

from meta_experiment.protocol.places import read_bytes

_START = 19  # place of the start time in /proc/PID/stat, behind the name of the program


def start_of(pid: str) -> str:
    """Return when a process began, in ticks since the machine did; empty when there is none."""
    if not (pid.isascii() and pid.isdigit()):
        return ""
    try:
        stat = read_bytes(f"/proc/{pid}/stat").decode("ascii", "replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    # a zombie is dead: only its parent has not looked yet
    return fields[_START] if len(fields) > _START and fields[0] not in ("Z", "X") else ""


def place_of_numbers() -> str:
    """Return where numbers of processes hold: this boot of this machine, this container."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
    return f"{read_bytes('/proc/sys/kernel/random/boot_id').decode().strip()} {space}"
