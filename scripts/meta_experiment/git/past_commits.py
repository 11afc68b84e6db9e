"""Commits at which a repository stood at past moments, as far as git can tell today."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from dataclasses import replace
from pathlib import Path

from meta_experiment.git import Git
from meta_experiment.records import dataclass
from meta_experiment.types.cases import CommitSource

_MERGED = re.compile(
    r"Merge (?:pull request #\d+ from [^/\s]+/(?P<pulled>\S+)"
    r"|(?:remote-tracking )?branch '(?P<merged>[^']+)')"
)
_MOVED = re.compile(r"checkout: moving from (\S+) to (\S+)")
_DETACHED = re.compile(r"HEAD|[0-9a-f]{7,64}")
_AT = re.compile(r"@\{(\d+)\}$")
_MOST_MERGES = 50_000
_FIELDS = "%x1f"  # between the fields of a line, which subjects do not hold


@dataclass(frozen=True, slots=True)
class _Move:
    """HEAD from a time on: at a commit, and on a branch or what else it was moved to."""

    at: int
    commit: str
    branch: str


class PastCommits:
    """Past of a repository, each part of it read when it is first asked for."""

    def __init__(self, git: Git) -> None:
        """Take git as it stands somewhere in the repository."""
        self._git = git
        self._trees: list[str] | None = None
        self._moves: dict[str, list[_Move]] = {}
        self._branches: dict[str, str] | None = None
        self._merges: dict[str, list[tuple[int, str]]] | None = None

    @property
    def trees(self) -> list[str]:
        """The working trees of the repository, those within others last; empty without one."""
        if self._trees is None:
            said = self._say("worktree", "list", "--porcelain")
            marks = [line for line in said.splitlines() if line.startswith("worktree ")]
            self._trees = sorted((m.removeprefix("worktree ") for m in marks), key=len)
        return self._trees

    def tree_of(self, folder: str) -> str | None:
        """Return the working tree of the repository in which a folder lies or lay."""
        around = [tree for tree in self.trees if Path(folder).is_relative_to(tree)]
        return around[-1] if around else None

    def find(
        self, at: float, branch: str, folder: str, recorded: str | None
    ) -> tuple[str, CommitSource] | None:
        """Return the commit at which a session stood, and what tells it; None if nothing does.

        Args:
            at: seconds since the epoch.
            branch: as the session had it; empty where that is not known.
            folder: of the session. One outside of the repository's working trees is another's,
                of which only a recorded commit is known to be the same.
            recorded: the commit that the session had from git.

        Raises:
            DependencyError, GitError: git cannot be asked.
        """
        if recorded and (commit := self._commit(recorded)):
            return commit, CommitSource.RECORDED
        tree = self.tree_of(folder)
        if tree is None:
            return None
        for source, commit in (
            (CommitSource.REFLOG, self._by_reflog(tree, at, branch)),
            (CommitSource.BRANCH, self._before(self._known_branches().get(branch), at)),
            (CommitSource.MERGE, self._by_merge(branch, at)),
            (CommitSource.MAIN, self._before(self._main(), at)),
        ):
            if commit:
                return commit, source
        return None

    def _by_reflog(self, tree: str, at: float, branch: str) -> str:
        """Return where HEAD stood, unless that was on another branch than the session."""
        moves = self._moves_of(tree)
        begun = [move for move in moves if move.at <= at]
        if not begun:
            return ""
        names = (branch, begun[-1].branch)
        if names[0] != names[1] and all(n and not _DETACHED.fullmatch(n) for n in names):
            return ""
        return self._commit(begun[-1].commit)

    def _moves_of(self, tree: str) -> list[_Move]:
        """Return the moves of HEAD of a working tree, oldest first."""
        if tree not in self._moves:
            git = replace(self._git, directory=Path(tree))
            form = f"--format=%H{_FIELDS}%gd{_FIELDS}%gs"
            rows: list[list[str]] = []
            branch = ""
            if Path(tree).is_dir():
                listed = git.run("log", "-g", "--date=unix", form, "HEAD")
                rows = [] if listed.code else _rows(listed.output)
                branch = _text(git.run("symbolic-ref", "-q", "--short", "HEAD").output)
            moves = []
            for commit, place, why in rows:  # newest first, so that a branch is known backwards
                time = _AT.search(place)
                if time:
                    moves.append(_Move(int(time[1]), commit, branch))
                if moved := _MOVED.match(why):
                    branch = moved[1]
            self._moves[tree] = moves[::-1]
        return self._moves[tree]

    def _by_merge(self, branch: str, at: float) -> str:
        """Return where a branch stood of which the merge is all that is left."""
        if self._merges is None:
            self._merges = {}
            form = f"--format=%P{_FIELDS}%ct{_FIELDS}%s"
            listed = self._git.run(
                "log", "--all", "--merges", f"--max-count={_MOST_MERGES}", form
            )
            for parents, time, subject in [] if listed.code else _rows(listed.output):
                if named := _MERGED.match(subject):
                    known = self._merges.setdefault(named["pulled"] or named["merged"], [])
                    known.append((int(time), parents.split()[1]))
            for entries in self._merges.values():
                entries.sort()
        merges = self._merges.get(branch, [])
        after = bisect_left(merges, (int(at), ""))
        return self._before(merges[after][1], at) if after < len(merges) else ""

    def _known_branches(self) -> dict[str, str]:
        """Return the commits of all branches; one's own counts before that of a remote."""
        if self._branches is None:
            form = f"--format=%(objectname){_FIELDS.replace('x', '')}%(refname)"
            listed = self._git.run("for-each-ref", form, "refs/remotes", "refs/heads")
            self._branches = {}
            for commit, name in _rows(listed.output):
                _, where, rest = name.split("/", 2)
                known = rest.partition("/")[2] if where == "remotes" else rest
                self._branches[known] = commit
        return self._branches

    def _main(self) -> str | None:
        remote = self._say("symbolic-ref", "-q", "refs/remotes/origin/HEAD")
        names = (remote.removeprefix("refs/remotes/origin/"), "main", "master")
        known = self._known_branches()
        return next((known[name] for name in names if name in known), None)

    def _before(self, commit: str | None, at: float) -> str:
        """Return the newest commit before a time that a branch came by."""
        if not commit:
            return ""
        return self._say("rev-list", "-1", "--first-parent", f"--before={int(at)}", commit)

    def _commit(self, name: str) -> str:
        """Return the whole id of a commit that is still there."""
        return self._say("rev-parse", "-q", "--verify", f"{name}^{{commit}}")

    def _say(self, *arguments: str) -> str:
        asked = self._git.run(*arguments)
        return "" if asked.code else _text(asked.output)


def _rows(output: bytes) -> list[list[str]]:
    return [line.split("\x1f") for line in os.fsdecode(output).splitlines() if line]


def _text(output: bytes) -> str:
    return os.fsdecode(output).strip()
