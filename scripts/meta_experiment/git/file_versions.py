"""The versions of one file that git knows: the sides of an open merge, and those before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meta_experiment.git.command import Git


def open_sides(git: Git, path: str) -> Mapping[int, bytes]:
    """Return the sides of a file whose merge is open: 1 the base, 2 ours, 3 theirs.

    Empty where no merge of it is open. Raises DependencyError, GitError.
    """
    listed = git.run("ls-files", "--unmerged", "-z", "--", path)
    if listed.code:
        return {}
    sides = {}
    for entry in listed.output.split(b"\0")[:-1]:
        _, name, number = entry.split(b"\t")[0].split()
        sides[int(number)] = git.demand("cat-file", "blob", name.decode())
    return sides


def earlier_versions(git: Git, path: str) -> Iterator[bytes]:
    """Yield a file as commits before the present one had it, newest first.

    Also what a merge passed over, as where it kept one side. Raises DependencyError, GitError.
    """
    listed = git.run("rev-list", "--full-history", "HEAD", "--", path)
    commits = [] if listed.code else listed.output.decode("ascii").split()
    for commit in commits:
        found = git.run("cat-file", "blob", f"{commit}:./{path}")
        if not found.code:
            yield found.output
