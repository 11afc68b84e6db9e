"""Why a prompt is not served at the moment: light enough for the board."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from pathlib import Path

from meta_experiment.files.roots import Layout
from meta_experiment.live import index, places

_STAND_IN = re.compile(rb"!`serve-variant ([\w.-]+)@[0-9a-f]{12} ")


def drift_notes(layout: Layout) -> list[str]:
    """Name each running experiment whose file here is not its control, nor its stand-in."""
    root = str(layout.root)
    notes = [_note(root, entry) for entry in index.entries(root) if entry.running]
    return [note for note in notes if note]


def holds_stand_in(data: bytes, experiment_id: str) -> bool:
    """Tell whether a text has the line that serves an experiment."""
    return f"!`serve-variant {experiment_id}@".encode() in data


def stand_in_of(data: bytes) -> str:
    """Return the experiment whose variants a text serves; "" when it serves none."""
    found = _STAND_IN.search(data)
    return found[1].decode() if found else ""


def abandoned(root: Path, known: Container[str]) -> Iterator[tuple[Path, bytes]]:
    """Find stand-ins beside commands that no `known` experiment serves any more.

    They are left when the folder of this tool is deleted, or the program goes before `stop`.
    """
    skills = root / ".claude" / "skills"
    for path in sorted(skills.glob("*/SKILL.md")):
        data = _read(path)
        served = stand_in_of(data)
        command = root / ".claude" / "commands" / (path.parent.name.replace(":", "/") + ".md")
        if served and served not in known and command.is_file():
            yield path, data


def untouched(root: str, entry: index.Entry) -> bool:
    """Tell whether a prompt file here is its control, or exactly the stand-in."""
    return _is_known(root, entry, _file(root, entry))


def _note(root: str, entry: index.Entry) -> str:
    found = _file(root, entry)
    if _is_known(root, entry, found):
        return ""
    if holds_stand_in(found, entry.id):
        return (
            f"{entry.id}: {entry.path} was edited while a stand-in is in its place. git is "
            f"shown the edit on your own text, and meta-experiment stop {entry.id} keeps it; "
            "nothing is recorded meanwhile."
        )
    return (
        f"{entry.id}: {entry.path} is not its control here (an edit, or another branch), so "
        "that nothing is served or recorded until it is again."
    )


def _file(root: str, entry: index.Entry) -> bytes:
    return _read(Path(root, entry.path))


def _read(path: Path) -> bytes:
    return places.try_read(path) or b""


def _is_known(root: str, entry: index.Entry, found: bytes) -> bool:
    copies = [Path(places.served_folder(root, entry.id), "original")]
    if entry.form == index.IN_PLACE:
        copies.append(Path(places.shim(root, entry.id)))
    return any(copy.is_file() and _read(copy) == found for copy in copies)
