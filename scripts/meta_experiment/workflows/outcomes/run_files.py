"""The runs in a folder of downloads, each with the files it left that tell what it came to."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from meta_experiment.errors import NotFoundError, StorageError, UnsafePathError
from meta_experiment.records import dataclass
from meta_experiment.workflows.outcomes.archives import packed_files
from meta_experiment.workflows.outcomes.found_file import FoundFile, LeftOutError, read_plain
from meta_experiment.workflows.state.parsing import ASSIGNMENTS_FILE, STATE_FILES

SUMMARY, EXECUTION, EVALS = "summary.json", "execution.json", "evals.jsonl"
GRADES, GRADERS = "grader_results.json", "grader_manifest.json"
USAGE, USAGE_LINES = "agent_usage.json", "agent_usage.jsonl"
REQUESTS = ("token_usage.jsonl", "token-usage.jsonl")
ABOUT, ABOUT_LINES = "aw_info.json", "aw-info.jsonl"
RUN, JOBS, RUN_SUMMARY = "run.json", "jobs.json", "run_summary.json"
_EXPERIMENT = frozenset({*STATE_FILES, ASSIGNMENTS_FILE})
_WANTED = _EXPERIMENT | {
    SUMMARY, EXECUTION, EVALS, GRADES, GRADERS, USAGE, USAGE_LINES, *REQUESTS, ABOUT,
    ABOUT_LINES, RUN, JOBS, RUN_SUMMARY,
}  # fmt: skip
_RUN_FOLDER = re.compile(r"(?:run[-_])?(\d{1,20})(?:-(\d{1,4}))?")
_OF_EXPERIMENT = ("experiment", "experiments-state")  # how a folder's name ends
_FIRST = "usage/"  # the artifact that has all, in which it lies together
_ARCHIVE = ".zip"
_NO_ID = "is not called by the id of a run, as in 203, run-203 or 203-2"
_DEEPEST = 8
_MOST_ENTRIES = 50_000


@dataclass(frozen=True, slots=True)
class RunArtifacts:
    """What one run left. `run_id` and `attempt` are those of its folder's name, if it has one.

    `files` are the paths of files by their names, the likeliest first. `refused` says why the
    run cannot be read as a whole: a part of it is not what it should be.
    """

    name: str
    run_id: str | None
    attempt: int | None
    files: dict[str, list[FoundFile]]
    refused: str | None = None

    def of(self, name: str) -> list[FoundFile]:
        """Return the files of that name."""
        return self.files.get(name, [])

    @property
    def of_experiments(self) -> Iterator[FoundFile]:
        """The files in which the run has its variants and the state of its workflow."""
        for name in (*STATE_FILES, ASSIGNMENTS_FILE):
            for found in self.of(name):
                folder = found.path.rpartition("/")[0].rpartition("/")[2]
                if folder.endswith(_OF_EXPERIMENT):
                    yield found


def runs_in(root: Path, more: Collection[str] = ()) -> Iterator[RunArtifacts]:
    """Yield the runs of a folder, each to be read before the next is asked for.

    Each has a folder that is called by its id, `run-ID`, or `ID-ATTEMPT`; one beside them that
    is called otherwise is refused. A folder without such folders is one run itself. `more` are
    names of files that are read beside the usual ones.

    Raises:
        NotFoundError: there is no such folder, or nothing of a run in it. StorageError: it
            cannot be listed.
    """
    try:
        with os.scandir(root) as entries:
            names = sorted(item.name for item in entries if item.is_dir(follow_symlinks=False))
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no folder {root}.") from error
    except OSError as error:
        raise StorageError(f"{root} cannot be read: {error.strerror}.") from error
    wanted = _WANTED.union(more)
    runs = [(name, found) for name in names if (found := _RUN_FOLDER.fullmatch(name))]
    if not runs:
        with ExitStack() as opened:
            whole = _run_files(root, root.name, (None, None), wanted, opened)
            if not whole.files and whole.refused is None:
                raise NotFoundError(
                    f"{root} holds no runs: expected a folder for each, called by its id.",
                    hint="Download them: gh run download RUN_ID --dir FOLDER/RUN_ID",
                )
            yield whole
    for name, found in runs:
        attempt = int(found[2]) if found[2] else None
        with ExitStack() as opened:
            yield _run_files(root / name, name, (found[1], attempt), wanted, opened)
    called = {name for name, _ in runs}
    for name in names if runs else ():
        if name not in called and not name.startswith("."):
            yield RunArtifacts(name, None, None, {}, _NO_ID)


def _run_files(
    folder: Path,
    name: str,
    known: tuple[str | None, int | None],
    wanted: frozenset[str],
    opened: ExitStack,
) -> RunArtifacts:
    found: dict[str, list[FoundFile]] = {}
    refused = None
    try:
        for file in _files(folder, wanted, opened):
            found.setdefault(file.path.rpartition("/")[2], []).append(file)
    except (LeftOutError, UnsafePathError) as error:
        refused = str(error)
    except OSError as error:
        refused = f"cannot be read ({error.strerror})"
    for files in found.values():
        if len(files) > 1:
            files.sort(key=_rank)
    return RunArtifacts(name, *known, found, refused)


def _files(folder: Path, wanted: frozenset[str], opened: ExitStack) -> Iterator[FoundFile]:
    """Yield the files with a name that tells something, in a folder and its archives."""
    left = _MOST_ENTRIES
    level = [(os.fspath(folder), "")]
    for depth in range(_DEEPEST):
        deeper = []
        for path, prefix in level:
            with os.scandir(path) as entries:
                for entry in entries:
                    name = entry.name
                    left -= 1
                    if name in wanted:
                        yield FoundFile(prefix + name, partial(read_plain, entry.path))
                    elif entry.is_dir(follow_symlinks=False):
                        deeper.append((entry.path, f"{prefix}{name}/"))
                    elif depth == 0 and name.endswith(_ARCHIVE):
                        within = f"{name.removesuffix(_ARCHIVE)}/"
                        yield from packed_files(Path(entry.path), within, wanted, opened)
            if left < 0:
                raise LeftOutError(f"holds more than {_MOST_ENTRIES:,} files")
        level = deeper


def _rank(file: FoundFile) -> tuple[bool, int, str]:
    return not file.path.startswith(_FIRST), file.path.count("/"), file.path
