"""The folder of a skill in every variant: its files beside SKILL.md, each as it is or none.

What git ignores in the skill's own place is no part of it, wherever a variant lies; nor is what
systems and interpreters leave behind. No link is followed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from meta_experiment.errors import (
    RefusedError,
    StorageError,
    UnsafePathError,
    UsageError,
    as_word,
)
from meta_experiment.files.confine import CLIENT_SETTINGS, Content, confined, read_confined
from meta_experiment.model.fields import is_encodable
from meta_experiment.prompts.identity import SKILL, skill_folder
from meta_experiment.services.planning.request import CONTROL
from meta_experiment.services.workspace import Workspace

_MOST_FILES = 500
_MOST_BYTES = 32 * 1024 * 1024
_LEFT_BEHIND = frozenset({".git", ".DS_Store", "Thumbs.db", "__pycache__"})
_EXECUTABLE = 0o111
_PLAIN, _PROGRAM = 0o644, 0o755
_SHOWN = 5  # names in a note

Arms = dict[str, Content | None]


def folder_contents(
    workspace: Workspace, prompt: str, sources: Mapping[str, Path], variants: Sequence[str]
) -> dict[str, Arms]:
    """Return the files beside a SKILL.md by path from the root and variant; None is no file.

    Args:
        workspace: below whose root the skill lies.
        prompt: the SKILL.md.
        sources: the folders of variants that have another one than the control.
        variants: all of them, the control first.

    Raises:
        RefusedError: it is no skill's folder, or a file in it is none of a skill's.
        UnsafePathError: a link, or what is no file, is in one. UsageError: one is too large.
        StorageError, NotFoundError: one cannot be read.
    """
    folder = skill_folder(prompt)
    if folder is None:
        raise RefusedError(
            f"{as_word(prompt)} is in no folder of a skill; of folders, only those can be "
            "compared whole.",
            hint="Name a folder with a SKILL.md in it, or single files.",
        )
    own = _Folder(workspace, folder, workspace.root / folder)
    for name in own.names:
        confined(workspace.root, f"{folder}/{name}")
    found = {CONTROL: own.contents()}
    for variant, source in sources.items():
        other = _Folder(workspace, folder, source)
        _require_apart(own, other)
        _require_same_settings(own, other)
        found[variant] = {
            name: _permitted(content, found[CONTROL].get(name))
            for name, content in other.contents().items()
        }
    names = sorted({name for contents in found.values() for name in contents})
    _refuse_clashes([SKILL, *names])
    return {
        f"{folder}/{name}": {
            variant: found.get(variant, found[CONTROL]).get(name) for variant in variants
        }
        for name in names
    }


def told_apart(contents: Mapping[str, Mapping[str, Content | None]]) -> Iterator[str]:
    """Say of each variant which files it changes, adds and removes."""
    for variant in next(iter(contents.values()), {}):
        kinds: dict[str, list[str]] = {"changes": [], "adds": [], "removes": []}
        for path, arms in contents.items():
            before, after = arms[CONTROL], arms[variant]
            if before != after:
                kind = "changes" if before and after else "adds" if after else "removes"
                kinds[kind].append(path)
        said = [f"{kind} {_names(paths)}" for kind, paths in kinds.items() if paths]
        if said:
            yield f"{as_word(variant)} {'; '.join(said)}."


class _Folder:
    """A folder that stands, or would stand, in a skill's place below the root.

    `names` are its files, by path from it; those by which the client takes its settings, which
    stay as they are, are `settings`.
    """

    def __init__(self, workspace: Workspace, place: str, source: Path) -> None:
        self.source = Path(os.path.realpath(source))
        self._workspace, self._place = workspace, place
        found = [name for name in self._found() if name != SKILL]
        self.settings = [name for name in found if _last(name) in CLIENT_SETTINGS]
        self.names = [name for name in found if _last(name) not in CLIENT_SETTINGS]

    def contents(self) -> dict[str, Content]:
        """Read its files. Raises as `folder_contents`."""
        contents, left = dict[str, Content](), _MOST_BYTES
        for name in self.names:
            contents[name] = read_confined(self.source, name)
            left -= len(contents[name].data)
            if left < 0:
                raise UsageError(
                    f"{self.source} holds more than {_MOST_BYTES >> 20} MB; that is no skill.",
                    hint="Leave out what git need not know: name it in .gitignore.",
                )
        return contents

    def _found(self) -> list[str]:
        """List its files, a level of folders at a time, without what git ignores."""
        found, level = list[str](), [""]
        is_ignored_whole = bool(self._ignored([""]))
        try:
            while level:
                entries = dict(self._entries(level))
                for name in [] if is_ignored_whole else self._ignored([*entries]):
                    del entries[name]
                level = [name for name in entries if name.endswith("/")]
                for name in entries.keys() - set(level):
                    self._require_file(name, entries[name])
                    found.append(name)
                if len(found) + len(level) > _MOST_FILES:
                    raise UsageError(
                        f"{self.source} holds more than {_MOST_FILES} files; that is no skill.",
                        hint="Leave out what git need not know: name it in .gitignore.",
                    )
        except OSError as error:
            raise StorageError(f"{self.source} cannot be read: {error.strerror}.") from error
        return sorted(found)

    def _entries(self, level: list[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
        """Yield what is in folders, by path from this one; of a folder it ends with `/`."""
        for above in level:
            with os.scandir(self.source / above) as entries:
                for entry in entries:
                    if entry.name not in _LEFT_BEHIND:
                        end = "/" if entry.is_dir(follow_symlinks=False) else ""
                        yield f"{above}{entry.name}{end}", entry

    def _require_file(self, name: str, entry: os.DirEntry[str]) -> None:
        if not is_encodable(name):
            raise UnsafePathError(
                f"{name!r} in {self.source} is no name in UTF-8.", hint="Rename the file."
            )
        if not entry.is_file(follow_symlinks=False):
            what = "a symbolic link" if entry.is_symlink() else "no regular file"
            raise UnsafePathError(
                f"{as_word(name)} in {self.source} is {what}; a skill that is compared with "
                "its folder holds files alone.",
                hint="Put a copy of what it leads to in its place.",
            )

    def _ignored(self, names: Sequence[str]) -> list[str]:
        """Return those that git would ignore in the skill's place; none if it cannot say."""
        git, place = self._workspace.git, f"./{self._place}/"
        if git is None or not names:
            return []
        told = b"".join(os.fsencode(f"{place}{name}") + b"\0" for name in names)
        asked = git.run("--no-literal-pathspecs", "check-ignore", "-z", "--stdin", stdin=told)
        found = asked.output.split(b"\0")[:-1] if asked.code == 0 else []
        return [os.fsdecode(path).removeprefix(place) for path in found]


def _require_apart(own: _Folder, other: _Folder) -> None:
    """Refuse a folder within the other: it would be a part of what it stands for."""
    for inner, outer in ((own.source, other.source), (other.source, own.source)):
        if inner != outer and inner.is_relative_to(outer):
            raise RefusedError(
                f"{inner} lies within {outer}; expected two folders beside each other.",
                hint="Put the variant's folder elsewhere, such as drafts/NAME.",
            )


def _permitted(content: Content, control: Content | None) -> Content:
    """Return a file with the control's permissions; whether it is a program is its own."""
    program = bool(content.mode & _EXECUTABLE)
    if control is not None and bool(control.mode & _EXECUTABLE) == program:
        return Content(content.data, control.mode)
    return Content(content.data, _PROGRAM if program else _PLAIN)


def _require_same_settings(own: _Folder, other: _Folder) -> None:
    """Refuse to change what the client may take for settings of its own."""
    for name in {*own.settings, *other.settings}:
        known, found = ((it.source / name, name in it.settings) for it in (own, other))
        if known[1] and found[1] and known[0].read_bytes() == found[0].read_bytes():
            continue
        raise RefusedError(
            f"{as_word(name)} differs in {other.source}; by its name it holds settings of the "
            "client, which can run programs.",
            hint="Let it be as it is in the control, or give it another name in both.",
        )


def _refuse_clashes(names: Sequence[str]) -> None:
    """Refuse names that cannot stand side by side, on every machine."""
    known: dict[str, str] = {}
    for name in names:
        for part in (name, *_folders(name)):
            other = known.setdefault(part.casefold(), part)
            if other != part:
                raise RefusedError(
                    f"{as_word(other)} and {as_word(part)} differ in upper and lower case "
                    "alone; on some machines they are one.",
                    hint="Name them alike in every variant.",
                )
    for name in names:
        for part in _folders(name):
            if part in names:
                raise RefusedError(
                    f"{as_word(part)} is a file in one variant and a folder in another.",
                    hint="Give one of them another name.",
                )


def _folders(name: str) -> Iterator[str]:
    parts = name.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))


def _last(name: str) -> str:
    return name.rpartition("/")[2].casefold()


def _names(paths: Sequence[str]) -> str:
    shown = ", ".join(map(as_word, paths[:_SHOWN]))
    more = len(paths) - _SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown
