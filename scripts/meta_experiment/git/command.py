"""The `git` program, called so that it can neither ask, page, edit nor hang for ever."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from meta_experiment.errors import DependencyError, GitError
from meta_experiment.files import process
from meta_experiment.files.process import ProgramResult
from meta_experiment.files.programs import find_program
from meta_experiment.records import dataclass

NO_COMMIT_HINT = "Put that right, or run again with --no-commit to change the files only."

_OUTPUT_LIMIT = 2_000
# What points git at another repository, index or way of reading paths: a caller that is
# itself run by git (a hook, an alias) hands these down, and they are not meant for us.
_FOREIGN = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_INDEX_VERSION",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_REFLOG_ACTION",
    "GIT_EXTERNAL_DIFF",
    "GIT_TRACE",
)
_SETTINGS = (
    "core.fsmonitor=false",  # may start a daemon, or name a program
    "safe.bareRepository=explicit",  # a commit can bring a repository along, hooks and all
    "submodule.recurse=false",  # a submodule has a configuration of its own
    "core.quotePath=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "i18n.commitEncoding=UTF-8",
)
# Hooks do not get these: what they do is theirs.
_QUIET = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # an older git fetches all the same: over no protocol
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
}
_OPTIONS = tuple(part for setting in _SETTINGS for part in ("-c", setting))
_HOOK_RUN_SINCE = (2, 36)
_versions: dict[tuple[str, int], tuple[int, int]] = {}


@dataclass(frozen=True, slots=True)
class Git:
    """Git in one directory.

    What the user's own `git commit` would run when a change is committed is run here too:
    clean filters, commit hooks, the signing program. Everything else that a configuration
    can name is switched off: nothing prompts, pages, opens an editor, starts a daemon,
    talks to another repository (missing objects are not fetched) or compares by a program.
    `inherited` are open files that git shares: a lock held on one lasts as long as a git
    that outlives us. `variables` point it at another repository, index or identity. Paths are
    `literal`, or may be patterns. The words `around` start a program that starts git.
    """

    program: str
    directory: Path
    timeout: float = 60.0
    hook_timeout: float = 600.0
    inherited: tuple[int, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    literal: bool = True
    around: tuple[str, ...] = ()

    @classmethod
    def find(cls, directory: Path) -> Git | None:
        """Return git for a directory, or None where it is not installed."""
        program = find_program("git")
        return cls(program, directory) if program else None

    def run(
        self, *arguments: str, stdin: bytes = b"", index: Path | None = None
    ) -> ProgramResult:
        """Run a command with fixed English messages and return how it ended.

        Args:
            arguments: the subcommand and what follows.
            stdin: what it reads.
            index: an index file to use in place of the user's.

        Raises:
            DependencyError: git cannot be started.
            GitError: it did not end in time.
        """
        paths = ("--literal-pathspecs",) if self.literal else ()
        command = [*self.around, self.program, "--no-pager", *paths, *_OPTIONS, *arguments]
        environment = _environment(index) | _QUIET | dict(self.variables)
        return self._spawn(command, environment, stdin, self.timeout, self.inherited)

    def demand(self, *arguments: str, stdin: bytes = b"", index: Path | None = None) -> bytes:
        """Run a command that must succeed and return what it printed.

        Raises:
            DependencyError: git cannot be started.
            GitError: it failed or did not end in time.
        """
        finished = self.run(*arguments, stdin=stdin, index=index)
        if finished.code:
            raise GitError(
                f"git {arguments[0]} failed: {complaint(finished) or 'no message'}",
                hint=NO_COMMIT_HINT,
            )
        return finished.output

    def hook(self, name: str, *arguments: str, index: Path | None = None) -> ProgramResult:
        """Run one of the user's hooks if there is one, as `git commit` would.

        The hook sees the user's own locale and settings, not the ones above.

        Raises:
            DependencyError: git cannot be started.
            GitError: it did not end in time.
        """
        command = [*self._hook_command(name), *arguments]
        return self._spawn(command, _environment(index), b"", self.hook_timeout)

    def _hook_command(self, name: str) -> list[str]:
        if self._version() >= _HOOK_RUN_SINCE:
            return [self.program, "hook", "run", "--ignore-missing", name, "--"]
        path = self.demand("rev-parse", "--git-path", f"hooks/{name}").rstrip(b"\n")
        found = self.directory / os.fsdecode(path)
        # Through a shell, because a hook may come without a first line that names one.
        return ["/bin/sh", "-c", 'test ! -x "$0" || exec "$0" "$@"', str(found)]

    def _version(self) -> tuple[int, int]:
        """Return the version of the program, asked for once of each file that it was."""
        import re

        try:
            known = (self.program, Path(self.program).stat().st_mtime_ns)
        except OSError:  # to be said as of any program that cannot be started
            known = (self.program, 0)
        if known not in _versions:
            numbers = re.search(rb"(\d+)\.(\d+)", self.demand("version"))
            _versions[known] = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
        return _versions[known]

    def _spawn(
        self,
        command: list[str],
        environment: dict[str, str],
        stdin: bytes,
        timeout: float,
        inherited: tuple[int, ...] = (),
    ) -> ProgramResult:
        try:
            return process.run(
                command,
                within=timeout,
                directory=self.directory,
                environment=environment,
                stdin=stdin,
                inherited=inherited,
            )
        except TimeoutError:
            raise GitError(
                f"git did not end within {timeout:g} seconds and was stopped: {command!r:.200}",
                hint=NO_COMMIT_HINT,
            ) from None
        except OSError as error:
            raise DependencyError(
                f"{self.program} cannot be started: {error.strerror}.",
                hint="Install git, or run again with --no-commit.",
            ) from error


def complaint(finished: ProgramResult) -> str:
    """Return what a git said that failed: printable, without secrets, of bounded length."""
    import re

    said = (finished.errors + finished.output).decode("utf-8", "backslashreplace").strip()
    said = re.sub(r"(?<=://)[^/\s@'\"]+@", "", said)  # a remote may name a token there
    clean = "".join(c if c.isprintable() or c in "\n\t" else "�" for c in said)
    return clean if len(clean) <= _OUTPUT_LIMIT else f"…{clean[-_OUTPUT_LIMIT:]}"


def tracked_in(git: Git | None, folder: Path) -> list[str]:
    """Return what git tracks in a folder, by path from there.

    Raises:
        DependencyError: git is not there. GitError: it cannot say, as under another owner.
    """
    if git is None:
        raise DependencyError("git is not installed", hint="Make git available on PATH.")
    listed = replace(git, directory=folder).run("ls-files", "-z", "--", ".")
    if listed.code:
        import shlex

        hint = f"See what git says there: git -C {shlex.quote(str(folder))} status"
        raise GitError(complaint(listed), hint=hint)
    return [os.fsdecode(name) for name in listed.output.split(b"\0")[:-1]]


def _environment(index: Path | None) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    if index is not None:
        kept["GIT_INDEX_FILE"] = str(index)
    return kept | {"GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": ":"}
