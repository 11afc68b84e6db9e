"""Checkouts that runs work in: slots, each used again and again, none known to the user's git.

Beside the working tree of a slot lies a repository that is ours (`N.git`); the `.git` within is
a copy of it, made anew for every run. What an agent does to its copy, its branches, hooks,
settings, stash, is gone with it, and what it changed is read by ours, whose settings it cannot
have written. Objects are borrowed from the user's repository and the base.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from meta_experiment.errors import GitError, NotFoundError, cite
from meta_experiment.files.confine import Content, confined
from meta_experiment.files.lock import FileLock
from meta_experiment.git import Git
from meta_experiment.records import dataclass
from meta_experiment.runs import ignored_files
from meta_experiment.runs.base import OWN_STATE, SLOW, Base
from meta_experiment.runs.plumbing import demand, gitlinks, set_head, signed_as, told_of

PATCH_LIMIT = 1_000_000  # bytes
_SUBJECT = "Update project files"
# where one is missing, the client may take that of another checkout
_CLIENT_FOLDERS = ("skills", "commands", "agents", "output-styles", "workflows", "routines")
_CHECKED = ("config", "objects/info/alternates")
_CHECK_OUT = ("read-tree", "--reset", "-u")
_FILE_MODE = 0o644

Arm = Mapping[str, "bytes | Content | None"]


@dataclass(frozen=True, slots=True)
class Changes:
    """What an agent changed, committed or not, beside what git ignores.

    `files` have the lines of each, added and taken away, none of one that is no text. `patch`
    is cut after `PATCH_LIMIT` bytes.
    """

    files: Mapping[str, int]
    patch: bytes

    @property
    def lines(self) -> int:
        """The lines of all files."""
        return sum(self.files.values())


class Slots:
    """Checkouts of one base below a folder, by number; one runner has each for itself."""

    def __init__(self, git: Git, base: Base, folder: Path, project: str) -> None:
        self._git = git
        self._base = base
        self._folder = folder.absolute()
        self._project = project
        self._commits: dict[str, str] = {}
        self._signatures: dict[str, tuple[tuple[str, str], ...]] = {}

    def prepare(self, number: int, arm: Arm, commit: str | None = None) -> Path:
        """Return the project's folder in a slot, at the base or a commit, with an arm's files.

        Nothing of an earlier run is left. The files (by path from the project; None takes one
        away; `Content` brings permissions, bytes keep those of what they replace) stand in one
        commit that looks the same whatever they are.

        Raises:
            NotFoundError: there is no such commit.
            UnsafePathError: an arm's path leaves the project, or passes through a link.
            GitError: git cannot make the checkout.
            LockedError: somebody else keeps the slot.
            StorageError: the file system does not let it.
        """
        at = self._base.commit if commit is None else self.resolve(commit)
        with told_of(self._folder), self._slot(number) as slot:
            try:
                slot.reset(at)
            except (GitError, OSError):  # whatever was left there: made anew
                slot.make(at)
            slot.install(arm, at, self._signature(at))
            return slot.project

    def project(self, number: int) -> Path:
        """Return the project's folder in a slot, as it stands."""
        return _Slot(self._git, self._base, self._folder, number, self._project).project

    def stands(self, number: int) -> bool:
        """Tell whether a slot is still what was prepared, whatever became of its files."""
        return (self._folder / f"{number}.git").is_dir()

    def changes(self, number: int) -> Changes:
        """Return what was changed in a slot since it was prepared.

        Raises:
            NotFoundError: the checkout is gone, or a link stands in its place.
            GitError: git cannot tell.
            StorageError: the file system does not let it.
        """
        with told_of(self._folder), self._slot(number) as slot:
            return slot.changes()

    def dispose(self) -> None:
        """Remove all slots, whatever is in them. Raises StorageError."""
        remove_slots(self._folder)

    @contextmanager
    def _slot(self, number: int) -> Iterator[_Slot]:
        """Hold a slot: a git that outlives a runner who was killed still has it for itself."""
        with FileLock(self._folder / f"{number}.lock", timeout=SLOW, verb="checkout") as lock:
            git = replace(self._git, inherited=(lock.fileno(),))
            yield _Slot(git, self._base, self._folder, number, self._project)

    def resolve(self, commit: str) -> str:
        """Return the id of a commit that the user's repository has, by any name there.

        Raises:
            NotFoundError: there is none.
        """
        if commit not in self._commits:
            name = f"{commit}^{{commit}}"
            found = self._git.run("rev-parse", "-q", "--verify", "--end-of-options", name)
            if found.code:
                raise NotFoundError(f"There is no commit {cite(commit)} in this repository.")
            self._commits[commit] = found.output.decode().strip()
        return self._commits[commit]

    def _signature(self, commit: str) -> tuple[tuple[str, str], ...]:
        if commit not in self._signatures:
            template = self._base.template
            git = replace(
                self._git, directory=Path(template), variables=(("GIT_DIR", template),)
            )
            self._signatures[commit] = signed_as(git, commit)
        return self._signatures[commit]


def remove_slots(folder: Path) -> None:
    """Remove all slots in a folder, whatever is in them. Raises StorageError."""
    with told_of(folder):
        _remove(folder)


class _Slot:
    """One checkout. `top` is its working tree, `own` our repository of it."""

    def __init__(self, git: Git, base: Base, folder: Path, number: int, name: str) -> None:
        self._plain = git
        self._base = base
        self._template = Path(base.template)
        self._folder = folder / str(number)
        self._own = folder / f"{number}.git"
        self._top = self._folder / name
        self._git = self._borrowing(self._own)
        self.project = self._top / base.prefix

    def _borrowing(self, repository: Path) -> Git:
        """Return git for the working tree with a repository that is ours."""
        places = (("GIT_DIR", str(repository)), ("GIT_WORK_TREE", str(self._top)))
        return replace(self._plain, directory=self._top, timeout=SLOW, variables=places)

    def make(self, at: str) -> None:
        """Make the checkout from nothing; until it is whole, there is none."""
        new = self._own.with_name(f"{self._own.name}.new")
        for path in (self._own, new, self._folder):
            _remove(path)
        self._top.mkdir(parents=True)
        shutil.copytree(self._template, new)
        demand(self._borrowing(new), *_CHECK_OUT, at, settings=("checkout.workers=0",))
        new.rename(self._own)
        self.reset(at)

    def reset(self, at: str) -> None:
        """Put the checkout back to a commit: nothing else is left. Raises GitError, OSError."""
        if any(_bytes(self._own / name) != _bytes(self._template / name) for name in _CHECKED):
            raise GitError(f"{self._own} is not of this base.")
        for path in (self._folder, self._top):
            if path.is_symlink():
                raise GitError(f"{path} is a link.")
        self._unlock()
        for path in self._folder.iterdir():
            if path != self._top:
                _remove(path)
        _remove(self._top / ".git")
        _restore_modes(self._top, stat.S_IMODE((self._template / "objects").stat().st_mode))
        _remove(self._own / "objects")
        shutil.copytree(self._template / "objects", self._own / "objects")
        set_head(self._own, self._base.branch, at)
        demand(self._git, *_CHECK_OUT, at)
        demand(self._git, "clean", "-ffdxq")
        for name in self._base.submodules if at == self._base.commit else gitlinks(self._git):
            _remove(self._top / name)  # git leaves what is in there alone
            (self._top / name).mkdir(parents=True)
        ignored_files.lay_out(Path(self._base.included), self._top)

    def install(self, arm: Arm, at: str, signature: tuple[tuple[str, str], ...]) -> None:
        """Write an arm's files and commit them, then give the agent its repository."""
        self.project.mkdir(parents=True, exist_ok=True)
        for path, content in arm.items():
            _write(self.project, path, content)
        changed = [os.fsencode(f"{self._base.prefix}{path}") for path in arm]
        changed += self._hide_state()
        names = b"".join(name + b"\0" for name in changed)
        demand(self._git, "update-index", "--add", "--remove", "-z", "--stdin", stdin=names)
        tree = demand(self._git, "write-tree").decode().strip()
        git = replace(self._git, variables=self._git.variables + signature)
        made = demand(git, "commit-tree", "-p", at, tree, stdin=f"{_SUBJECT}\n".encode())
        set_head(self._own, self._base.branch, made.decode().strip())
        shutil.copytree(self._own, self._top / ".git")
        client = self.project / ".claude"
        for name in () if client.is_symlink() else _CLIENT_FOLDERS:
            if not os.path.lexists(client / name):
                (client / name).mkdir(parents=True)

    def changes(self) -> Changes:
        """Return what is changed since the commit of the arm."""
        for path in (self._folder, self._top, self.project):
            if path.is_symlink() or not path.is_dir():
                raise NotFoundError(f"{path} is gone.")
        self._unlock()
        # with 1, something could not be read, as a repository without a commit
        demand(self._git, "add", "-A", "--ignore-errors", most=1)
        told = ("diff-index", "--cached", "--no-renames", "--no-ext-diff", "--no-textconv")
        counts = demand(self._git, *told, "--numstat", "-z", "HEAD").split(b"\0")[:-1]
        rows = [line.split(b"\t", 2) for line in counts]
        patch = self._own / "patch"
        demand(self._git, *told, "-p", f"--output={patch}", "HEAD")
        with patch.open("rb") as stream:
            shown = stream.read(PATCH_LIMIT)
        patch.unlink()
        return Changes(
            {
                os.fsdecode(name): sum(int(count) for count in counts if count.isdigit())
                for *counts, name in rows
            },
            shown,
        )

    def _unlock(self) -> None:
        """Take away what a git left that was killed."""
        (self._own / "index.lock").unlink(missing_ok=True)

    def _hide_state(self) -> list[bytes]:
        """Take this program's own files away: they name the arms and hold their texts."""
        state = self.project / OWN_STATE
        if self.project.joinpath(".claude").is_symlink() or not os.path.lexists(state):
            return []
        _remove(state)
        listed = demand(self._git, "ls-files", "-z", "--", f"{self._base.prefix}{OWN_STATE}")
        return listed.split(b"\0")[:-1]


def _write(project: Path, path: str, content: bytes | Content | None) -> None:
    """Write a file of an arm to its place, through no link. Raises UnsafePathError, OSError."""
    target = confined(project, path)
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else _FILE_MODE
    target.unlink(missing_ok=True)
    if content is None:
        return
    data, mode = content if isinstance(content, Content) else (content, mode)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    target.chmod(mode)


def _restore_modes(top: Path, folder_mode: int) -> None:
    """Give files and folders the permissions that git gives, remove what it does not see.

    That is what is neither file, folder nor link, and files with a second name: what is
    written to one or allowed for it could be meant for somebody's file outside.
    """
    waiting = [os.fspath(top)]
    while waiting:
        folder = waiting.pop()
        if stat.S_IMODE(os.lstat(folder).st_mode) != folder_mode:
            os.chmod(folder, folder_mode)  # noqa: PTH101 - many, and fast
        with os.scandir(folder) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                kind, mode = stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode)
                if kind == stat.S_IFDIR:
                    waiting.append(entry.path)
                elif kind == stat.S_IFREG and status.st_nlink == 1:
                    wanted = folder_mode if mode & stat.S_IXUSR else folder_mode & 0o666
                    if mode != wanted:
                        os.chmod(entry.path, wanted)  # noqa: PTH101
                elif kind != stat.S_IFLNK:
                    os.unlink(entry.path)  # noqa: PTH108


def _remove(path: Path) -> None:
    """Remove whatever is there, also folders that somebody made read-only. Raises OSError."""
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    if not os.path.lexists(path):
        return
    if not path.is_dir():
        path.unlink()
        return
    try:
        shutil.rmtree(path)
    except OSError:
        path.chmod(stat.S_IRWXU)
        for around, folders, _ in os.walk(path):
            for folder in (Path(around, name) for name in folders):
                if not folder.is_symlink():
                    folder.chmod(stat.S_IRWXU)  # before it is looked into
        shutil.rmtree(path)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b""
