"""Criteria of the files that a run left in its checkout; no link is followed."""

from __future__ import annotations

import os
from collections.abc import Iterator

from meta_experiment.errors import cite
from meta_experiment.runs import globs
from meta_experiment.runs.criteria.run_work import Ruling, RunWork
from meta_experiment.types.cases import Criterion

_MOST = 200_000  # files and folders that are looked at


def file_exists(criterion: Criterion, work: RunWork) -> Ruling:
    """Look for a path, or for a file that a pattern covers; behind `/` for a folder."""
    wanted = bool(criterion.options.get("exists", True))
    root, target = os.fspath(work.checkout), criterion.target
    places = _covered(root, target) if globs.has_wildcard(target) else _named(root, target)
    links: list[str] = []
    for number, (path, is_link) in enumerate(places):
        if number >= _MOST:
            return Ruling(None, f"there are more than {_MOST:,} files and folders")
        if path and not is_link:
            return Ruling(wanted, "" if wanted else f"{cite(path)} is there")
        if path:
            links.append(path)
    if links:
        return Ruling(passed=False, detail=f"{cite(links[0])} is a symbolic link")
    return Ruling(not wanted, f"there is no {cite(target)}" if wanted else "")


def _named(root: str, target: str) -> Iterator[tuple[str, bool]]:
    """Yield a path if something stands there, and whether a link does on the way."""
    path = target.removesuffix("/")
    parts = path.split("/")
    for end in range(1, len(parts) + 1):
        inner = "/".join(parts[:end])
        if os.path.islink(f"{root}/{inner}"):  # noqa: PTH114
            yield inner, True
            return
    whole = f"{root}/{path}"
    if os.path.isdir(whole) if target.endswith("/") else os.path.exists(whole):  # noqa: PTH110, PTH112
        yield path, False


def _covered(root: str, pattern: str) -> Iterator[tuple[str, bool]]:
    """Yield what a pattern covers, "" for each that it does not, and whether it is a link."""
    start = _fixed_folder(pattern)
    if any(is_link for _, is_link in _named(root, start or ".")):
        yield start, True
        return
    folders = pattern.endswith("/")
    for folder, inner, files in os.walk(f"{root}/{start}" if start else root):
        if folder == root and ".git" in inner:
            inner.remove(".git")
        those = {True: set(inner), False: set(files)}[folders]
        for name in (*inner, *files):
            whole = f"{folder}/{name}"
            path, is_link = whole[len(root) + 1 :], os.path.islink(whole)  # noqa: PTH114
            fits = is_link or name in those
            yield (path if fits and globs.covers(pattern, path) else ""), is_link


def _fixed_folder(pattern: str) -> str:
    """Return the folder below which all lies that a pattern covers; "" for all."""
    parts = pattern.split("/")[:-1]
    wild = next((at for at, part in enumerate(parts) if globs.has_wildcard(part)), len(parts))
    return "/".join(parts[:wild])
