"""A working tree that is used again and again, and our repository of it, which no agent knows.

Submodules are working trees within, whose repositories lie in ours as git lays its own:
`modules/PATH`. Whose is which folder is told by our index and our settings, never by what an
agent left there; git is kept from looking into a repository that may be an agent's, as it would
run the filters that are named there.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from meta_experiment.errors import GitError
from meta_experiment.git import Git
from meta_experiment.records import dataclass
from meta_experiment.runs.base import MODULES, SLOW, Submodule
from meta_experiment.runs.plumbing import add_all, demand, gitlinks, set_head

PATCH_LIMIT = 1_000_000  # bytes
OWN_FILES = ("links", "patch", "seen", "index.lock", "seen.lock")  # of ours, beside git's
_CHECKED = ("config", "objects/info/alternates")
_CHECK_OUT = ("read-tree", "--reset", "-u")
_READ = 1 << 16  # bytes at once


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


class WorkTree:
    """A working tree at `top`, our repository `own` of it, the `template` that this is from."""

    def __init__(self, git: Git, template: Path, own: Path, top: Path, branch: str) -> None:
        self._plain = git
        self.template = template
        self.own = own
        self.top = top
        self._branch = branch
        places = (("GIT_DIR", str(own)), ("GIT_WORK_TREE", str(top)))
        self.git = replace(git, directory=top, timeout=SLOW, variables=places)

    def within(self, path: str, branch: str = "") -> WorkTree:
        """Return the working tree of a submodule."""
        places = (self.template / MODULES / path, self.own / MODULES / path, self.top / path)
        return WorkTree(self._plain, *places, branch)

    def check_out(self, at: str) -> None:
        """Lay a commit out where nothing is yet. Raises GitError."""
        demand(self.git, *_CHECK_OUT, at, settings=("checkout.workers=0",))

    def reset(self, at: str) -> None:
        """Put the files back to a commit, whatever was done to them. Raises GitError, OSError.

        What lies in folders of submodules stays as it is: see `fill`.
        """
        if any(_bytes(self.own / name) != _bytes(self.template / name) for name in _CHECKED):
            raise GitError(f"{self.own} is not of this base.")
        self._unlock()
        remove(self.own / "objects")
        shutil.copytree(self.template / "objects", self.own / "objects")
        set_head(self.own, self._branch, at)
        if (self.own / "index").exists():
            demand(self.git, *_CHECK_OUT, at)
        else:
            self.check_out(at)
        demand(self.git, "clean", "-ffdxq")

    def fill(self, known: Sequence[Submodule], *, as_known: bool) -> None:
        """Put submodules back as well: to what is `known`, or to what the commit has there.

        One that is not filled, or does not have that commit, is left empty.
        """
        branches = {item.path: item for item in known}
        links = {item.path: item.commit for item in known} if as_known else gitlinks(self.git)
        listed = b"".join(os.fsencode(path) + b"\0" for path in links)
        (self.own / "links").unlink(missing_ok=True)
        for path, commit in links.items():
            module = branches.get(path)
            inner = self.within(path, module.branch if module else "")
            self._make_way(path)
            if module and module.filled and inner.has(commit):
                inner.reset(commit)
                inner.fill(module.submodules, as_known=commit == module.commit)
            else:
                remove(inner.own / "index")
                remove(inner.top)
                inner.top.mkdir()
        if links:
            (self.own / "links").write_bytes(listed)

    def has(self, commit: str) -> bool:
        """Tell whether a submodule has a commit; our repository of it may be half made."""
        places = (("GIT_DIR", str(self.template)),)
        git = replace(self._plain, directory=self.template, variables=places)
        return git.run("cat-file", "-e", f"{commit}^{{commit}}").code == 0

    def filled(self) -> Iterator[WorkTree]:
        """Yield the working trees of submodules, those within these after each."""
        for path in self._links():
            inner = self.within(path)
            if (inner.own / "index").is_file():
                yield inner
                yield from inner.filled()

    def changes(self) -> Changes:
        """Return what is changed since the last commit of ours, in submodules as well."""
        files, patch = self._changes("", stands=True)
        for inner in self.filled():
            path = inner.top.relative_to(self.top)
            stands = all(_is_folder(self.top / part) for part in (path, *path.parents))
            within, more = inner._changes(f"{path.as_posix()}/", stands=stands)  # noqa: SLF001
            files, patch = files | within, (patch + more)[:PATCH_LIMIT]
        return Changes(files, patch)

    def _changes(self, prefix: str, *, stands: bool) -> tuple[dict[str, int], bytes]:
        """Return the files with their lines, and the patch, under a prefix of paths.

        An index of its own takes up what is there: of a repository that an agent made and
        that ours knows, git would run the filters. Of a working tree that no longer `stands`,
        all is gone.
        """
        self._unlock()
        seen, told = self.own / "seen", self.own / "patch"
        git = self.as_seen
        if stands:
            shutil.copy2(self.own / "index", seen)
            # with 1, something could not be read, as a repository without a commit
            add_all(git, self._links(), "--ignore-errors", most=1)
        else:
            elsewhere = (("GIT_WORK_TREE", str(self.own)),)
            git = replace(git, directory=self.own, variables=git.variables + elsewhere)
            demand(git, "read-tree", "--empty")
        form = ("--no-renames", "--no-ext-diff", "--no-textconv", "--numstat", "-z", "-p")
        under = (f"--src-prefix=a/{prefix}", f"--dst-prefix=b/{prefix}")
        demand(git, "diff-index", "--cached", *form, *under, f"--output={told}", "HEAD")
        counts, patch = _told(told)
        told.unlink()
        rows = (line.split(b"\t", 2) for line in counts)
        return {
            prefix + os.fsdecode(name): sum(int(count) for count in lines if count.isdigit())
            for *lines, name in rows
        }, patch

    @property
    def as_seen(self) -> Git:
        """Git by the index of the last look at changes."""
        place = ("GIT_INDEX_FILE", str(self.own / "seen"))
        return replace(self.git, variables=(*self.git.variables, place))

    def _links(self) -> list[str]:
        """Return the folders of other repositories, as `fill` found them."""
        listed = _bytes(self.own / "links").split(b"\0")[:-1]
        return [os.fsdecode(name) for name in listed]

    def _make_way(self, path: str) -> None:
        """Make sure of a real folder, through no link. Raises GitError, OSError."""
        place = self.top
        for part in path.split("/"):
            place /= part
            if place.is_symlink() or (os.path.lexists(place) and not place.is_dir()):
                remove(place)
            place.mkdir(exist_ok=True)

    def _unlock(self) -> None:
        """Take away what a git left that was killed."""
        for name in OWN_FILES:
            if name != "links":
                (self.own / name).unlink(missing_ok=True)


def restore_modes(top: Path, folder_mode: int) -> None:
    """Give files and folders the permissions that git gives, remove what it does not see.

    That is what is neither file, folder nor link, and files with a second name: what is
    written to one or allowed for it could be meant for somebody's file outside; and every
    repository, at the top and below.
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
                if entry.name == ".git":
                    remove(Path(entry.path))
                elif kind == stat.S_IFDIR:
                    waiting.append(entry.path)
                elif kind == stat.S_IFREG and status.st_nlink == 1:
                    wanted = folder_mode if mode & stat.S_IXUSR else folder_mode & 0o666
                    if mode != wanted:
                        os.chmod(entry.path, wanted)  # noqa: PTH101
                elif kind != stat.S_IFLNK:
                    os.unlink(entry.path)  # noqa: PTH108


def remove(path: Path) -> None:
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


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _told(path: Path) -> tuple[list[bytes], bytes]:
    """Return the rows of counts before an empty one, and the beginning of what follows."""
    with path.open("rb") as stream:
        text = stream.read(_READ)
        while b"\0\0" not in text and (more := stream.read(_READ)):
            text += more
        counts, _, patch = text.partition(b"\0\0")
        patch += stream.read(max(0, PATCH_LIMIT - len(patch)))
    return [row for row in counts.split(b"\0") if row], patch[:PATCH_LIMIT]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b""
