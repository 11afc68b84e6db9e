"""Reasons why a prompt is not served at the moment: light enough for the board."""

from __future__ import annotations

import re
from pathlib import Path

from meta_experiment.errors import as_word
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import index, places
from meta_experiment.protocol.texts import ORIGINAL, SHIM, is_text, placed, read_text

_STAND_IN = re.compile(rb"!`serve-variant ([\w.-]+)@[0-9a-f]{12} ")


def drift_notes(layout: Layout) -> dict[str, str]:
    """Name each running experiment whose file or texts here are not what was started.

    Returns a sentence by experiment.
    """
    root = str(layout.root)
    notes = {entry.id: _note(root, entry) for entry in index.entries(root) if entry.running}
    return {name: note for name, note in notes.items() if note}


def holds_stand_in(data: bytes, experiment_id: str) -> bool:
    """Tell whether a text has the line that serves an experiment."""
    return f"!`serve-variant {experiment_id}@".encode() in data


def stand_in_of(data: bytes) -> str:
    """Return the experiment whose variants a text serves; "" when it serves none."""
    found = _STAND_IN.search(data)
    return found[1].decode() if found else ""


def ends_otherwise(root: str, entry: index.Entry) -> str:
    """Say how a prompt file gets its line ends back; "" where it differs by more than these."""
    from meta_experiment.services.serving.line_ends import line_ends_hint

    found = _file(root, entry)
    return line_ends_hint(entry.path, found, lambda data: is_text(entry, ORIGINAL, data))


def untouched(root: str, entry: index.Entry) -> bool:
    """Tell whether a prompt file here is its control, or exactly the stand-in."""
    return _is_known(entry, _file(root, entry))


def _note(root: str, entry: index.Entry) -> str:
    found = _file(root, entry)
    if _is_known(entry, found):
        return _placed_note(root, entry) or _texts_note(root, entry)
    if holds_stand_in(found, entry.id):
        return (
            f"{as_word(entry.path)} was edited while a stand-in is in its place. git is "
            f"shown the edit on your own text, and meta-experiment stop {entry.id} keeps it; "
            "nothing is recorded meanwhile."
        )
    if ends := ends_otherwise(root, entry):
        why = f"{as_word(entry.path)} is not its control here, so that nothing is served"
        return f"{why} or recorded. {ends}"
    return (
        f"{as_word(entry.path)} is not its control here (an edit, or another branch), so that "
        "nothing is served or recorded. Bring it back, or: "
        f"meta-experiment stop {entry.id}"
    )


def _placed_note(root: str, entry: index.Entry) -> str:
    for path, name in placed(entry).items():
        if not is_text(entry, name, _read(Path(root, path))):
            return (
                f"{as_word(path)} does not hold any more what serves the variants, so that "
                "nothing is served or recorded. Put it back: meta-experiment repair"
            )
    return ""


def _texts_note(root: str, entry: index.Entry) -> str:
    for name in entry.digests:
        try:
            read_text(root, entry, name)
        except (LookupError, OSError):
            return (
                f"a text of it was replaced or is gone ({name}), so that only the "
                "control is used and nothing is recorded. Make it anew: meta-experiment repair"
            )
    return ""


def _file(root: str, entry: index.Entry) -> bytes:
    return _read(Path(root, entry.path))


def _read(path: Path) -> bytes:
    return places.try_read(path) or b""


def _is_known(entry: index.Entry, found: bytes) -> bool:
    names = (ORIGINAL, SHIM) if entry.form == index.IN_PLACE else (ORIGINAL,)
    return any(is_text(entry, name, found) for name in names)
