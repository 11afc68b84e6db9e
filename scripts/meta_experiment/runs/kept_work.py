"""Merging what a run changed onto another commit, beside the user's repository.

The work of a run is a pack that holds two commits: what the run was given, with the text of its
variant in it, and what it left. The difference of the two alone is merged, in a repository made
for it that borrows the user's objects and none of the user's settings: no hook, filter or merge
driver runs, and whatever the outcome is, nothing of the user's was written.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from meta_experiment.errors import DependencyError, GitError, RefusedError
from meta_experiment.git import Git, complaint
from meta_experiment.protocol.disk import PRIVATE_DIRECTORY, PRIVATE_FILE
from meta_experiment.records import dataclass
from meta_experiment.runs.base import OWN_STATE, SLOW
from meta_experiment.runs.plumbing import BRANCHES, demand, told_of

LARGEST = 64 << 20  # bytes of the work of one run
_PACK = ".pack"
_CLEAN, _CONFLICTS = 0, 1
_WHO = tuple(
    (f"GIT_{role}_{part}", value)
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (
        ("NAME", "Run"),
        ("EMAIL", "run@localhost"),
        ("DATE", "@1700000000 +0000"),
    )
)
_NO_SETTINGS = (
    ("GIT_CONFIG_GLOBAL", os.devnull),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_COUNT", "0"),
    ("GIT_CONFIG_PARAMETERS", ""),
)
_LINK = b"160000"  # mode of what belongs to another repository
_SINCE = "2.38"
_CHANGE = re.compile(rb":(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\d*")


@dataclass(frozen=True, slots=True)
class TrialMerge:
    """Outcome of a merge that was tried: the tree, or the files in which both sides differ.

    `pack` holds what of the tree is new. `files` have the lines of each, added and taken away,
    against the commit that it is for; `left_out` are changes that are none of the project's:
    state of this program, and repositories within.
    """

    tree: str
    conflicts: tuple[str, ...]
    files: dict[str, int]
    left_out: tuple[str, ...]
    pack: bytes


def pack_work(git: Git, own: Path, target: Path) -> None:
    """Keep what the index of a checkout holds, against its commit, in a new file of a folder.

    Nothing is kept that is larger than `LARGEST`. Raises GitError, OSError.
    """
    tree = demand(git, "write-tree").decode().strip()
    known = replace(git, variables=git.variables + _WHO)
    made = demand(known, "commit-tree", "-p", "HEAD", tree, stdin=b"Work\n").decode().strip()
    packing = own / "packing"
    packing.mkdir(exist_ok=True)
    wanted = f"{made}\n^HEAD~1\n".encode()
    words = ("pack-objects", "-q", "--revs", "--window=0", "--threads=1", str(packing / "work"))
    name = demand(git, *words, stdin=wanted)  # quick, as most packs are never looked at
    pack = packing / f"work-{name.decode().strip()}{_PACK}"
    shutil.rmtree(target, ignore_errors=True)
    if pack.stat().st_size <= LARGEST:
        target.mkdir(mode=PRIVATE_DIRECTORY, parents=True)
        pack.chmod(PRIVATE_FILE)
        pack.rename(target / f"{made}{_PACK}")
    shutil.rmtree(packing)


def find_work(folder: Path) -> tuple[Path, str] | None:
    """Return the pack of a run's work and the commit in it; None where none was kept."""
    for pack in sorted(folder.glob(f"*{_PACK}")):
        return pack, pack.stem
    return None


def trial_merge(
    git: Git,
    onto: str,
    work: tuple[Path, str],
    lenders: Sequence[str],
    prefix: str,
    scratch: Path,
) -> TrialMerge:
    """Merge a run's work onto a commit of the user's, in a folder made for it.

    Args:
        git: in the user's repository, which is only read.
        onto: the commit.
        work: the pack of the work, and the commit in it.
        lenders: folders of objects that the work was made of.
        prefix: leads from the top of the working tree to the project.
        scratch: a folder that is made anew, and removed.

    Raises:
        GitError: what the work was made of is gone, or git fails. DependencyError: this git is
            too old. StorageError: the folder cannot be written.
    """
    with told_of(scratch):
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            return _Merging(git, scratch, lenders).run(onto, work, prefix)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


class _Merging:
    """A repository in which one merge is tried."""

    def __init__(self, user: Git, scratch: Path, lenders: Iterable[str]) -> None:
        repository = scratch / "repository"
        scratch.mkdir(parents=True, mode=PRIVATE_DIRECTORY)
        form = _line(user, "rev-parse", "--show-object-format")
        plain = replace(user, directory=scratch, timeout=SLOW, variables=_NO_SETTINGS)
        new = ("init", "-q", "--bare", "--template=", f"--object-format={form}")
        demand(plain, *new, str(repository))
        places = (
            ("GIT_DIR", str(repository)),
            ("GIT_INDEX_FILE", str(scratch / "index")),
        )
        self.git = replace(plain, variables=(*_NO_SETTINGS, *_WHO, *places))
        objects = _line(user, "rev-parse", "--path-format=absolute", "--git-path", "objects")
        lent = [path for path in (objects, *lenders) if Path(path).is_dir()]
        self.packs = repository / "objects" / "pack"
        self.packs.mkdir(parents=True, exist_ok=True)
        alternates = self.packs.parent / "info" / "alternates"
        alternates.parent.mkdir(exist_ok=True)
        alternates.write_bytes(b"".join(os.fsencode(f"{path}\n") for path in lent))

    def run(self, onto: str, work: tuple[Path, str], prefix: str) -> TrialMerge:
        """Merge, and pack what is new."""
        pack, commit = work
        shutil.copyfile(pack, self.packs / f"pack-work{_PACK}")
        demand(self.git, "index-pack", str(self.packs / f"pack-work{_PACK}"))
        given, left = self._tree(f"{commit}~1"), self._tree(commit)
        changes = [*self._changes(given, left)]
        foreign = [item for item in changes if item.is_foreign(prefix)]
        if foreign:
            left = self._without(left, foreign)
        base = self._commit(given)
        ours, theirs = self._commit(self._tree(onto), base), self._commit(left, base)
        tree, conflicts = self._merge(ours, theirs)
        return TrialMerge(
            tree,
            conflicts,
            {} if conflicts else self._lines(onto, tree),
            tuple(os.fsdecode(item.path) for item in foreign),
            b"" if conflicts else self._new(onto, tree),
        )

    def _merge(self, ours: str, theirs: str) -> tuple[str, tuple[str, ...]]:
        words = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages")
        done = self.git.run(*words, ours, theirs)
        if done.code not in (_CLEAN, _CONFLICTS):
            if b"usage:" in done.errors + done.output:
                raise DependencyError(
                    f"This git cannot merge without a checkout; {_SINCE} and later can.",
                    hint="Install a newer git.",
                )
            raise GitError(f"git cannot merge it: {complaint(done)}")
        tree, *names = done.output.split(b"\0")
        conflicts = sorted({os.fsdecode(name) for name in names if name})
        return tree.decode(), tuple(conflicts)

    def _changes(self, before: str, after: str) -> Iterator[_PathChange]:
        said = demand(self.git, "diff-tree", "-r", "-z", "--no-renames", before, after)
        parts = said.split(b"\0")
        for head, path in zip(parts[::2], parts[1::2], strict=False):
            if found := _CHANGE.fullmatch(head):
                yield _PathChange(found[1], found[2], found[3], path)

    def _without(self, tree: str, changes: Iterable[_PathChange]) -> str:
        """Return a tree in which some changes were not made."""
        demand(self.git, "read-tree", tree)
        lines = (b"%b %b\t%b\0" % (it.old_mode, it.old, it.path) for it in changes)
        demand(self.git, "update-index", "-z", "--index-info", stdin=b"".join(lines))
        return demand(self.git, "write-tree").decode().strip()

    def _lines(self, before: str, after: str) -> dict[str, int]:
        told = ("diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", "--no-textconv")
        rows = demand(self.git, *told, "--numstat", before, after).split(b"\0")[:-1]
        parted = (row.split(b"\t", 2) for row in rows)
        return {
            os.fsdecode(name): sum(int(count) for count in counts if count.isdigit())
            for *counts, name in parted
        }

    def _new(self, onto: str, tree: str) -> bytes:
        wanted = f"{tree}\n^{onto}^{{tree}}\n".encode()
        return demand(self.git, "pack-objects", "-q", "--revs", "--stdout", stdin=wanted)

    def _tree(self, commit: str) -> str:
        asked = self.git.run("rev-parse", "-q", "--verify", f"{commit}^{{tree}}")
        if asked.code:
            raise GitError(
                "What the run was made of is not in this repository any more.",
                hint="git may have removed the commit that it began at, when no branch had it.",
            )
        return asked.output.decode().strip()

    def _commit(self, tree: str, *parents: str) -> str:
        words = [word for parent in parents for word in ("-p", parent)]
        return demand(self.git, "commit-tree", *words, tree, stdin=b"x\n").decode().strip()


@dataclass(frozen=True, slots=True)
class _PathChange:
    """What became of a path: its modes, what it was."""

    old_mode: bytes
    new_mode: bytes
    old: bytes
    path: bytes

    def is_foreign(self, prefix: str) -> bool:
        """Tell a change that is none of the project's."""
        own = os.fsencode(f"{prefix}{OWN_STATE}/")
        return self.new_mode == _LINK or self.path.startswith(own)


def make_branch(git: Git, name: str, onto: str, merged: TrialMerge, message: str) -> str:
    """Put what was merged into the user's repository, as a new branch; return its commit.

    Raises:
        RefusedError: there is such a branch, or git does not know who the user is.
        GitError: git fails.
    """
    if git.run("var", "GIT_COMMITTER_IDENT").code:
        raise RefusedError(
            "git does not know in whose name to commit.",
            hint='git config user.name "…"; git config user.email "…"',
        )
    slow = replace(git, timeout=SLOW)
    demand(slow, "unpack-objects", "-q", stdin=merged.pack)
    made = demand(slow, "commit-tree", "-p", onto, merged.tree, stdin=message.encode())
    commit = made.decode().strip()
    done = slow.run(
        *("-c", f"core.hooksPath={os.devnull}"),
        *("update-ref", f"{BRANCHES}{name}", commit, "0" * len(commit)),
    )
    if done.code:
        raise RefusedError(
            f"The branch {name} cannot be made: {complaint(done)}",
            hint="Name another: --branch NAME",
        )
    return commit


def _line(git: Git, *words: str) -> str:
    return os.fsdecode(demand(git, *words).rstrip(b"\n"))
