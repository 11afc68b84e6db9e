"""A part: what runs left on one machine, as one file that another machine takes in.

    line 1        `meta-experiment part 1`, and the seal or `-`
    the rest      a ZIP archive: `part.json`, and the files of cells, contests and questions

A part may come from anywhere. What seals it is a key that those share who may say what runs
came to; the seal is of all bytes behind the first line. Only files with the names that are
listed here are read, each up to a limit, and written nowhere that the archive says by itself.
"""

from __future__ import annotations

import hmac
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from meta_experiment.errors import CorruptStoreError, RefusedError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.model.result_document import to_document
from meta_experiment.records import dataclass
from meta_experiment.runs.pledges import pledge_of
from meta_experiment.runs.run_folder import RunFolder
from meta_experiment.types.runs import Pledge

_TITLE = b"meta-experiment part 1 "
_HEAD = "part.json"
_NAME = r"[A-Za-z0-9._-]{1,250}"
_ATTEMPT = r"start\.json|prompt|stdout|stderr|spent\.json|metrics\.json|ending\.json"
_KNOWN = re.compile(
    rf"cells/{_NAME}/(outcome\.json|patch|work/[0-9a-f]{{40,64}}\.pack|[1-9]\d{{0,5}}/({_ATTEMPT}))"
    rf"|contests/{_NAME}\.json"
    rf"|judge/[0-9a-f]{{16}}/[1-9]\d{{0,5}}/({_ATTEMPT})"
)
_LARGEST = 96 << 20  # bytes of one file
_MOST = 8 << 30  # bytes of all
_PIECE = 1 << 20
_FEWEST_OF_KEY = 32  # characters


@dataclass(frozen=True, slots=True)
class PartHead:
    """What a part says of itself.

    `plan` tells the plan and the bytes of all variants from others, `base` the commit at which
    runs began; `cases` are the SHA-256 of what each said. `pledges` are open, `settled` are
    those, by name, of which is known what became.
    """

    experiment_id: str
    plan: str
    base: str
    cases: Mapping[str, str]
    share: str
    pledges: Mapping[str, Pledge]
    settled: tuple[str, ...]


def require_key(key: bytes) -> None:
    """Refuse a key that can be guessed. Raises RefusedError."""
    if len(key) < _FEWEST_OF_KEY:
        raise RefusedError(
            f"The key of parts has {len(key)} characters; expected at least {_FEWEST_OF_KEY}.",
            hint="Make one: openssl rand -hex 32",
        )


def write_part(target: Path, head: PartHead, folder: RunFolder, key: bytes) -> int:
    """Write a part, sealed where there is a key; return how many files are in it.

    What was cut off, and may go on on this machine, is of unknown price elsewhere.
    """
    whole = target.with_name(f"{target.name}.new")
    count = 0
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_HEAD, json.dumps(to_document(head)))
        found = (folder.folder.glob(f"{kind}/**/*") for kind in ("cells", "contests", "judge"))
        for path in sorted(path for paths in found for path in paths):
            name = path.relative_to(folder.folder).as_posix()
            if not _KNOWN.fullmatch(name) or not path.is_file() or path.is_symlink():
                continue
            archive.write(path, name)
            count += 1
            if name.endswith("/start.json") and not path.with_name("spent.json").exists():
                cut = json.dumps({"usd": None, "tokens": None, "cut": True, "failure": None})
                archive.writestr(f"{name.removesuffix('start.json')}spent.json", cut)
    try:
        seal = _seal(whole, 0, key) if key else "-"
        with target.open("wb") as stream, whole.open("rb") as source:
            stream.write(_TITLE + seal.encode() + b"\n")
            while piece := source.read(_PIECE):
                stream.write(piece)
    finally:
        whole.unlink()
    return count


class RunsPart:
    """A part that is read: the head, its seal, and its files."""

    def __init__(self, path: Path, key: bytes) -> None:
        """Look at the first line and the head.

        Raises:
            RefusedError: it bears a seal of another key, or was changed.
            CorruptStoreError: it is no part.
            OSError: it cannot be read.
        """
        self.path = path
        with path.open("rb") as stream:
            line = stream.readline(200)
        if not line.startswith(_TITLE) or not line.endswith(b"\n"):
            raise self._corrupt("it does not begin as a part does")
        seal = line.removeprefix(_TITLE).strip().decode("ascii", "replace")
        self.is_sealed = bool(key) and seal != "-"
        if self.is_sealed and not hmac.compare_digest(seal, _seal(path, len(line), key)):
            raise RefusedError(
                f"{path} bears another seal than its bytes have by this key: it was sealed by "
                "another key, or changed since.",
                hint="Take it from where it was made, with the key it was sealed by.",
            )
        try:
            self._archive = zipfile.ZipFile(path)
            self.head = _head(json.loads(self._read(_HEAD)))
            self._sizes = {
                item.filename: item.file_size
                for item in self._archive.infolist()
                if item.filename != _HEAD
            }
        except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
            raise self._corrupt(str(error)) from error
        strange = [name for name in self._sizes if not _KNOWN.fullmatch(name)]
        if strange or sum(self._sizes.values()) > _MOST:
            raise self._corrupt(
                f"it holds what is no file of runs: {strange[0]!r}" if strange else "too large"
            )

    def __iter__(self) -> Iterator[str]:
        """Yield the names of its files, in order."""
        yield from sorted(self._sizes)

    def read(self, name: str) -> bytes:
        """Return a file. Raises CorruptStoreError."""
        try:
            return self._read(name)
        except (zipfile.BadZipFile, ValueError, EOFError) as error:
            raise self._corrupt(f"{name}: {error}") from error

    def json(self, name: str) -> Any:  # noqa: ANN401 - JSON
        """Return what a file says. Raises CorruptStoreError."""
        try:
            return json.loads(self.read(name))
        except ValueError as error:
            raise self._corrupt(f"{name}: {error}") from error

    def _read(self, name: str) -> bytes:
        with self._archive.open(name) as stream:
            data = stream.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise ValueError("it is too large")
        return data

    def _corrupt(self, why: str) -> CorruptStoreError:
        return CorruptStoreError(
            f"{self.path} is no part of runs: {why}.",
            hint="Make it by meta-experiment runs pack ID --out FILE.",
        )


def _seal(path: Path, start: int, key: bytes) -> str:
    """Return the seal of all bytes behind a place: HMAC-SHA-256 in hex."""
    made = hmac.new(key, _TITLE, "sha256")
    with path.open("rb") as stream:
        stream.seek(start)
        while piece := stream.read(_PIECE):
            made.update(piece)
    return made.hexdigest()


def _head(found: Mapping[str, Any]) -> PartHead:
    texts = {name: str(found[name]) for name in ("experiment_id", "plan", "base", "share")}
    return PartHead(
        **texts,
        cases={str(name): str(value) for name, value in found["cases"].items()},
        pledges={str(name): pledge_of(item) for name, item in found["pledges"].items()},
        settled=tuple(map(str, found["settled"])),
    )


def place_files(files: FileSystem, folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files below a folder, the one that tells of the others last. Raises OSError."""
    last = ("spent.json", "outcome.json")
    for name in sorted(contents, key=lambda name: (name.endswith(last), name)):
        target = folder / name
        files.make_directory(target.parent)
        if not target.exists():
            files.create(target, contents[name])
