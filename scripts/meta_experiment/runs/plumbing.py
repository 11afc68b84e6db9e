"""Single steps of git, as the base and the checkouts of runs take them."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePath

from meta_experiment.errors import GitError, StorageError
from meta_experiment.git import Git, complaint

BRANCHES = "refs/heads/"
_GITLINK = b"160000 "
# No hook runs, and whatever the line ends are, they are taken.
_PLAIN = (f"core.hooksPath={os.devnull}", "core.safecrlf=false")
_SIGNATURE = re.compile(rb"^(author|committer) (.*) <(.*)> (-?\d+ [+-]\d{4})$", re.MULTILINE)


def demand(
    git: Git,
    *arguments: str,
    stdin: bytes = b"",
    settings: tuple[str, ...] = (),
    most: int = 0,
) -> bytes:
    """Return what a git says that must not fail: exit with more than `most`.

    Raises:
        GitError: it failed.
    """
    options = (part for setting in _PLAIN + settings for part in ("-c", setting))
    done = git.run(*options, *arguments, stdin=stdin)
    if not 0 <= done.code <= most:
        raise GitError(
            f"git {arguments[0]} failed in {git.directory}: {complaint(done) or 'no message'}",
            hint=f"See what git says there: git -C {shlex.quote(str(git.directory))} status",
        )
    return done.output


def signed_as(git: Git, commit: str) -> tuple[tuple[str, str], ...]:
    """Return the variables by which a further commit looks like one: by whom and when.

    A time that is always the same makes commits of the same content the same.
    """
    found = {"author": (b"Author", b"author@localhost"), "time": (b"1700000000 +0000",)}
    if commit:
        text = demand(git, "cat-file", "commit", commit).partition(b"\n\n")[0]
        for who, name, mail, time in _SIGNATURE.findall(text):
            if who == b"author" and name and mail:
                found["author"] = (name, mail)
            elif who == b"committer":
                found["time"] = (time,)
    name, mail = map(os.fsdecode, found["author"])
    time = f"@{os.fsdecode(found['time'][0])}"
    who = (("NAME", name), ("EMAIL", mail), ("DATE", time))
    return tuple((f"GIT_{role}_{k}", v) for role in ("AUTHOR", "COMMITTER") for k, v in who)


def gitlinks(git: Git) -> dict[str, str]:
    """Return the folders that belong to other repositories, by path from the top: commits."""
    listed = demand(git, "ls-files", "-s", "-z").split(b"\0")
    found = (line.partition(b"\t") for line in listed if line.startswith(_GITLINK))
    return {os.fsdecode(path): about.split()[1].decode() for about, _, path in found}


def add_all(
    git: Git,
    gitlinks: Iterable[str],
    *arguments: str,
    settings: tuple[str, ...] = (),
    most: int = 0,
) -> None:
    """Add all of a working tree but these folders of other repositories to the index.

    Git would have a look into them, by settings and filters that are theirs. Raises GitError.
    """
    left_out = [
        f":(exclude,literal){path}"
        for path in gitlinks
        if not any((git.directory / part).is_symlink() for part in PurePath(path).parents)
    ]
    if left_out:
        git = replace(git, literal=False)
        arguments = (*arguments, "--", ".", *left_out)
    demand(git, "add", "-A", *arguments, settings=settings, most=most)


def set_head(folder: Path, branch: str, commit: str) -> None:
    """Let a `.git` stand at a commit, on a branch or on none."""
    place, line = folder / "HEAD", f"{commit}\n".encode()
    if branch:
        place.write_bytes(b"ref: " + os.fsencode(f"{BRANCHES}{branch}\n"))
        place = folder / BRANCHES / branch
        place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(line)


@contextmanager
def told_of(folder: Path) -> Iterator[None]:
    """Tell what the file system refused as a StorageError, with what to look at."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{error.filename or folder} cannot be used for a checkout: {error.strerror}.",
            hint=f"Check free space and the permissions of {folder}.",
        ) from error
