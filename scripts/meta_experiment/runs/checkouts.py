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
from meta_experiment.runs import ignored_files
from meta_experiment.runs.base import OWN_STATE, SLOW, Base
from meta_experiment.runs.fence import Fence
from meta_experiment.runs.kept_work import pack_work
from meta_experiment.runs.plumbing import demand, set_head, signed_as, told_of
from meta_experiment.runs.work_tree import OWN_FILES, Changes, WorkTree, remove, restore_modes

_SUBJECT = "Update project files"
# where one is missing, the client may take that of another checkout
_CLIENT_FOLDERS = ("skills", "commands", "agents", "output-styles", "workflows", "routines")
_FILE_MODE = 0o644
_OPEN = Fence()

Arm = Mapping[str, "bytes | Content | None"]


class Slots:
    """Checkouts of one base below a folder, by number; one runner has each for itself.

    Where the user's settings name filters, git runs them within the `fence` of the agents:
    their programs may lie in the checkout.
    """

    def __init__(
        self, git: Git, base: Base, folder: Path, project: str, fence: Fence = _OPEN
    ) -> None:
        self._git = git
        filters = b"[filter " in (Path(base.template) / "config").read_bytes()
        self._fence = fence if filters else _OPEN
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

    def keep_work(self, number: int, folder: Path) -> None:
        """Keep what `changes` saw in a slot, to be merged.

        Raises:
            GitError: git cannot. StorageError: the file system does not let it.
        """
        with told_of(folder), self._slot(number) as slot:
            slot.keep_work(folder)

    def dispose(self) -> None:
        """Remove all slots, whatever is in them. Raises StorageError."""
        remove_slots(self._folder)

    @contextmanager
    def _slot(self, number: int) -> Iterator[_Slot]:
        """Hold a slot: a git that outlives a runner who was killed still has it for itself."""
        with FileLock(self._folder / f"{number}.lock", timeout=SLOW, verb="checkout") as lock:
            own = [self._folder / f"{number}{end}" for end in ("", ".git", ".git.new")]
            git = replace(self._git, inherited=(lock.fileno(),))
            git = self._fence.around_git(git, own)
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
        remove(folder)


class _Slot:
    """One checkout. `top` is its working tree, `own` our repository of it."""

    def __init__(self, git: Git, base: Base, folder: Path, number: int, name: str) -> None:
        self._base = base
        self._template = Path(base.template)
        self._folder = folder / str(number)
        self._own = folder / f"{number}.git"
        self._new = folder / f"{number}.git.new"
        self._top = self._folder / name
        self._git = git
        self._tree = self._tree_of(self._own)
        self.project = self._top / base.prefix

    def _tree_of(self, own: Path) -> WorkTree:
        return WorkTree(self._git, self._template, own, self._top, self._base.branch)

    def make(self, at: str) -> None:
        """Make the checkout from nothing; until it is whole, there is none."""
        for path in (self._own, self._new, self._folder):
            remove(path)
        self._top.mkdir(parents=True)
        shutil.copytree(self._template, self._new)
        self._tree_of(self._new).check_out(at)
        self._new.rename(self._own)
        self.reset(at)

    def reset(self, at: str) -> None:
        """Put the checkout back to a commit: nothing else is left. Raises GitError, OSError."""
        for path in (self._folder, self._top):
            if path.is_symlink():
                raise GitError(f"{path} is a link.")
        for path in self._folder.iterdir():
            if path != self._top:
                remove(path)
        restore_modes(self._top, stat.S_IMODE((self._template / "objects").stat().st_mode))
        self._tree.reset(at)
        self._tree.fill(self._base.submodules, as_known=at == self._base.commit)
        ignored_files.lay_out(Path(self._base.included), self._top)

    def install(self, arm: Arm, at: str, signature: tuple[tuple[str, str], ...]) -> None:
        """Write an arm's files and commit them, then give the agent its repository."""
        self.project.mkdir(parents=True, exist_ok=True)
        for path, content in arm.items():
            _write(self.project, path, content)
        changed = [os.fsencode(f"{self._base.prefix}{path}") for path in arm]
        changed += self._hide_state()
        names = b"".join(name + b"\0" for name in changed)
        git = self._tree.git
        demand(git, "update-index", "--add", "--remove", "-z", "--stdin", stdin=names)
        tree = demand(git, "write-tree").decode().strip()
        signed = replace(git, variables=git.variables + signature)
        made = demand(signed, "commit-tree", "-p", at, tree, stdin=f"{_SUBJECT}\n".encode())
        set_head(self._own, self._base.branch, made.decode().strip())
        ours = shutil.ignore_patterns(*OWN_FILES)
        theirs = self._top / ".git"
        shutil.copytree(self._own, theirs, ignore=ours)
        for inner in self._tree.filled():
            place = os.path.relpath(theirs / inner.own.relative_to(self._own), inner.top)
            (inner.top / ".git").write_bytes(b"gitdir: " + os.fsencode(place) + b"\n")
        client = self.project / ".claude"
        for name in () if client.is_symlink() else _CLIENT_FOLDERS:
            if not os.path.lexists(client / name):
                (client / name).mkdir(parents=True)

    def changes(self) -> Changes:
        """Return what is changed since the commit of the arm."""
        for path in (self._folder, self._top, self.project):
            if path.is_symlink() or not path.is_dir():
                raise NotFoundError(f"{path} is gone.")
        return self._tree.changes()

    def keep_work(self, folder: Path) -> None:
        """Keep what the last look at changes saw, against the commit of the arm."""
        pack_work(self._tree.as_seen, self._own, folder)

    def _hide_state(self) -> list[bytes]:
        """Take this program's own files away: they name the arms and hold their texts."""
        state = self.project / OWN_STATE
        if self.project.joinpath(".claude").is_symlink() or not os.path.lexists(state):
            return []
        remove(state)
        listed = demand(
            self._tree.git, "ls-files", "-z", "--", f"{self._base.prefix}{OWN_STATE}"
        )
        return listed.split(b"\0")[:-1]


def _write(project: Path, path: str, content: bytes | Content | None) -> None:
    """Write a file of an arm to its place, through no link. Raises UnsafePathError, OSError."""
    target = confined(project, path)
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else _FILE_MODE
    target.unlink(missing_ok=True)
    if content is None:
        _remove_empty(project, target.parent)
        return
    data, mode = content if isinstance(content, Content) else (content, mode)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    target.chmod(mode)


def _remove_empty(project: Path, folder: Path) -> None:
    """Remove the folders that a file left empty: git has none. Raises OSError."""
    while folder != project and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
