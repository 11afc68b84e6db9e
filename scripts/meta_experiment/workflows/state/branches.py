"""The state of workflows on the branches that keep it: one's own, or those of a remote."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping

from meta_experiment.errors import CorruptStoreError, GitError, NotFoundError
from meta_experiment.git import Git, complaint
from meta_experiment.records import dataclass
from meta_experiment.workflows.state.ledger import BadLine, RunLedger
from meta_experiment.workflows.state.parsing import LARGEST, STATE_FILES, StateReader
from meta_experiment.workflows.workflow_names import BRANCHES, branch_of, workflow_id

_OWN = "refs/heads/"
_FETCH = "git fetch {0} 'refs/heads/experiments/*:refs/remotes/{0}/experiments/*'"


@dataclass(frozen=True, slots=True)
class BranchState:
    """The state of a workflow as branches have it; `commits` by their full names."""

    workflow_id: str
    commits: Mapping[str, str]
    ledger: RunLedger


def state_branches(
    git: Git, remote: str = "origin", beginning: str = BRANCHES
) -> dict[str, dict[str, str]]:
    """Return the branches that keep state, by id: their full names with their commits.

    What other branches keep is found by the beginning of their names.

    Raises:
        DependencyError, GitError: git cannot be asked, or this is no repository.
    """
    prefixes = (_OWN + beginning, f"refs/remotes/{remote}/{beginning}")
    form = "--format=%(objectname) %(refname)"
    listed = _said(git, "for-each-ref", form, *(item.rstrip("/") for item in prefixes))
    found: dict[str, dict[str, str]] = {}
    for line in os.fsdecode(listed).splitlines():
        commit, _, name = line.partition(" ")
        known = next(name.removeprefix(item) for item in prefixes if name.startswith(item))
        found.setdefault(known, {})[name] = commit
    return found


def read_branch(git: Git, workflow: str, remote: str = "origin") -> BranchState:
    """Read what the branches of a workflow hold: one's own, and that of the remote as fetched.

    Their union counts, so that one that lags behind takes nothing away.

    Args:
        git: in the repository.
        workflow: its file or name.
        remote: whose branches are read beside one's own; nothing is fetched.

    Raises:
        NotFoundError: there is no such branch, or no state on it. CorruptStoreError: nothing
            of it can be read. DependencyError, GitError: git cannot be asked, or an object is
            missing or damaged.
    """
    known = workflow_id(workflow)
    commits = state_branches(git, remote).get(known)
    if not commits:
        raise NotFoundError(
            f"No branch {branch_of(workflow)} is here, neither one's own nor of {remote}.",
            hint=f"Fetch it: {_FETCH.format(remote)}",
        )
    reader, files = StateReader(), 0
    for name, commit in sorted(commits.items()):
        for path, data in files_on(git, name, commit, STATE_FILES):
            files += 1
            source = f"{name.partition('/')[2].partition('/')[2]}:{path}"
            if data is None:
                reader.add_bad(BadLine(source, 0, f"larger than {LARGEST:,} bytes"))
            else:
                reader.add(data, source)
    if not files:
        raise NotFoundError(
            f"{branch_of(workflow)} holds neither of {' and '.join(STATE_FILES)}.",
            hint=f"Look what it is: git log {next(iter(commits))}",
        )
    return BranchState(known, commits, reader.ledger)


def files_on(
    git: Git, name: str, commit: str, wanted: Collection[str]
) -> Iterator[tuple[str, bytes | None]]:
    """Yield the files of these names at the top of a commit; None for one that is too large.

    Raises:
        CorruptStoreError: one is no file. DependencyError, GitError: git cannot be asked, or an
            object is missing or damaged.
    """
    listed = _said(git, "ls-tree", "-l", "-z", commit)
    for line in os.fsdecode(listed).split("\0"):
        about, _, path = line.partition("\t")
        if path not in wanted:
            continue
        mode, kind, blob, size = about.split()
        if kind != "blob" or mode == "120000":
            raise CorruptStoreError(f"{path} of {name} is no file.")
        if not size.isdigit():
            raise GitError(
                f"{path} of {name} is not among the objects that git has here.",
                hint="Fetch the branch whole: git fetch --refetch",
            )
        small = int(size) <= LARGEST
        yield path, _said(git, "cat-file", "blob", blob) if small else None


def _said(git: Git, *words: str) -> bytes:
    done = git.run(*words)
    if done.code:
        raise GitError(
            f"git {words[0]} failed: {complaint(done) or 'no message'}",
            hint="Look whether the repository is whole: git fsck",
        )
    return done.output
