"""Texts of an experiment as they may be passed on: without the folders of this machine."""

from __future__ import annotations

import re

# Where a path begins: at a folder below the root (`/review` is a command), a home or a drive;
# in quotes it may hold spaces.
_ROOT = r"(?:file:|~[\w.-]*/|/(?=[^\s/]+/)|[A-Za-z]:[\\/]|\\\\)"
_HOMES = ("home", "Users")
_PATH = (
    rf"""(?<![\w.:/\\])(?:(?P<mark>["'`])(?P<quoted>{_ROOT}[^"'`\n]*)(?P=mark)"""
    rf"""|(?P<plain>{_ROOT}[^\s,;"'`]+))"""
)


def without_folders(text: str) -> str:
    """Leave of every absolute path its last part, which names the file and not its owner.

    Of somebody's home itself that is `~`.
    """
    if not any(mark in text for mark in "/\\"):
        return text  # as most are, and what it takes to search need not be compiled
    return re.sub(_PATH, _last_part, text)


def _last_part(found: re.Match[str]) -> str:
    mark = found["mark"] or ""
    path = found["quoted"] or found["plain"]
    *folders, last = re.split(r"[\\/]+", path.rstrip("\\/"))
    last = "~" if folders and folders[-1] in _HOMES else last
    return f"{mark}{last or path}{mark}"
