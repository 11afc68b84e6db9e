"""Keeping git from seeing what stands in the working tree only while an experiment runs.

Two means, both local to this clone and both gone when nothing runs any more:

    exclude   untracked files of ours, by lines in `info/exclude`
    filter    a tracked file with a stand-in, by a line in `info/attributes`: see `filter`

Lines of ours stand in a block for each root, named by its path, for linked worktrees and
roots in subfolders share these files; who changes them holds a lock beside them. The filter
lies in git's own folder, so that it works as long as the repository does, and the original is
there when all else is lost.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from meta_experiment.deploy.apply import sweep_temporaries
from meta_experiment.deploy.filter import NAME, SCRIPT, SETTINGS, StandIn
from meta_experiment.errors import GitError
from meta_experiment.files.atomic import TEMPORARY_SUFFIX, write_atomically
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import git_top
from meta_experiment.git import Git, complaint
from meta_experiment.records import dataclass

_FILE_MODE = 0o644
_UNTRACKED = 1  # how git says so
_INDEX_TRIES = 20
_INDEX_PAUSE_SECONDS = 0.1
_BLOCK = re.compile(
    rb"^# >>> meta-experiment( \(end of line added\))? ([^\n]*)\n"
    rb"(.*?)^# <<< meta-experiment\n?",
    re.MULTILINE | re.DOTALL,
)
_found: dict[tuple[object, ...], tuple[Path, str, Path]] = {}
"""The repositories around roots, as git said; asked for once by a command that looks often."""


@dataclass(frozen=True, slots=True)
class HiddenFiles:
    """The repository around a root. `prefix` is the root's path from the top of the tree."""

    git: Git
    files: FileSystem
    top: Path
    prefix: str
    folder: Path

    @classmethod
    def around(cls, git: Git | None, files: FileSystem, root: Path) -> HiddenFiles | None:
        """Find the repository that a root lies in; None where there is none to hide from."""
        if git is None:
            return None
        known = _standing(git, root)
        if known is None or known not in _found:
            asked = git.run("rev-parse", "--show-toplevel", "--show-prefix", "--git-common-dir")
            lines = os.fsdecode(asked.output).split("\n")
            if asked.code or len(lines) < 3:
                return None
            top, prefix, common = lines[:3]
            found = (Path(top).resolve(), prefix, (root / common).resolve())
            if known is None:
                return cls(git, files, *found)
            _found[known] = found
        return cls(git, files, *_found[known])

    def strays(self, known: Iterable[str]) -> Iterator[StandIn]:
        """Yield each stand-in of this root, not at a known path, that is still in its place.

        It may have been edited. Its experiment is forgotten, as when all that git ignores was
        deleted.
        """
        for item in self.kept():
            with contextlib.suppress(OSError):
                found = (self.top / self.prefix / item.path).read_bytes()
                if item.path not in known and any(mark in found for mark in item.traces.marks):
                    yield item

    def kept(self) -> Iterator[StandIn]:
        """Yield what git's own folder, which no commit reaches, keeps of this root."""
        for entry in self._entries():
            try:
                item = StandIn.read(entry, self.prefix)
            except (OSError, ValueError):
                continue
            if _root_of(entry) == self._root:
                yield item

    def staged(self, path: str) -> bytes | None:
        """Return what git's index holds of a file (path below the root); None for nothing."""
        asked = self.git.run("cat-file", "blob", f":{self.prefix}{path}")
        return None if asked.code else asked.output

    def original(self, path: str, data: bytes) -> Path:
        """Return where git's own folder keeps the original of a file with a stand-in."""
        return self._entry(path, data) / "original"

    def excludes(self, path: str) -> bool:
        """Tell whether this clone hides a file (path below the root) as one of ours.

        What git tracks is none, wherever it lies: it came with a commit.
        """
        _, blocks = _parted(_content(self._lists[0]))
        hidden = blocks.get(self._root, b"").split(b"\n")
        if os.fsencode(_ignored(self.prefix + path)) not in hidden:
            return False
        return self.git.run("ls-files", "--error-unmatch", "--", path).code == _UNTRACKED

    def other_filter(self, path: str) -> str:
        """Return the name of the filter, not ours, that git has for a file; "" without one."""
        found = self.git.run("check-attr", "-z", "filter", "--", path).output.split(b"\0")
        value = os.fsdecode(found[2]) if len(found) > 2 else ""
        return "" if value in {"unspecified", "unset", "set", "", NAME} else value

    def shown(self, path: str) -> str:
        """Return the rule of an ignore file by which git sees a path whatever we exclude."""
        words = ("--no-literal-pathspecs", "check-ignore", "-v", "-z", "--no-index", "--stdin")
        told = self.git.run(*words, stdin=os.fsencode(path) + b"\0").output
        source, line, rule, *_ = [*os.fsdecode(told).split("\0"), "", ""]
        return f"{rule} ({source}, line {line})" if rule.startswith("!") else ""

    def linked(self) -> Path | None:
        """Return which of git's files for this clone is a link, and so not of this clone."""
        return next((place for place in self._lists if place.is_symlink()), None)

    def apply(self, excluded: Collection[str], stand_ins: Sequence[StandIn]) -> None:
        """Make exactly these unseen of all that belongs to this root.

        Args:
            excluded: paths below the root that git is to ignore; a folder ends in a slash.
            stand_ins: tracked files that something else stands in for.

        Raises:
            GitError: git's configuration cannot be changed. OSError: the disk refused.
            LockedError: another process changes it for too long.
        """
        if not (excluded or stand_ins or self._traces()):
            return
        ours = self.folder / NAME
        with FileLock(ours / "lock", verb="change what git sees"):
            exclude, attributes = self._lists
            lines = [_ignored(self.prefix + path) for path in sorted(excluded)]
            # what is being written lies beside its place under a name of its own
            self._block(exclude, [*lines, f".*{TEMPORARY_SUFFIX}"] if lines else [])
            if stand_ins:
                self._install(stand_ins)
            filtered = sorted(self._filtered(item.path) for item in stand_ins)
            if self._block(attributes, filtered) and filtered:
                self._outwait_git()
            self._sweep(stand_ins)

    def ignores(self, paths: Collection[str]) -> bool:
        """Tell whether all of these stand in the list of what git ignores. Raises OSError."""
        known = _content(self._lists[0]).split(b"\n")
        return all(os.fsencode(_ignored(self.prefix + path)) in known for path in paths)

    def filters(self, paths: Collection[str]) -> bool:
        """Tell whether git's filter stands as it was made, for all of these. Raises OSError."""
        if not paths:
            return True
        script = self.folder / NAME / "filter"
        known = _content(self._lists[1]).split(b"\n")
        return (
            script.is_file()
            and script.read_bytes() == SCRIPT.encode()
            and all(self._set(way) == f"{wanted}\n" for way, wanted in SETTINGS.items())
            and all(os.fsencode(self._filtered(path)) in known for path in paths)
        )

    def _set(self, way: str) -> str:
        found = self.git.run("config", "--local", "--get", f"filter.{NAME}.{way}")
        return os.fsdecode(found.output)

    def _filtered(self, path: str) -> str:
        return f"{_attribute(self.prefix + path)} filter={NAME}"

    def _traces(self) -> bool:
        """Tell whether there is anything of ours here, of whichever root."""
        return (self.folder / NAME).exists() or any(
            _BLOCK.search(_content(place)) for place in self._lists
        )

    @property
    def _lists(self) -> tuple[Path, Path]:
        """The lists of git, of what it ignores and of attributes, in which ours stand."""
        return self.folder / "info" / "exclude", self.folder / "info" / "attributes"

    def refresh(self, paths: Sequence[str]) -> None:
        """Let git notice that files with another size are unchanged in its eyes.

        It takes a size other than the one it noted for a change without looking inside. A
        file with staged or other changes of the user's own is left as it is.
        """
        if not paths:
            return
        listed = self.git.run("diff-files", "-z", "--relative", "--", *paths).output
        words = listed.split(b"\0")[:-1]
        for description, path in zip(words[::2], words[1::2], strict=True):
            name, (mode, new_mode, noted, *_) = os.fsdecode(path), description.split()
            seen = self.git.run("hash-object", "--", name)
            if seen.code == 0 and seen.output.strip() == noted and mode[1:] == new_mode:
                self._note_size(name)

    def _note_size(self, name: str) -> None:
        # Editors and the client refresh the index at any time, and hold its lock meanwhile.
        for _ in range(_INDEX_TRIES):
            if "index.lock" not in complaint(self.git.run("update-index", "--", name)):
                return
            time.sleep(_INDEX_PAUSE_SECONDS)

    def _outwait_git(self) -> None:
        """Let a command of git's end that cannot know yet what the filter does from now on.

        Whatever takes files in holds the index meanwhile; a lock that was left behind is not
        waited for long.
        """
        asked = self.git.run("rev-parse", "--git-path", "index.lock").output
        lock = self.git.directory / os.fsdecode(asked).rstrip("\n")
        began = _inode(lock)
        for _ in range(_INDEX_TRIES):
            if began is None or _inode(lock) != began:
                return
            time.sleep(_INDEX_PAUSE_SECONDS)

    def _install(self, stand_ins: Sequence[StandIn]) -> None:
        ours = self.folder / NAME
        self.files.make_directory(ours / "entries")
        for item in stand_ins:
            entry = self._entry(item.path, item.original)
            self.files.make_directory(entry)
            parts = item.parts(self._root, str(self.top), f"{self.prefix}{item.path}")
            for name, data in parts.items():
                _put(self.files, entry / name, data)
        _put(self.files, ours / "filter", SCRIPT.encode())
        for way, wanted in SETTINGS.items():
            if self._set(way) != f"{wanted}\n":
                self.git.demand("config", "--local", f"filter.{NAME}.{way}", wanted)

    def _sweep(self, stand_ins: Sequence[StandIn]) -> None:
        """Remove data that no stand-in here needs any more, and the filter with the last."""
        ours = self.folder / NAME
        kept = {self._entry(item.path, item.original).name for item in stand_ins}
        gone = [entry for entry in self._entries() if self._is_left(entry, kept)]
        if gone:
            self._outwait_git()  # it may have read a stand-in that was there a moment ago
        for entry in gone:
            self.files.remove(entry / "name")  # without it the filter passes by
            shutil.rmtree(entry, ignore_errors=True)
        if not self._entries():
            if (ours / "filter").exists():
                self.git.run("config", "--local", "--remove-section", f"filter.{NAME}")
                self.files.remove(ours / "filter")
            shutil.rmtree(ours / "entries", ignore_errors=True)
            (ours / "lock").unlink()  # last of all: from here on another process may begin
            with contextlib.suppress(OSError):
                ours.rmdir()

    def _is_left(self, entry: Path, kept: Collection[str]) -> bool:
        root = _root_of(entry)
        lost = root is None or not Path(root).is_dir()
        return entry.name not in kept and (lost or root == self._root)

    def _entry(self, path: str, original: bytes) -> Path:
        """Return the folder of a stand-in, of which its name must not depend."""
        parts = (original, os.fsencode(f"{self._root}\0{path}"))
        content = hashlib.sha256(b"\0".join(parts)).hexdigest()
        return self.folder / NAME / "entries" / content[:16]

    def _entries(self) -> list[Path]:
        try:
            return sorted((self.folder / NAME / "entries").iterdir())
        except OSError:
            return []

    def _block(self, place: Path, lines: Sequence[str]) -> bool:
        """Replace this root's block in one of git's lists; without lines, remove it.

        Tells whether that changed anything.
        """
        sweep_temporaries(self.files, place)
        before = _content(place)
        users, blocks = _parted(before)
        kept = {root: body for root, body in blocks.items() if Path(root).is_dir()}
        if lines:
            _require_line(self._root)
            kept[self._root] = os.fsencode("".join(f"{line}\n" for line in lines))
        else:
            kept.pop(self._root, None)
        after = users + b"".join(_blocks(kept, added=bool(users) and not users.endswith(b"\n")))
        if after == before:
            return False
        if place.is_symlink():
            raise GitError(f"{place} is a link to a file that other repositories may share.")
        if not after:
            self.files.remove(place)
            return True
        self.files.make_directory(place.parent)
        mode = self.files.mode(place) if place.is_file() else _FILE_MODE
        write_atomically(self.files, place, after, mode)
        return True

    @property
    def _root(self) -> str:
        return str(self.top / self.prefix)


def _parted(data: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Return one of git's lists without any block of ours, and the lines of those by root."""
    found = list(_BLOCK.finditer(data))
    users = _BLOCK.sub(b"", data)
    if any(block[1] and not _BLOCK.sub(b"", data[block.end() :]) for block in found):
        users = users.removesuffix(b"\n")  # we had added it
    return users, {os.fsdecode(block[2]): block[3] for block in found}


def _blocks(lines: Mapping[str, bytes], *, added: bool) -> Iterator[bytes]:
    """Yield a block for each root; with `added` the first begins by ending a line."""
    for root, body in lines.items():
        mark = " (end of line added)" if added else ""
        head = os.fsencode(f"# >>> {NAME}{mark} {root}\n")
        yield (b"\n" if added else b"") + head + body + f"# <<< {NAME}\n".encode()
        added = False


def _inode(place: Path) -> int | None:
    """Return what tells a file from another of its name; None where there is none."""
    try:
        return place.stat().st_ino
    except OSError:
        return None


def _content(place: Path) -> bytes:
    return place.read_bytes() if place.is_file() else b""


def _root_of(entry: Path) -> str | None:
    try:
        return os.fsdecode((entry / "root").read_bytes()).removesuffix("\n")
    except OSError:
        return None


def _put(files: FileSystem, path: Path, data: bytes) -> None:
    sweep_temporaries(files, path)
    if not path.is_file() or path.read_bytes() != data:
        write_atomically(files, path, data)


def _ignored(path: str) -> str:
    """Return the line by which git ignores exactly this path."""
    _require_line(path)
    return "/" + re.sub(r"([\\*?\[\]!# ])", r"\\\1", path)


def _attribute(path: str) -> str:
    """Return the pattern of exactly this path for an attributes file."""
    _require_line(path)
    pattern = "/" + re.sub(r"([\\*?\[\]!#])", r"\\\1", path)
    if pattern != pattern.strip() or any(mark in pattern for mark in ' "\t\\'):
        escaped = pattern.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return pattern


def _require_line(path: str) -> None:
    if any(mark in path for mark in "\n\r"):
        raise GitError(f"{path!r} holds the end of a line, so git cannot be told of it.")


def _standing(git: Git, root: Path) -> tuple[object, ...] | None:
    """Return what is the same while a root lies in the same repository; None if unknown."""
    top = git_top(root)
    if top is None:
        return None
    try:
        at = (top / ".git").lstat()
    except OSError:
        return None
    return git.program, git.directory, git.variables, root, top, at.st_dev, at.st_ino
