"""Reading a source from a path that the user named; nothing is written."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from meta_experiment.errors import (
    MetaExperimentError,
    NotFoundError,
    RefusedError,
    StorageError,
    UsageError,
)
from meta_experiment.model import strict_json
from meta_experiment.sources.results import (
    benchmark,
    harbor,
    inspect_logs,
    junit,
    plugin_eval,
    promptfoo,
    run_table,
    source_sums,
    workspace_files,
)
from meta_experiment.sources.results.benchmark import Origin
from meta_experiment.sources.results.choosing import older_of
from meta_experiment.sources.results.encoding import decoded, utf8_only
from meta_experiment.sources.results.imported import ImportedTrials
from meta_experiment.sources.results.result_words import is_control
from meta_experiment.sources.results.source_sums import SourceSums
from meta_experiment.sources.results.wording import command, in_order, listed

_Recognised = Callable[[Mapping[str, Any]], bool]
_Parse = Callable[[Origin, Mapping[str, Any]], ImportedTrials]

LARGEST = 64 * 1024 * 1024
_MOST_FILES = 20_000
_MOST_NAMES = 20  # in a message
_ROLES = ("control", "treatment")
_DEEPEST = 4  # folders below a workspace
_NO_RESULTS = {"outputs", "node_modules", ".git", ".venv"}  # what runs made, and more of it
_BENCHMARK = "benchmark.json"
_TABLES = {".csv", ".tsv"}
_LINES = {".jsonl", ".ndjson"}
_RESULTS = {".json", *_TABLES, *_LINES}
_HARNESSES: tuple[tuple[_Recognised, _Parse], ...] = (
    (plugin_eval.recognised, plugin_eval.parse),
    (promptfoo.recognised, promptfoo.parse),
    (inspect_logs.recognised, inspect_logs.parse),
)
_SECOND_OBJECT = re.compile(r"[\r\n]\s*\{")


def read_source(path: Path, name: str, wanted: run_table.RowOptions) -> ImportedTrials:
    """Read a file of results or a workspace folder.

    Args:
        path: where it lies; anywhere, since the user named it.
        name: what the user called it, for messages.
        wanted: what the user says of columns and numbers, for rows.

    Raises:
        NotFoundError: it is not there. StorageError: it cannot be read or is too large.
        UsageError: it is no source of results. RefusedError: it cannot become trials.
    """
    if path.is_dir():
        if wanted.columns:
            raise UsageError(f"{name} is a folder; --map names the columns of rows.")
        return _folder(path, name, wanted)
    data = _bytes(path, name)
    identity = hashlib.sha256(data).hexdigest()
    if path.suffix.lower() == inspect_logs.ARCHIVE and data.startswith(b"PK"):
        log = inspect_logs.from_archive(data, name, LARGEST)
        return inspect_logs.parse(Origin(name, identity), log)
    found = decoded(data, name)
    origin = Origin(name, identity, found.assumed)
    suffix = path.suffix.lower()
    if found.text.lstrip()[:1] == "<":
        return junit.parse(origin, data)
    if suffix in _TABLES or found.text.lstrip()[:1] not in ("{", "["):
        return run_table.parse_csv(origin, found.text, wanted)
    text = utf8_only(found, name)
    if suffix in _LINES:
        return run_table.parse_lines(origin, text, wanted)
    return _document(path, origin, text, wanted)


def read_sums(path: Path, name: str) -> SourceSums | None:
    """Read a file of sums, as feature-flag experiments keep them; None for any other source.

    Raises:
        StorageError: it cannot be read or is too large. RefusedError: a sum cannot be.
    """
    if not path.is_file() or path.suffix.lower() not in ("", ".json"):
        return None
    found = decoded(_bytes(path, name), name)
    if found.text.lstrip()[:1] != "{":
        return None
    try:
        document = strict_json.parse(utf8_only(found, name), name)
    except UsageError:
        return None
    if not (isinstance(document, Mapping) and source_sums.recognised(document)):
        return None
    return source_sums.parse(document, name)


def _document(
    path: Path, origin: Origin, text: str, wanted: run_table.RowOptions
) -> ImportedTrials:
    try:
        document = strict_json.parse(text, origin.name)
    except UsageError:
        if text.lstrip()[0] == "{" and _SECOND_OBJECT.search(text):
            return run_table.parse_lines(origin, text, wanted)
        raise
    if wanted.columns:
        records = run_table.objects(_records(document, origin.name, wanted.columns.values()))
        return run_table.parse_rows(origin, "json", records, wanted)
    if isinstance(document, Mapping):
        for recognised, parse in _HARNESSES:
            if recognised(document):
                return parse(origin, document)
    if harbor.recognised(document):
        return harbor.parse(origin, [document])
    if path.name == _BENCHMARK:
        return _with_files(origin, document, path.parent, wanted)
    return benchmark.parse(origin, document, chosen=wanted.decimal)


def _folder(folder: Path, name: str, wanted: run_table.RowOptions) -> ImportedTrials:
    name = name.rstrip("/")
    stated = folder / _BENCHMARK
    if stated.is_file():
        return read_source(stated, f"{name}/{_BENCHMARK}", wanted)
    job = _job(folder, name)
    if job is not None:
        return harbor.parse(*job)
    inside = _workspaces(folder)
    if len(inside) == 1:
        return _folder(folder / inside[0], f"{name}/{inside[0]}", wanted)
    if inside:
        raise _several(folder, name, inside)
    return _with_files(Origin(name, hashlib.sha256(b"").hexdigest()), None, folder, wanted)


def _job(folder: Path, name: str) -> tuple[Origin, list[Mapping[str, Any]]] | None:
    """Return the trials that the folders inside are, of one job; None where they are none."""
    digest, total = hashlib.sha256(), 0
    trials: list[Mapping[str, Any]] = []
    for relative in _walk(folder):
        if relative.count("/") != 1 or not relative.endswith(f"/{harbor.RESULT}"):
            continue
        shown = f"{name}/{relative}"
        data = _bytes(folder / relative, shown)
        total += len(data)
        if total > LARGEST:
            raise StorageError(f"{folder} holds more than {LARGEST:,} bytes of results.")
        document = strict_json.parse(utf8_only(decoded(data, shown), shown), shown)
        if harbor.recognised(document):
            trials.append(document)
            digest.update(f"{relative}\0{hashlib.sha256(data).hexdigest()}\n".encode())
    return (Origin(name, digest.hexdigest()), trials) if trials else None


def _workspaces(folder: Path) -> list[str]:
    """Return the folders inside that hold results of their own; none where all are of one."""
    paths = list(_walk(folder))
    if any(map(workspace_files.place, paths)):
        return in_order(item.parent.name for item in folder.glob(f"*/{_BENCHMARK}"))
    parted = (path.partition("/") for path in paths)
    found = {
        top for top, _, path in parted if path == _BENCHMARK or workspace_files.place(path)
    }
    return in_order(found)


def _several(folder: Path, name: str, inside: Sequence[str]) -> RefusedError:
    """Return the error about a folder of benchmarks, with commands that work on them.

    The older text is the control: by its number or else by the time of its benchmark.
    """
    ends = [(f"{name}/{one}", _try_read(folder / one, one)) for one in (inside[0], inside[-1])]
    times = [source.at or 0.0 if source else 0.0 for _, source in ends]
    is_numbered = older_of(inside) is not None
    if not is_numbered and times[0] > times[1]:
        ends.reverse()
    is_told = is_numbered or (all(times) and times[0] != times[1])
    ways = []
    if (newest := ends[-1][1]) is not None and len(newest.arms) > 1:
        ways.append(f"One of them: {command(ends[-1][0])}")
    arm = _arm_of_both(ends[0][1], ends[1][1])
    if arm is not None:
        paths = [path for path, _ in ends] if is_told else ["OLDER", "NEWER"]
        pair = [f"{role}={path}{arm}" for role, path in zip(_ROLES, paths, strict=True)]
        ways.append(f"One against another: {command(*pair)}")
    return RefusedError(
        f"{name} holds results in {len(inside)} folders ({listed(inside, _MOST_NAMES)}), "
        "perhaps of different texts of one skill; which to compare is yours to say.",
        hint="   ".join(ways) or "Name one of them.",
    )


def _try_read(folder: Path, name: str) -> ImportedTrials | None:
    try:
        return _folder(folder, name, run_table.RowOptions())
    except MetaExperimentError:
        return None


def _arm_of_both(one: ImportedTrials | None, other: ImportedTrials | None) -> str | None:
    """Return `:ARM` of the text under test in both; empty where each has one arm only."""
    if one is None or other is None:
        return None
    if len(one.arms) == len(other.arms) == 1:
        return ""
    shared = [arm for arm in one.arms if arm in other.arms]
    under_test = [arm for arm in shared if not is_control(arm)] or shared
    return f":{under_test[0]}" if under_test else None


def _with_files(
    origin: Origin, document: object, folder: Path, wanted: run_table.RowOptions
) -> ImportedTrials:
    """Read the runs' own files beside a benchmark; the identity is then of all the bytes."""
    digest = hashlib.sha256(origin.identity.encode())
    documents: dict[str, Any] = {}
    whole = origin.name.removesuffix(f"/{_BENCHMARK}")
    total = 0
    paths = list(_walk(folder))
    for relative in paths:
        if not workspace_files.belongs(relative):
            continue
        shown = f"{whole}/{relative}"
        data = _bytes(folder / relative, shown)
        total += len(data)
        if total > LARGEST:
            raise StorageError(f"{folder} holds more than {LARGEST:,} bytes of gradings.")
        documents[relative] = strict_json.parse(utf8_only(decoded(data, shown), shown), shown)
        digest.update(f"{relative}\0{hashlib.sha256(data).hexdigest()}\n".encode())
    files = workspace_files.run_files(documents)
    if document is None and not files:
        raise _nothing_in(folder, origin.name)
    identity = digest.hexdigest() if documents else origin.identity
    unread = [path for path in paths if workspace_files.is_astray(path)]
    known = Origin(origin.name, identity)
    return benchmark.parse(known, document, files, unread, wanted.decimal)


def _nothing_in(folder: Path, name: str) -> UsageError:
    """Return the error about a folder without a benchmark and without files of runs."""
    others = [path.name for path in folder.iterdir() if path.suffix.lower() in _RESULTS]
    message = f"{name} is a folder with no {_BENCHMARK} and no <case>/<arm>/grading.json in it"
    astray = list(filter(workspace_files.is_astray, _walk(folder)))
    if astray:
        around = _around(Path(name), astray)
        return UsageError(
            f"{message}, but gradings or timings of what may be a single case.",
            hint=f"Name the folder of all cases: {command(around)}" if around else None,
        )
    if not others:
        return UsageError(
            f"{message}.", hint="Name the folder of one iteration, or a file of results."
        )
    return UsageError(
        f"{message}; it holds {listed(in_order(others))}.",
        hint="Name the file of results.",
    )


def _around(folder: Path, paths: Sequence[str]) -> str | None:
    """Return the folder around one, below which its files are those of runs; None for none."""
    for parent in folder.parents:
        below = folder.relative_to(parent)
        if any(workspace_files.place((below / path).as_posix()) for path in paths):
            return str(parent)
    return None


def _walk(folder: Path) -> Iterator[str]:
    """Yield the files of a folder in order, without following links to folders.

    Raises:
        StorageError: there are too many.
    """
    number = 0
    for parent, folders, files in os.walk(folder):
        below = Path(parent).relative_to(folder)
        deeper = set(folders) - _NO_RESULTS if len(below.parts) < _DEEPEST else ()
        folders[:] = sorted(deeper)
        for name in sorted(files):
            number += 1
            if number > _MOST_FILES:
                raise StorageError(f"{folder} holds more than {_MOST_FILES:,} files.")
            yield (below / name).as_posix()


def _bytes(path: Path, name: str) -> bytes:
    try:
        if not path.is_file():
            raise NotFoundError(
                f"There is no file {name} to import.", hint="Check the path, or quote it."
            )
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise StorageError(f"{name} cannot be read: {error.strerror}.") from error
    if len(data) > LARGEST:
        raise StorageError(
            f"{name} is larger than {LARGEST // 2**20} MB; split it before importing."
        )
    return data


def _records(document: object, name: str, columns: Collection[str]) -> list[Mapping[str, Any]]:
    """Return the list of objects that has these columns; else the first, for the message."""
    lists = list(_lists(document))
    if not lists:
        raise UsageError(f"{name}: --map reads rows; expected a list of JSON objects.")
    has_all = (rows for rows in lists if set(columns) <= {key for row in rows for key in row})
    return next(has_all, lists[0])


def _lists(document: object) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the lists of objects in a document, the outer ones first."""
    level = [document]
    while level:
        for item in level:
            if (
                isinstance(item, list)
                and item
                and all(isinstance(row, Mapping) for row in item)
            ):
                yield item
        level = [
            value for item in level if isinstance(item, Mapping) for value in item.values()
        ]
