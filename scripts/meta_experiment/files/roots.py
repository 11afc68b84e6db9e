"""Where an experiment lives: the root, and the place of everything below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from meta_experiment.errors import UsageError
from meta_experiment.files.confine import safe_component

ROOT_VARIABLE = "META_EXPERIMENT_ROOT"


def find_root(
    explicit: Path | None,
    *,
    user: bool,
    environment: Mapping[str, str],
    directory: Path,
    home: Path,
) -> Path:
    """Return the root: the given one, else the variable's, else git's, else the directory.

    Args:
        explicit: what `--root` named.
        user: whether the home directory was asked for (`--user`).
        environment: the environment variables.
        directory: the working directory.
        home: the home directory.

    Raises:
        UsageError: two roots were asked for, or the root is no directory.
    """
    if user:
        if explicit is not None:
            raise UsageError("--root and --user name two roots; expected one of them.")
        return home.resolve()
    named = explicit or _from_environment(environment)
    if named is None:
        return git_top(directory) or directory.resolve()
    root = (directory / named).resolve()
    if not root.is_dir():
        raise UsageError(
            f"The root {root} is not a directory.", hint="Create it, or name another."
        )
    return root


def git_top(directory: Path) -> Path | None:
    """Return the top of the working tree that holds a directory, without running git."""
    resolved = directory.resolve()
    for candidate in (resolved, *resolved.parents):
        marker = candidate / ".git"
        # a linked worktree and a submodule have a file; an empty folder is no repository
        if marker.is_file() or (marker / "HEAD").exists():
            return candidate
    return None


def _from_environment(environment: Mapping[str, str]) -> Path | None:
    value = environment.get(ROOT_VARIABLE)
    return Path(value) if value else None


@dataclass(frozen=True, slots=True)
class Layout:
    """The place of every file below one root. Ids and variants must be plain names.

    Methods that take a name raise UnsafePathError when it could leave its folder.
    """

    root: Path

    @property
    def meta(self) -> Path:
        """The folder that holds everything."""
        return self.root / ".claude" / "meta"

    @property
    def registry(self) -> Path:
        """Plans, statuses and decisions; committable."""
        return self.meta / "experiments.json"

    @property
    def active_index(self) -> Path:
        """The compiled index of running experiments."""
        return self.meta / "active.idx"

    @property
    def board(self) -> Path:
        """What `status` prints, derived."""
        return self.local / "board.json"

    @property
    def all_trials(self) -> Path:
        """The folder of every experiment's logs."""
        return self.meta / "trials"

    @property
    def backups(self) -> Path:
        """Content-addressed originals."""
        return self.meta / "backups"

    @property
    def registry_backup(self) -> Path:
        """The last registry before the present one."""
        return self.backups / "experiments.json"

    def registry_lost(self) -> bool:
        """Whether the registry is gone, as after `git clean`, and a copy of it is kept."""
        return not self.registry.exists() and self.registry_backup.exists()

    @property
    def journal(self) -> Path:
        """Changes in flight; empty at rest."""
        return self.meta / "journal"

    @property
    def locks(self) -> Path:
        """Lock files."""
        return self.meta / "locks"

    @property
    def local(self) -> Path:
        """What belongs to this checkout alone."""
        return self.meta / "local"

    @property
    def local_id(self) -> Path:
        """The identity of this checkout."""
        return self.local / "id"

    @property
    def gitignore(self) -> Path:
        """What git is not to see."""
        return self.meta / ".gitignore"

    @property
    def gitattributes(self) -> Path:
        """How git is to treat what it does see."""
        return self.meta / ".gitattributes"

    def variants(self, experiment_id: str, variant: str) -> Path:
        """The exact files of one arm."""
        return self.meta / "variants" / safe_component(experiment_id) / safe_component(variant)

    def trials(self, experiment_id: str) -> Path:
        """The folder of one experiment's logs."""
        return self.all_trials / safe_component(experiment_id)

    def assignments(self, experiment_id: str) -> Path:
        """The sequence of assignments that all processes share."""
        return self.trials(experiment_id) / "assignments.tsv"

    def summaries(self, experiment_id: str) -> Path:
        """The folded trials of one experiment, derived."""
        return self.meta / "summaries" / f"{safe_component(experiment_id)}.fold"

    def history(self, experiment_id: str) -> Path:
        """Every change of state of one experiment."""
        return self.meta / "history" / f"{safe_component(experiment_id)}.jsonl"

    def started(self, experiment_id: str) -> Path:
        """The marker that this checkout started the experiment itself."""
        return self.local / "started" / safe_component(experiment_id)

    def lock(self, name: str) -> Path:
        """The lock file for one purpose."""
        return self.locks / f"{safe_component(name)}.lock"
