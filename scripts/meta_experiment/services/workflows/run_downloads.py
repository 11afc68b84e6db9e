"""Runs of a workflow fetched from GitHub, into the folder from which they are imported."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from meta_experiment.errors import (
    NetworkError,
    RateLimitError,
    RemoteError,
    StorageError,
    UsageError,
    cite,
)
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.outbound.github.client import GitHub
from meta_experiment.records import dataclass
from meta_experiment.workflows.outcomes.run_files import JOBS, RUN

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_ARTIFACT = re.compile(r"(?:[\w.-]+-)?(?:usage|experiment)")
_LARGEST = 64 * 1024 * 1024  # bytes of a packed artifact
_MOST_FOUND = 1_000  # runs that one search gives
_GONE = (404, 410)
_UNFINISHED = ".part"


@dataclass(frozen=True, slots=True)
class FetchedRuns:
    """What was fetched: `fetched` runs are new in the folder, `known` were there before.

    `expired` counts artifacts that are no more. `stopped` says why not all runs were fetched;
    None where all were.
    """

    fetched: int
    known: int
    expired: int
    stopped: str | None

    @property
    def notes(self) -> Iterator[str]:
        """What somebody who reads the import must know."""
        yield f"{self.fetched:,} runs fetched, {self.known:,} here before."
        if self.expired:
            yield f"{self.expired:,} artifacts have expired, so that their runs tell less."
        if self.stopped is not None:
            yield f"Not all runs are here: {self.stopped} Run it again to go on from there."


def fetch_runs(
    github: GitHub,
    files: FileSystem,
    repository: str,
    workflow: str,
    folder: Path,
    since: str | None = None,
) -> FetchedRuns:
    """Fetch every run of a workflow that is not in a folder yet, the newest first.

    A run comes whole or not at all, so that what was cut off is fetched again.

    Args:
        github: the host.
        files: the disk.
        repository: OWNER/NAME.
        workflow: the name of the workflow's file, without its ending.
        folder: into which each run gets a folder of its own.
        since: a day, such as 2026-01-31; None for all that GitHub still knows.

    Raises:
        UsageError: that is no repository. RemoteError, DependencyError: GitHub refuses, or
            there is no token. NetworkError: nothing could be fetched. StorageError: the folder
            cannot be written.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise UsageError(f"{cite(repository)} is no repository; expected OWNER/NAME.")
    base = f"repos/{repository}/actions"
    fetched = known = expired = 0
    stopped = None
    try:
        for run in _runs(github, f"{base}/workflows/{workflow}.lock.yml/runs", since):
            name = f"{int(run['id'])}-{int(run.get('run_attempt') or 1)}"
            if (folder / name).exists():
                known += 1
                continue
            expired += _fetch(github, files, base, run, folder / name)
            fetched += 1
    except (RateLimitError, NetworkError) as error:
        stopped = error.message
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror}.") from error
    except (KeyError, TypeError, ValueError) as error:
        raise RemoteError(f"GitHub describes a run in an unknown form: {error!r}.") from error
    if stopped is not None and not fetched + known:
        raise NetworkError(stopped, hint="Nothing was fetched; run it again later.")
    return FetchedRuns(fetched, known, expired, stopped)


def _runs(github: GitHub, path: str, since: str | None) -> Iterator[Mapping[str, Any]]:
    """Yield the runs that have ended; a search gives so many, so that it begins anew there."""
    seen: set[int] = set()
    until = ""
    while True:
        query = {"status": "completed"}
        if since or until:
            query["created"] = f"{since or '2000-01-01'}..{until or '*'}"
        found = list(github.pages(path, "workflow_runs", **query))
        fresh = [run for run in found if run["id"] not in seen]
        seen.update(run["id"] for run in fresh)
        yield from fresh
        if len(found) < _MOST_FOUND or not fresh:
            return
        until = str(found[-1]["created_at"])


def _fetch(
    github: GitHub, files: FileSystem, base: str, run: Mapping[str, Any], place: Path
) -> int:
    """Fetch one run into its folder, which is there when all of it is; count what expired."""
    unfinished = place.with_name(place.name + _UNFINISHED)
    shutil.rmtree(unfinished, ignore_errors=True)
    files.make_directory(unfinished)
    whole = f"{base}/runs/{int(run['id'])}"
    jobs = {"jobs": list(github.pages(f"{whole}/jobs", "jobs", filter="latest"))}
    expired = 0
    for name, artifact in _latest(github.pages(f"{whole}/artifacts", "artifacts")).items():
        if int(artifact["size_in_bytes"]) > _LARGEST:
            continue
        data = None if artifact.get("expired") else _downloaded(github, base, artifact)
        if data is None:
            expired += 1
        else:
            files.create(unfinished / f"{name}.zip", data)
    files.create(unfinished / RUN, json.dumps(run).encode())
    files.create(unfinished / JOBS, json.dumps(jobs).encode())
    files.replace(unfinished, place)
    return expired


def _latest(artifacts: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return by name what tells of a run; GitHub lists that of earlier attempts as well."""
    found: dict[str, Mapping[str, Any]] = {}
    for artifact in sorted(artifacts, key=lambda item: int(item["id"])):
        if _ARTIFACT.fullmatch(str(artifact["name"])):
            found[str(artifact["name"])] = artifact
    return found


def _downloaded(github: GitHub, base: str, artifact: Mapping[str, Any]) -> bytes | None:
    """Return the bytes of an artifact; None where it expired meanwhile."""
    try:
        return github.download(f"{base}/artifacts/{int(artifact['id'])}/zip")
    except RemoteError as error:
        if error.status in _GONE:
            return None
        raise
