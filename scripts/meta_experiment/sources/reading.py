"""From a path that the user named to a source that was read; nothing is written."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from meta_experiment.errors import NotFoundError, RefusedError, StorageError, UsageError
from meta_experiment.sources import benchmark, json_text, plugin_eval, rows, workspace_files
from meta_experiment.sources.benchmark import Origin
from meta_experiment.sources.encoding import decoded, utf8_only
from meta_experiment.sources.imported import ImportedTrials

LARGEST = 64 * 1024 * 1024
_MOST_FILES = 20_000
_BENCHMARK = "benchmark.json"
_TABLES = {".csv", ".tsv"}
_LINES = {".jsonl", ".ndjson"}
_SECOND_OBJECT = re.compile(r"[\r\n]\s*\{")


def read_source(path: Path, name: str, wanted: rows.Reading) -> ImportedTrials:
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
        return _folder(path, name)
    data = _bytes(path, name)
    found = decoded(data, name)
    origin = Origin(name, hashlib.sha256(data).hexdigest(), found.assumed)
    suffix = path.suffix.lower()
    if suffix in _TABLES or found.text.lstrip()[:1] not in ("{", "["):
        return rows.parse_csv(origin, found.text, wanted)
    text = utf8_only(found, name)
    if suffix in _LINES:
        return rows.parse_lines(origin, text, wanted)
    return _document(path, origin, text, wanted)


def _document(path: Path, origin: Origin, text: str, wanted: rows.Reading) -> ImportedTrials:
    try:
        document = json_text.parse(text, origin.name)
    except UsageError:
        if text.lstrip()[0] == "{" and _SECOND_OBJECT.search(text):
            return rows.parse_lines(origin, text, wanted)
        raise
    if wanted.columns:
        records = rows.objects(_records(document, origin.name))
        return rows.parse_rows(origin, "json", records, wanted)
    if isinstance(document, Mapping) and plugin_eval.recognised(document):
        return plugin_eval.parse(origin, document)
    if path.name == _BENCHMARK:
        return _with_files(origin, document, path.parent)
    return benchmark.parse(origin, document)


def _folder(folder: Path, name: str) -> ImportedTrials:
    stated = folder / _BENCHMARK
    if stated.is_file():
        return read_source(stated, f"{name.rstrip('/')}/{_BENCHMARK}", rows.Reading())
    inside = sorted(item.parent.name for item in folder.glob(f"*/{_BENCHMARK}"))
    if len(inside) == 1:
        return _folder(folder / inside[0], f"{name.rstrip('/')}/{inside[0]}")
    if inside:
        raise RefusedError(
            f"{name} holds {len(inside)} benchmarks ({', '.join(inside[:6])}), perhaps of "
            "different texts of one skill; which to compare is yours to say.",
            hint=f"One of them: meta-experiment import {name}/{inside[-1]}   Or one against "
            f"another: meta-experiment import control={name}/{inside[0]}:with_skill "
            f"treatment={name}/{inside[-1]}:with_skill",
        )
    return _with_files(Origin(name, hashlib.sha256(b"").hexdigest()), None, folder)


def _with_files(origin: Origin, document: object, folder: Path) -> ImportedTrials:
    """Read the runs' own files beside a benchmark; the identity is then of all the bytes."""
    digest = hashlib.sha256(origin.identity.encode())
    documents: dict[str, Any] = {}
    total = 0
    for relative in _run_paths(folder):
        data = _bytes(folder / relative, f"{origin.name}: {relative}")
        total += len(data)
        if total > LARGEST:
            raise StorageError(f"{folder} holds more than {LARGEST:,} bytes of gradings.")
        documents[relative] = json_text.parse(
            utf8_only(decoded(data, relative), relative), str(folder / relative)
        )
        digest.update(f"{relative}\0{hashlib.sha256(data).hexdigest()}\n".encode())
    files = workspace_files.run_files(documents)
    if document is None and not files:
        raise UsageError(
            f"{origin.name} is a folder with no {_BENCHMARK} and no "
            "<case>/<arm>/grading.json in it.",
            hint="Name the folder of one iteration, or a file of results.",
        )
    identity = digest.hexdigest() if documents else origin.identity
    return benchmark.parse(Origin(origin.name, identity), document, files)


def _run_paths(folder: Path) -> list[str]:
    found = []
    for number, relative in enumerate(_walk(folder)):
        if number > _MOST_FILES:
            raise StorageError(f"{folder} holds more than {_MOST_FILES:,} files.")
        if workspace_files.belongs(relative):
            found.append(relative)
    return sorted(found)


def _walk(folder: Path) -> Iterator[str]:
    """Yield the files down to `<case>/<arm>/<run>/`, without following links to folders."""
    for parent, folders, files in os.walk(folder):
        below = Path(parent).relative_to(folder)
        folders[:] = sorted(folders) if len(below.parts) < 3 else []
        yield from ((below / name).as_posix() for name in files)


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


def _records(document: object, name: str) -> list[Mapping[str, Any]]:
    items = document
    if isinstance(document, Mapping):
        items = next((value for value in document.values() if isinstance(value, list)), None)
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise UsageError(f"{name}: --map reads rows; expected a list of JSON objects.")
    return items
