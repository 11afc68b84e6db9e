"""A change of files as one commit on a branch of a remote: in no working tree, and once.

The commit names its change in a trailer. Whoever does the same again finds it by that and by
its texts, also where the change was taken back since: what was done once is not done a second
time. On the base its texts alone are enough, where they came after the decision. One with that
name and other texts is nobody's word for it: what differs is said. Two that do it at once push
two commits, of which the remote takes one; the other then finds that.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path

from meta_experiment.deploy.change import FileChange
from meta_experiment.deploy.commit import NoCommit, Repository
from meta_experiment.deploy.message import CHANGE_TRAILER
from meta_experiment.errors import DriftError, GitError, as_word
from meta_experiment.files.confine import Content
from meta_experiment.git import Git
from meta_experiment.git.remote_branch import RemoteRepository
from meta_experiment.records import dataclass

_TRIES = 8  # pushes, where others push to the branch at the same time
_GONE_MODE = "0"


@dataclass(frozen=True, slots=True)
class BranchCommit:
    """The commit of a change on a branch of a remote; `found` where it was there before.

    `taken_back` says that its base has it in its history, and has other texts by now.
    """

    commit: str
    branch: str
    remote: str
    url: str
    found: bool
    taken_back: bool = False


@dataclass(frozen=True, slots=True)
class BranchChange:
    """A change of files to be committed on a branch; `expected` of each is what stands there.

    `controls` are the bytes behind what is expected, by path.
    """

    change_id: str
    files: Sequence[FileChange]
    controls: dict[str, Content | None]
    message: str
    at: float


class WaitingChange(Enum):
    """How a change stands that was pushed as a branch of its own, as far as git knows."""

    MERGED = "its texts came to the base"
    WAITS = "its branch is there"
    GONE = "its branch is gone, and its texts did not come to the base"


def look_after(git: Git | None, change: BranchChange, base: str, branch: str) -> WaitingChange:
    """Look how a change stands that waits on a branch for somebody to merge it.

    Raises:
        GitError: there is no repository or no remote, or it does not answer.
        DriftError: what bears the name of the change on the base has other texts.
    """
    work = _work(git, change, base)
    tip = work.remote.tip(base)
    if tip is not None and (work.done_in(tip) or work.came_to(tip)):
        return WaitingChange.MERGED
    there = work.remote.tip(branch)
    return WaitingChange.GONE if there is None else WaitingChange.WAITS


def commit_on_branch(
    git: Git | None, change: BranchChange, base: str, branch: str
) -> BranchCommit:
    """Commit a change on top of the remote's `base`, and push it as `branch`.

    Raises:
        DriftError: on the base a file is neither what is expected nor what it shall be, or a
            commit with the name of the change has other texts.
        GitError: there is no repository, no remote or no such base, one of them refuses, or
            the history is not all here.
    """
    work = _work(git, change, base)
    remote = work.remote
    for _ in range(_TRIES):
        tip = remote.tip(base)
        if tip is None:
            raise GitError(
                f"The remote {remote.name} has no branch {base}.",
                hint="Push it, or name the one that everybody pulls in the plan's team.",
            )
        there = tip if branch == base else remote.tip(branch)
        if commit := work.done_in(tip) or work.came_to(tip):
            return work.result(commit, base, found=True, taken_back=not work.stands_in(tip))
        if there is not None and branch != base and (commit := work.done_in(there)):
            return work.result(commit, branch, found=True)
        if there is not None and branch != base:
            raise GitError(
                f"The remote {remote.name} has a branch {branch} with something else.",
                hint=f"Remove it: git push {remote.name} --delete {branch}",
            )
        made = work.commit_on(tip)
        if made is not None and remote.is_cut_short():
            raise GitError(
                "This clone has a part of the history alone, so that nobody sees here whether "
                f"{base} had the promoted text before and took it back.",
                hint=f"Fetch the rest: git fetch --unshallow {remote.name}. In a workflow of "
                "GitHub Actions: fetch-depth: 0",
            )
        if made is None:  # the base has these texts already, by whatever way
            return work.result(work.last_of(tip), base, found=True)
        if remote.push(made, branch):
            return work.result(made, branch, found=False)
    raise GitError(
        f"The branch {branch} moved {_TRIES} times while the change was being pushed.",
        hint="Run the same command again.",
    )


def _work(git: Git | None, change: BranchChange, base: str) -> _BranchWork:
    repository = Repository.holding(git)
    if isinstance(repository, NoCommit):
        raise GitError(
            f"Nothing can be committed: {repository.note}.",
            hint="A team takes what was decided from a branch: work in a clone of it.",
        )
    remote = RemoteRepository.of_branch(repository.git, base)
    return _BranchWork(repository, remote, change)


class _BranchWork:
    """One change, being made on top of some commit."""

    def __init__(
        self, repository: Repository, remote: RemoteRepository, change: BranchChange
    ) -> None:
        self._repository = repository
        self.remote = remote
        self._change = change
        self._paths = {item.path: repository.prefix + item.path for item in change.files}
        # the same hands make the same commit again, to the byte
        at = f"{int(change.at)} +0000"
        dated = (("GIT_AUTHOR_DATE", at), ("GIT_COMMITTER_DATE", at))
        self._git = replace(repository.git, variables=(*repository.git.variables, *dated))

    def result(
        self, commit: str, branch: str, *, found: bool, taken_back: bool = False
    ) -> BranchCommit:
        """Say where the commit stands."""
        remote = self.remote
        return BranchCommit(commit, branch, remote.name, remote.url, found, taken_back)

    def done_in(self, tip: str) -> str:
        """Return the commit of this change in the history of another; empty where none is.

        Raises:
            DriftError: what bears its name there has other texts.
        """
        # as no configuration of git's has it read otherwise; a web page ends lines with \r\n
        mark = f"^{CHANGE_TRAILER}: {self._change.change_id}[[:space:]]*$"
        named = _text(
            self._git.demand("rev-list", "--basic-regexp", f"--grep={mark}", tip, "--")
        )
        other = {commit: self._differing(commit) for commit in named.split()}
        for commit, paths in other.items():
            if not paths:
                return commit
        for commit, paths in other.items():
            raise DriftError(
                f"The commit {commit[:12]} bears the name of this change and has another text "
                f"of {', '.join(map(as_word, paths))} than was promoted.",
                hint=f"See who made it: git show {commit[:12]}. Bring the promoted text to the "
                "branch by hand, or leave it as it is there.",
            )
        return ""

    def came_to(self, tip: str) -> str:
        """Return the commit by which all texts came into a history since they were promoted.

        That is how one without the name of the change is found, such as a squash whose message
        somebody wrote. Empty where there is none.
        """
        since = f"--max-age={int(self._change.at)}"
        found = self._touching(tip, "--full-history", since)
        fits = (it for it in reversed(found) if self.stands_in(it))
        return next(fits, "")

    def stands_in(self, tip: str) -> bool:
        """Tell whether a commit has all the texts of this change."""
        return not self._differing(tip)

    def _differing(self, commit: str) -> list[str]:
        """Return the paths of which a commit has other contents than this change gives them."""
        return [
            item.path
            for item in self._change.files
            if (known := self._known(commit, self._paths[item.path]))
            != self._object(self._paths[item.path], item.target, known)
        ]

    def last_of(self, tip: str) -> str:
        """Return the commit that brought these files into a history."""
        return next(iter(self._touching(tip, "-1")), tip)

    def _touching(self, tip: str, *options: str) -> list[str]:
        """Return the commits of a history that touch these files, the newest first."""
        paths = self._paths.values()
        return _text(self._git.demand("rev-list", *options, tip, "--", *paths)).split()

    def commit_on(self, tip: str) -> str | None:
        """Make the commit; None where there is nothing to change."""
        lines = []
        for item in self._change.files:
            path = self._paths[item.path]
            known = self._known(tip, path)
            control = self._object(path, self._change.controls[item.path], known)
            target = self._object(path, item.target, known)
            if known == target:
                continue
            if known != control:
                raise DriftError(
                    f"{as_word(item.path)} is not the control any more on the branch of the "
                    "team: it was changed since the experiment was created.",
                    hint="Merge the promoted text by hand, or bring the file back there.",
                )
            mode, name = target or (_GONE_MODE, "0" * len(known[1] if known else ""))
            lines.append(f"{mode} {name}\t".encode() + os.fsencode(path) + b"\0")
        if not lines:
            return None
        with tempfile.TemporaryDirectory(prefix="meta-experiment-") as folder:
            index = Path(folder, "index")
            self._git.demand("read-tree", tip, index=index)
            self._git.demand(
                "update-index", "-z", "--index-info", stdin=b"".join(lines), index=index
            )
            tree = _text(self._git.demand("write-tree", index=index))
        sign = self._git.run("config", "--type=bool", "--get", "commit.gpgSign").output
        options = ("-S",) if sign == b"true\n" else ()
        message = self._change.message.encode()
        commit = self._git.demand(
            "commit-tree", tree, "-p", tip, *options, "-F", "-", stdin=message
        )
        return _text(commit)

    def _known(self, tip: str, path: str) -> tuple[str, str] | None:
        """Return mode and object of a path in a commit."""
        line = self._git.demand("ls-tree", "-z", "--full-tree", tip, "--", path)
        if not line:
            return None
        mode, _kind, name = line.partition(b"\t")[0].split()
        return _text(mode), _text(name)

    def _object(
        self, path: str, content: Content | None, known: tuple[str, str] | None
    ) -> tuple[str, str] | None:
        """Return mode and object that git makes of contents; the mode there is kept."""
        if content is None:
            return None
        name = self._git.demand(
            "hash-object", "-w", "--stdin", f"--path={path}", stdin=content.data
        )
        mode = "100755" if content.mode & 0o100 else "100644"
        return (known[0] if known else mode), _text(name)


def _text(output: bytes) -> str:
    return output.decode("ascii", "backslashreplace").strip()
