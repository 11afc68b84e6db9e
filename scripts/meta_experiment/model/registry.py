"""experiments.json: the registry as a document, in its present form.

Earlier forms are brought to it by `migrations` while they are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from meta_experiment.errors import CorruptStoreError, NewerVersionError, UsageError, cite
from meta_experiment.model import fields
from meta_experiment.model.experiment_document import (
    EXPERIMENT_FIELDS,
    experiment_from_document,
    experiment_to_document,
)
from meta_experiment.model.known_fields import Fields, unknown
from meta_experiment.model.migrations import SCHEMA_VERSION, UPDATE, upgraded
from meta_experiment.model.open_merge import has_marks
from meta_experiment.protocol.places import is_id
from meta_experiment.types import Experiment

_REGISTRY = Fields(
    {"$schema", "schema_version", "experiments"}, {"experiments": [EXPERIMENT_FIELDS]}
)
SCHEMA_ID = "https://meta-experiment.dev/schemas/experiments/v1"
_HEAD = f'{{\n  "$schema": "{SCHEMA_ID}",\n  "schema_version": {SCHEMA_VERSION},\n'.encode()
_OPENING, _CLOSING = b"\n    {", b"\n    }"  # of an entry, as it is indented


def decode_registry(data: bytes) -> list[Experiment]:
    """Read the registry from its bytes; empty bytes are a damaged file, not an empty registry.

    `strange_entries` are passed over.

    Raises:
        NewerVersionError: of a newer version, or it has a field or a word that is not known.
        CorruptStoreError: not JSON, cut short, or a field is wrong.
    """
    return decode_whole(data)[0]


def decode_whole(data: bytes) -> tuple[list[Experiment], list[Any]]:
    """Read the registry as `decode_registry` does, and its strange entries as they stand."""
    with _corrupt():
        entries = _entries(data)
        experiments = [
            experiment_from_document(entry, f"experiments[{index}]")
            for index, entry in entries
            if not _is_strange(entry)
        ]
    _refuse_duplicates(experiments)
    return experiments, [entry for _, entry in entries if _is_strange(entry)]


def decode_one(data: bytes, experiment_id: str) -> Experiment | None:
    """Read one experiment of a registry that is known to be sound, and nothing else of it.

    None when it is not there, or when the registry is not written as `encode_registry` does.

    Raises:
        NewerVersionError, CorruptStoreError: as `decode_registry`, for this one.
    """
    at = data.find(f'\n      "id": {json.dumps(experiment_id)},\n'.encode())
    start, end = data.rfind(_OPENING, 0, max(at, 0) + 1), data.find(_CLOSING, at)
    if not data.startswith(_HEAD) or min(at, start, end) < 0:
        return None
    try:
        entry = json.loads(data[start : end + len(_CLOSING)])
    except ValueError:
        return None
    if entry.get("id") != experiment_id or _is_strange(entry):
        return None
    with _corrupt():
        _refuse_unknown({}, [entry])
        return experiment_from_document(entry, experiment_id)


def strange_entries(data: bytes) -> dict[int, Any]:
    """Return the entries whose id is none, by their place, as they stand in the registry.

    This tool makes no such id, so they came from elsewhere: a merge, a hand, a stranger, who
    would have a shell or a model read it. They are left alone, and no other entry suffers.

    Raises:
        CorruptStoreError: as `decode_registry`.
    """
    with _corrupt():
        return {index: entry for index, entry in _entries(data) if _is_strange(entry)}


def encode_registry(experiments: Iterable[Experiment], strange: Iterable[Any] = ()) -> bytes:
    """Write the registry, one field a line so that people can read, diff and merge it."""
    document = {
        "$schema": SCHEMA_ID,
        "schema_version": SCHEMA_VERSION,
        "experiments": [*map(experiment_to_document, experiments), *strange],
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def as_stored(experiment: Experiment) -> Experiment:
    """Return an experiment as it is read back: times have milliseconds, secrets are gone.

    Raises:
        UsageError: it could not be read back.
    """
    try:
        (stored,) = decode_registry(encode_registry([experiment]))
    except CorruptStoreError as error:
        raise UsageError(f"The change cannot be stored: {error.message}") from error
    return stored


def _entries(data: bytes) -> list[tuple[int, Any]]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        if has_marks(data):
            raise CorruptStoreError(
                "The registry was changed on both branches, and git left its merge open.",
                hint="Merge both, and lose neither: meta-experiment recover",
            ) from error
        raise CorruptStoreError(f"The registry is not valid JSON: {error}.") from error
    _refuse_half_pairs(data, document)
    registry, _ = upgraded(fields.mapping(document, "registry"))
    entries = fields.sequence(registry.get("experiments"), "experiments")
    _refuse_unknown(registry, [None if _is_strange(entry) else entry for entry in entries])
    return list(enumerate(entries))


def _is_strange(entry: object) -> bool:
    name = entry.get("id") if isinstance(entry, dict) else None
    return isinstance(name, str) and not is_id(name)


@contextmanager
def _corrupt() -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        raise CorruptStoreError(
            f"The registry holds something it should not: {error.message}", hint=error.hint
        ) from error


def _refuse_half_pairs(data: bytes, document: object) -> None:
    """Refuse texts that could be read and never written again."""
    if b"\\ud" not in data.lower():
        return
    if not fields.is_encodable(json.dumps(document, ensure_ascii=False)):
        raise UsageError("a text is half of a surrogate pair.")


def _refuse_unknown(registry: fields.Document, entries: list[Any]) -> None:
    """Refuse what reading would pass over, and the next change would lose."""
    place = unknown({**registry, "experiments": entries}, _REGISTRY)
    if place is not None:
        raise NewerVersionError(
            f"The registry holds {place}, which this version does not know: a newer "
            "meta-experiment wrote it, or somebody edited it by hand.",
            hint=f"{UPDATE}; or undo that edit by hand.",
        )


def _refuse_duplicates(experiments: list[Experiment]) -> None:
    seen: set[str] = set()
    for item in experiments:
        if item.experiment_id in seen:
            raise CorruptStoreError(
                f"The registry holds the experiment {cite(item.experiment_id)} twice, "
                "perhaps after a merge.",
                hint="Keep one of the two entries in .claude/meta/experiments.json.",
            )
        seen.add(item.experiment_id)
