"""A commit of exactly the experiment's paths, that lands whole or not at all.

`git commit` moves the branch in the same run in which it calls the hooks, so neither could
what a hook did to the text be judged before it is history, nor could a process killed in
between be told from one still busy. Here the steps of `git commit` are taken one by one:

    plan    what git would make of the new bytes, and whether it may be committed at all
    build   a commit object from an index of our own, through the user's hooks and signing
    land    the user's index entries of these paths, then the branch, each in one step

Up to `land` nothing that the user can see has changed, and `land` takes milliseconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from meta_experiment.deploy.change import FileChange
from meta_experiment.errors import GitError, as_word
from meta_experiment.files.confine import Content
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.process import ProgramResult
from meta_experiment.git import NO_COMMIT_HINT, Git, complaint
from meta_experiment.protocol.disk import PRIVATE_FILE
from meta_experiment.records import dataclass

_GONE = "0"
_REGULAR = ("100644", "100755")
_UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "sequencer": "a sequence of picks",
    "BISECT_LOG": "a bisection",
}
_INDEX_TRIES = 20
_INDEX_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class CommitEntry:
    """Path (from git's top level) as `mode object` before and after the commit."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CommitPlan:
    """The entries to commit, and on top of which commit; `note` names what is not, and why."""

    head: str
    branch: str | None
    entries: tuple[CommitEntry, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class NoCommit:
    """The reason why there will be no commit; no error, the files change all the same."""

    note: str


@dataclass(frozen=True, slots=True)
class Repository:
    """The working tree that holds a root; `prefix` is the root's path inside it."""

    git: Git
    prefix: str

    @classmethod
    def holding(cls, git: Git | None) -> Repository | NoCommit:
        """Find the repository around git's directory.

        Raises:
            GitError: there is one, and git refuses to work in it.
        """
        if git is None:
            return NoCommit("git is not installed")
        top = git.run("rev-parse", "--show-toplevel")
        if top.code == 0:
            prefix = git.demand("rev-parse", "--show-prefix")
            directory = Path(os.fsdecode(top.output.removesuffix(b"\n")))
            return cls(
                replace(git, directory=directory), os.fsdecode(prefix.removesuffix(b"\n"))
            )
        if "not a git repository (or any" in complaint(top):
            return NoCommit("this folder is not in a git repository")
        if "must be run in a work tree" in complaint(top):
            return NoCommit("this git repository has no working tree")
        raise GitError(f"git refuses to work here: {complaint(top)}", hint=NO_COMMIT_HINT)

    def plan(self, changes: Sequence[FileChange], *, store: bool) -> CommitPlan | NoCommit:
        """Decide what of these changes is committed, before anything is touched.

        Args:
            changes: the files as they shall be.
            store: whether to write the new contents into git's object store.

        Raises:
            GitError: a commit is due and must not be made now.
        """
        head = self.git.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if head.code:
            return NoCommit("nothing has been committed in this repository yet")
        paths = [self.prefix + change.path for change in changes]
        beside = [self.prefix + change.beside for change in changes if change.beside]
        committed, staged = self._committed([*paths, *beside]), self._staged(paths)
        told = self.git.run("config", "--type=bool", "--get", "core.fileMode").output
        has_modes = told != b"false\n"
        entries: list[CommitEntry] = []
        notes: list[str] = []
        for path, change in zip(paths, changes, strict=True):
            known = committed.get(path)
            if known is None and change.expected is None and change.beside:
                known = _GONE if self.prefix + change.beside in committed else None
            obstacle = _obstacle(path, known, staged.get(path))
            if known is None or obstacle:
                notes.append(f"{as_word(path)} is changed but not committed: {obstacle}")
                continue
            after = self._object(path, change.target, known, has_modes, store=store)
            if known == _GONE:
                known = _gone_like(after)
            if after != known:
                entries.append(CommitEntry(path, known, after))
        note = "; ".join(notes)
        if not entries:
            return NoCommit(note or "git sees no difference to the last commit")
        self._refuse_when_busy()
        return CommitPlan(_text(head.output), self._branch(), tuple(entries), note)

    def build(self, plan: CommitPlan, message: str, *, files: FileSystem, scratch: Path) -> str:
        """Make the commit object, through the user's hooks, and return its name.

        Args:
            plan: what to commit.
            message: the commit message; hooks may add to it.
            files: where the temporary files are written.
            scratch: a path whose siblings `.index`, `.index.lock` and `.message` are free
                for use; they stay there.

        Raises:
            GitError: a hook refused or changed the text, or git could not commit.
            OSError: the file system refused.
        """
        index, note = (scratch.with_suffix(suffix) for suffix in (".index", ".message"))
        tree = self._tree(plan, files, index)
        files.create(note, message.encode(), PRIVATE_FILE)
        self._ask_hooks(index, note)
        self._refuse_other_tree(tree, self._write_tree(index))
        text = self._final_message(note)
        sign = self.git.run("config", "--type=bool", "--get", "commit.gpgSign").output
        options = ("-S",) if sign == b"true\n" else ()
        commit = self.git.demand(
            "commit-tree", tree, "-p", plan.head, *options, "-F", "-", stdin=text
        )
        return _text(commit)

    def land(self, plan: CommitPlan, commit: str, subject: str) -> None:
        """Put the commit on the branch, and its paths into the user's index.

        The index goes first: dying in between leaves the branch as the one witness of
        whether the commit landed.

        Raises:
            GitError: the branch moved in the meantime, or git's locks are held.
        """
        if self._branch() != plan.branch:
            raise GitError(
                "The branch was switched while the change was being committed.",
                hint="Run the same command again.",
            )
        self._set_index(plan.entries)
        self.git.demand("update-ref", "-m", f"commit: {subject}", "HEAD", commit, plan.head)

    def landed(self, plan: CommitPlan, commit: str) -> bool:
        """Tell whether the commit is part of the branch it was made for, or of HEAD."""
        return any(
            self.git.run("merge-base", "--is-ancestor", commit, name).code == 0
            for name in ("HEAD", plan.branch)
            if name
        )

    def take_back(self, plan: CommitPlan, commit: str | None) -> None:
        """Restore the branch and the index entries; what others did since is left alone.

        Raises:
            GitError: something was committed on top, or git's locks are held.
        """
        if commit and self._head() == commit:
            reason = "experiment: taken back"
            self.git.demand("update-ref", "-m", reason, "HEAD", plan.head, commit)
        elif commit and self.landed(plan, commit):
            raise GitError(
                f"The commit {commit[:12]} cannot be taken back: the branch has moved on.",
                hint="Run `meta-experiment recover` to finish the change instead.",
            )
        self._restore_index(plan)

    def after_commit(self) -> None:
        """Do what `git commit` does last and without a say: refresh, post-commit hook."""
        self.git.run("update-index", "-q", "--refresh")
        self.git.hook("post-commit")

    def _head(self) -> str:
        return _text(self.git.demand("rev-parse", "--verify", "HEAD"))

    def _branch(self) -> str | None:
        return _text(self.git.run("symbolic-ref", "--quiet", "HEAD").output) or None

    def _committed(self, paths: Sequence[str]) -> dict[str, str]:
        listing = self.git.demand("ls-tree", "-z", "--full-tree", "HEAD", "--", *paths)
        found = {}
        for line in listing.split(b"\0")[:-1]:
            description, _, path = line.partition(b"\t")
            mode, _kind, name = description.split()
            found[os.fsdecode(path)] = f"{_text(mode)} {_text(name)}"
        return found

    def _staged(self, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return flag and `mode object` by path; an unmerged path has the flag M."""
        listing = self.git.demand("ls-files", "-z", "-s", "-v", "--", *paths)
        found = {}
        for line in listing.split(b"\0")[:-1]:
            description, _, path = line.partition(b"\t")
            flag, mode, name, _stage = description.split()
            found[os.fsdecode(path)] = (_text(flag), f"{_text(mode)} {_text(name)}")
        return found

    def _object(
        self, path: str, target: Content | None, known: str, has_modes: bool, *, store: bool
    ) -> str:
        """Return `mode object` that git, with the user's filters, makes of new contents."""
        if target is None:
            return _gone_like(known)
        write = ("-w",) if store else ()
        name = self.git.demand(
            "hash-object", *write, "--stdin", f"--path={path}", stdin=target.data
        )
        mode = known.split(maxsplit=1)[0]
        if mode == _GONE or has_modes:
            mode = "100755" if target.mode & 0o100 else "100644"
        return f"{mode} {_text(name)}"

    def _refuse_when_busy(self) -> None:
        names = [part for name in _UNDER_WAY for part in ("--git-path", name)]
        places = self.git.demand("rev-parse", *names).split(b"\n")
        for place, work in zip(places, _UNDER_WAY.values(), strict=False):
            if (self.git.directory / os.fsdecode(place)).exists():
                raise GitError(
                    f"{work.capitalize()} is under way in this repository; "
                    "a commit now would become part of it.",
                    hint=f"Finish or abort it first. {NO_COMMIT_HINT}",
                )
        if self.git.demand("ls-files", "-u"):
            raise GitError(
                "This repository has unmerged files, so nothing can be committed.",
                hint=f"Resolve them first. {NO_COMMIT_HINT}",
            )
        for role in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            self.git.demand("var", role)

    def _tree(self, plan: CommitPlan, files: FileSystem, index: Path) -> str:
        # A copy of the user's index keeps what git knows of unchanged files, so that
        # hooks need not read the whole working tree; reset makes it the last commit.
        place = self.git.demand("rev-parse", "--git-path", "index").removesuffix(b"\n")
        users = self.git.directory / os.fsdecode(place)
        if users.exists():
            files.create(index, users.read_bytes(), PRIVATE_FILE)
        self.git.demand("read-tree", "--reset", plan.head, index=index)
        lines = [_index_line(entry.after, entry.path) for entry in plan.entries]
        self.git.demand(
            "update-index", "-z", "--index-info", stdin=b"".join(lines), index=index
        )
        return self._write_tree(index)

    def _write_tree(self, index: Path) -> str:
        return _text(self.git.demand("write-tree", index=index))

    def _ask_hooks(self, index: Path, note: Path) -> None:
        for name, *arguments in (
            ("pre-commit",),
            ("prepare-commit-msg", str(note), "message"),
            ("commit-msg", str(note)),
        ):
            finished = self.git.hook(name, *arguments, index=index)
            if finished.code:
                raise _refused_by(name, finished)

    def _refuse_other_tree(self, expected: str, found: str) -> None:
        if found == expected:
            return
        listing = self.git.demand("diff-tree", "-r", "-z", "--name-only", expected, found)
        names = ", ".join(os.fsdecode(name) for name in listing.split(b"\0")[:-1][:5])
        raise GitError(
            f"A commit hook changed what would be committed ({names}); the text promoted "
            "would not be the text that was tested, or would not come alone.",
            hint="Exempt these files from the hook, or run again with --no-commit.",
        )

    def _final_message(self, note: Path) -> bytes:
        text = self.git.demand("stripspace", stdin=note.read_bytes())
        if not text:
            raise GitError("The hooks left no commit message.", hint=NO_COMMIT_HINT)
        return text

    def _set_index(self, entries: Sequence[CommitEntry]) -> None:
        """Stage what the entries shall be, where the index still has what was before."""
        staged = self._staged([entry.path for entry in entries])
        lines = []
        for entry in entries:
            found = staged.get(entry.path)
            if found[1] == entry.before if found else entry.before.startswith(f"{_GONE} "):
                lines.append(_index_line(entry.after, entry.path))
        if lines:
            self._write_index(b"".join(lines))

    def _restore_index(self, plan: CommitPlan) -> None:
        # Not where the branch has moved to other contents: that is not ours to unstage.
        committed = self._committed([entry.path for entry in plan.entries])
        self._set_index(
            [
                CommitEntry(entry.path, before=entry.after, after=entry.before)
                for entry in plan.entries
                if committed.get(entry.path, _gone_like(entry.before)) == entry.before
            ]
        )

    def _write_index(self, lines: bytes) -> None:
        # Editors refresh the index whenever a file changes, and hold its lock meanwhile.
        for _ in range(_INDEX_TRIES):
            finished = self.git.run("update-index", "-z", "--index-info", stdin=lines)
            if "index.lock" not in complaint(finished):
                break
            time.sleep(_INDEX_PAUSE_SECONDS)
        if finished.code:
            raise GitError(
                f"git could not update its index: {complaint(finished)}", hint=NO_COMMIT_HINT
            )


def _obstacle(path: str, known: str | None, staged: tuple[str, str] | None) -> str:
    """Say why a path is left out of the commit, "" if it is not.

    Raises:
        GitError: the path has staged changes that a commit would swallow.
    """
    if known is None:
        return "the last commit does not have it"
    if known != _GONE and known.split()[0] not in _REGULAR:
        return "git does not have it as a regular file"
    flag, content = staged or ("", "")
    if flag == "S" or flag.islower():
        return "git was told not to look at it (sparse, skip-worktree or assume-unchanged)"
    if content != ("" if known == _GONE else known):
        raise GitError(
            f"{as_word(path)} has staged changes of its own; a commit would mix them with "
            "this one.",
            hint=f"Commit or unstage them (git restore --staged). {NO_COMMIT_HINT}",
        )
    return ""


def _gone_like(content: str) -> str:
    """Return what stands for no file beside a `mode object`."""
    return f"{_GONE} {'0' * len(content.split()[1])}"


def _refused_by(name: str, finished: ProgramResult) -> GitError:
    return GitError(
        f"The {name} hook refused the commit (exit {finished.code}), so nothing was changed: "
        f"{complaint(finished) or 'it said nothing'}",
        hint=NO_COMMIT_HINT,
    )


def _index_line(content: str, path: str) -> bytes:
    return f"{content}\t".encode() + os.fsencode(path) + b"\0"


def _text(output: bytes) -> str:
    return output.decode("ascii", "backslashreplace").strip()
