"""A branch of a remote, read and moved from here without any working tree.

This is the one place where git talks to another repository. It does so by the protocols that
people clone by, with the user's own credentials, and asks nobody for any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from meta_experiment.errors import GitError
from meta_experiment.git.command import Git, complaint
from meta_experiment.records import dataclass

_SECONDS = 120.0
_PROTOCOLS = ("GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh")
_MOVED = ("[rejected]", "cannot lock ref", "failed to update ref", "incorrect old value")
_USUAL = "origin"
_PREFIX = re.compile(r"(?:remote: |fatal: |error: )+|!\s+[0-9a-f]+:\S+\s+")
_ASIDE = ("failed to push some refs", "To ", "Done", "Please make sure", "and the repository")
_ZERO = "0" * 40


@dataclass(frozen=True, slots=True)
class RemoteRepository:
    """A remote of the repository around git's directory, by its name there."""

    git: Git
    name: str

    @classmethod
    def of_branch(cls, git: Git, branch: str) -> RemoteRepository:
        """Return the remote that a branch is pulled from: its own, else the usual one.

        Raises:
            GitError: the repository has no remote.
        """
        own = git.run("config", "--get", f"branch.{branch}.remote").output
        named = own.decode("utf-8", "replace").strip()
        known = git.demand("remote").decode("utf-8", "replace").split()
        for name in (named, _USUAL, *known[:1]):
            if name in known:
                return cls(git, name)
        raise GitError(
            "This repository has no remote, so that nobody pulls from it.",
            hint="Name one: git remote add origin URL",
        )

    @property
    def url(self) -> str:
        """The address that is pushed to, as git has it."""
        found = self.git.demand("remote", "get-url", "--push", self.name)
        return found.decode("utf-8", "replace").strip()

    def tip(self, branch: str) -> str | None:
        """Fetch a branch and return its last commit; None where the remote has no such branch.

        Raises:
            GitError: the remote does not answer, or refuses.
        """
        listed = self._ask("ls-remote", "--heads", self.name, f"refs/heads/{branch}")
        names = dict(_listed(listed))
        commit = names.get(f"refs/heads/{branch}")
        if commit is None:
            return None
        # nothing here names what is fetched, so that processes of one clone are in nobody's way
        self._ask(
            "fetch", "--quiet", "--no-tags", "--no-recurse-submodules",
            "--no-write-fetch-head", "--refmap=", self.name, f"refs/heads/{branch}",
        )  # fmt: skip
        if self.git.run("cat-file", "-e", f"{commit}^{{commit}}").code:
            raise GitError(
                f"The branch {branch} of {self.name} was moved to something else meanwhile.",
                hint="Run the same command again.",
            )
        return commit

    def is_cut_short(self) -> bool:
        """Tell whether the clone has a part of the history alone."""
        return self.git.demand("rev-parse", "--is-shallow-repository").strip() == b"true"

    def push(self, commit: str, branch: str) -> bool:
        """Move a branch forward to a commit; False when it moved meanwhile.

        Raises:
            GitError: the remote does not answer, or refuses.
        """
        done = self._git.run("push", "--porcelain", self.name, f"{commit}:refs/heads/{branch}")
        if done.code == 0:
            return True
        said = complaint(done)
        if any(word in said for word in _MOVED):
            return False
        raise GitError(
            f"The remote {self.name} did not take {branch}: {_told(said)}.",
            hint="Where the branch is protected, bring the text there by a pull request of "
            "your own: it is found. In another plan say carry_out: pull_request.",
        )

    @property
    def _git(self) -> Git:
        variables = (*self.git.variables, _PROTOCOLS)
        return replace(self.git, timeout=_SECONDS, variables=variables)

    def _ask(self, *arguments: str) -> bytes:
        done = self._git.run(*arguments)
        if done.code:
            raise GitError(
                f"The remote {self.name} did not answer git {arguments[0]}: "
                f"{_told(complaint(done)) or 'it said nothing'}.",
                hint=f"Try it by hand: git fetch {self.name}",
            )
        return done.output


def _told(said: str) -> str:
    """Return what git said as one line: what is wrong, without its own advice and summary."""
    lines = (_PREFIX.sub("", line).strip() for line in said.splitlines())
    kept = [line for line in lines if line and not line.startswith(_ASIDE)]
    return "; ".join(kept).replace("\t", " ").rstrip(".")


def _listed(output: bytes) -> Iterator[tuple[str, str]]:
    for line in output.decode("utf-8", "replace").splitlines():
        commit, _, name = line.partition("\t")
        if commit != _ZERO:
            yield name, commit
