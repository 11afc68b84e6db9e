"""What a case holds, read from its plain form, into which every other form is brought.

The plain form is a mapping: id, prompt, criteria, files, needs, commit, timeout_seconds, tags,
origin, history (`schemas/cases.v1.schema.json`).
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import UsageError, cite
from meta_experiment.model import fields, instants
from meta_experiment.protocol.places import is_id
from meta_experiment.runs import globs
from meta_experiment.runs.cases.conversation import read_history
from meta_experiment.runs.cases.criterion_fields import criteria, seconds
from meta_experiment.types.cases import Case, CaseOrigin, CommitSource

KEYS = (
    "id",
    "prompt",
    "criteria",
    "files",
    "needs",
    "commit",
    "timeout_seconds",
    "tags",
    "origin",
    "history",
)
_ORIGIN = ("session", "time", "commit_by", "clean", "first")
_LONGEST_WORD = 200  # characters
_COMMIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@{}~^-]{0,199}")


def case(document: object, where: str, folder: Path | None = None) -> Case:
    """Read a case; `folder` is where the path of its history leads from.

    Raises:
        UsageError: it is none; says where, and what was expected. NotFoundError: its history is
            not there. UnsafePathError: that lies elsewhere.
    """
    known = fields.mapping(document, where)
    fields.known_keys(known, KEYS, where)
    case_id = fields.text(known, "id", where)
    if not is_id(case_id):
        raise UsageError(
            f"{where}.id: {cite(case_id)} is no plain name; expected at most 100 letters, "
            "digits, '.', '_' and '-', a letter or digit first."
        )
    inner = f"{where} ({case_id})"
    asked = fields.sequence(known.get("criteria"), f"{inner}.criteria")
    found = Case(
        case_id=case_id,
        prompt=_without_zero(fields.text(known, "prompt", inner), f"{inner}.prompt"),
        sha256="",
        criteria=criteria(asked, inner),
        files=_paths(known, inner),
        needs=_words(known, "needs", inner),
        commit=_commit(known, inner),
        timeout_seconds=_time(known, inner),
        tags=_words(known, "tags", inner),
        origin=_origin(known, inner),
    )
    history, before = _history(known, inner, folder)
    return replace(found, sha256=_digest(found, before), history=history)


def _digest(found: Case, before: str | None) -> str:
    """Name what a case says, whichever form it was read from and however that was laid out."""
    said = asdict(found)
    del said["origin"], said["history"]  # no run depends on either
    if before:
        said["before"] = before
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return str(sha256(canonical.encode()).hexdigest())


def _paths(known: fields.Document, where: str) -> tuple[str, ...]:
    paths = fields.sequence(known.get("files"), f"{where}.files")
    for number, path in enumerate(paths):
        why = globs.fault(path) if isinstance(path, str) else "is no text"
        if why:
            raise UsageError(f"{where}.files[{number}]: {fields.shown(path)} {why}.")
    return _once(paths, f"{where}.files")


def _words(known: fields.Document, key: str, where: str) -> tuple[str, ...]:
    words = fields.sequence(known.get(key), f"{where}.{key}")
    for number, word in enumerate(words):
        if not _is_line(word):
            raise UsageError(
                f"{where}.{key}[{number}]: expected a name on one line, found "
                f"{fields.shown(word)}."
            )
    return _once(words, f"{where}.{key}")


def _is_line(word: object) -> bool:
    """Tell whether a value is a text on one line, neither empty nor long."""
    return (
        isinstance(word, str) and word.isprintable() and 0 < len(word.strip()) <= _LONGEST_WORD
    )


def _once(words: list[str], where: str) -> tuple[str, ...]:
    for word in words:
        if words.count(word) > 1:
            raise UsageError(f"{where}: {cite(word)} is given twice.")
    return tuple(words)


def _commit(known: fields.Document, where: str) -> str | None:
    if known.get("commit") is None:
        return None
    commit = fields.text(known, "commit", where)
    if not _COMMIT.fullmatch(commit) or ".." in commit:
        raise UsageError(f"{where}.commit: expected a commit of git, found {cite(commit, 60)}.")
    return commit


def _origin(known: fields.Document, where: str) -> CaseOrigin | None:
    if known.get("origin") is None:
        return None
    inner = f"{where}.origin"
    said = fields.mapping(known["origin"], inner)
    fields.known_keys(said, _ORIGIN, inner)
    unclear = said.get("clean") is None
    fields.text(said, "commit_by", inner)  # which has no default
    return CaseOrigin(
        session=fields.text(said, "session", inner),
        time=instants.to_text(instants.from_text(fields.text(said, "time", inner))),
        commit_by=fields.word(said, "commit_by", inner, CommitSource, CommitSource.MAIN),
        clean=None if unclear else fields.flag(said, "clean", inner, default=False),
        first=fields.flag(said, "first", inner, default=False),
    )


def _history(
    known: fields.Document, where: str, folder: Path | None
) -> tuple[str | None, str | None]:
    """Return the file of what was said before, and the digest of that."""
    if known.get("history") is None:
        return None, None
    path = fields.text(known, "history", where)
    if folder is None:
        raise UsageError(f"{where}.history: there is no folder that {cite(path)} leads from.")
    return read_history(folder, path, where)


def _time(known: fields.Document, where: str) -> float | None:
    if known.get("timeout_seconds") is None:
        return None
    return seconds(known, "timeout_seconds", where)


def _without_zero(text: str, where: str) -> str:
    if "\0" in text:
        raise UsageError(f"{where} holds a zero byte; expected text.")
    return text
