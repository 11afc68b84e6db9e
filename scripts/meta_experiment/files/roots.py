"""The root of an experiment, and the place of everything below it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from meta_experiment.errors import UsageError
from meta_experiment.files.confine import refuse_links, safe_component
from meta_experiment.protocol import places
from meta_experiment.protocol.disk import IGNORE_FILE
from meta_experiment.protocol.places import is_id, try_read
from meta_experiment.protocol.worktrees import linked_tree
from meta_experiment.records import dataclass

ROOT_VARIABLE = "META_EXPERIMENT_ROOT"
_ARCHIVED = ".json"
PLUGIN_FOLDERS = ("commands", "skills", "agents")  # in which a plugin brings prompt files


def find_root(
    explicit: Path | None,
    *,
    user: bool,
    environment: Mapping[str, str],
    directory: Path,
    home: Path,
    prompts: Sequence[Path] = (),
) -> Path:
    """Return the root: the given one, else the variable's, else the nearest that fits.

    For prompt files that is the folder that owns them, see `owner`; without any it is the
    nearest folder from the directory upwards that has state of ours, else git's top level,
    else the directory. In a linked working tree it is the same folder of the main one, unless
    something was started in that tree itself, or the prompt file differs there.

    Args:
        explicit: what `--root` named.
        user: whether the home directory was asked for (`--user`).
        environment: the environment variables.
        directory: the working directory.
        home: the home directory.
        prompts: the prompt files that are meant, absolute.

    Raises:
        UsageError: two roots were asked for, or the root is no directory.
    """
    if user:
        if explicit is not None:
            raise UsageError("--root and --user name two roots; expected one of them.")
        return home.resolve()
    named = explicit or _from_environment(environment)
    if named is None:
        return _common_owner(prompts, directory) or _shared(_standing(directory, home))
    root = (directory / named).resolve()
    if not root.is_dir():
        raise UsageError(
            f"The root {root} is not a directory.", hint="Create it, or name another."
        )
    return root


def named_layout(
    root: str | None, directory: Path, *, user: bool, prompts: Sequence[Path] = ()
) -> Layout:
    """Return the layout of the root that somebody means who stands in a directory.

    Touches nothing. Raises as `find_root`, and:
        UnsafePathError: its own folder is a link.
    """
    found = find_root(
        None if root is None else Path(root),
        user=user,
        environment=os.environ,
        directory=directory,
        home=Path.home(),
        prompts=prompts,
    )
    refuse_links(found)
    return Layout(found)


def git_top(directory: Path) -> Path | None:
    """Return the top of the working tree that holds a directory, without running git."""
    resolved = directory.resolve()
    for candidate in (resolved, *resolved.parents):
        marker = candidate / ".git"
        # a linked worktree and a submodule have a file; an empty folder is no repository
        if marker.is_file() or (marker / "HEAD").exists():
            return candidate
    return None


def owner(prompt: Path, top: Path) -> Path | None:
    """Return the folder, from a prompt file up to `top`, to whose root the file belongs.

    It is the one whose `.claude` holds the file, or whose plugin, or that has state of ours,
    whichever is nearest, else `top` itself; None when the file does not lie below `top`.
    """
    if not prompt.is_relative_to(top):
        return None
    for folder in prompt.parents:
        if folder == top or _has_state(folder) or _is_plugin_of(folder, prompt):
            return folder
        if folder.name == ".claude":
            return folder.parent
    return None


def _common_owner(prompts: Sequence[Path], directory: Path) -> Path | None:
    top = _outside(git_top(directory) or directory.resolve())
    owners = {
        _shared(found, prompt)
        for prompt in prompts
        if (found := owner(prompt, top)) is not None
    }
    if len(owners) > 1:
        named = " and ".join(sorted(map(str, owners)))
        raise UsageError(
            f"These prompt files belong to different roots: {named}.",
            hint="Make an experiment for each, or name one root for all: --root DIR.",
        )
    return owners.pop() if owners else None


def twin(path: Path) -> Path | None:
    """Return the place in the main working tree of one in a linked tree; None elsewhere."""
    tree = linked_tree(str(path if path.is_dir() else path.parent))
    return None if tree is None else Path(tree.twin(str(path)))


def _shared(root: Path, prompt: Path | None = None) -> Path:
    """Return the root that a linked working tree shares with the main one, else itself."""
    other = twin(root)
    if other is None or has_run(root):
        return root
    if prompt is None:
        return other if _has_state(other) else root
    same = twin(prompt)
    found = None if same is None else try_read(same)
    return other if found is not None and found == try_read(prompt) else root


def has_run(root: Path) -> bool:
    """Tell whether an experiment was started in a root itself, or has trials there."""
    layout = Layout(root)
    return any(
        not path.name.startswith(".")
        for folder in (layout.local / "started", layout.all_trials)
        if folder.is_dir()
        for path in folder.iterdir()
    )


def _standing(directory: Path, home: Path) -> Path:
    """Return the root for somebody who stands in a directory and names nothing."""
    here, top = directory.resolve(), git_top(directory)
    for folder in (here, *here.parents):
        if folder != here and top is None and folder == home.resolve():
            break  # personal prompts are asked for by --user
        if _has_state(folder) and (top is not None or _is_mine(folder)):
            return folder
        if folder == top:
            break
    return _outside(top or here)


def _outside(folder: Path) -> Path:
    """Return the folder around a `.claude`, which may be a repository of its own."""
    return folder.parent if folder.name == ".claude" else folder


def _has_state(folder: Path) -> bool:
    return (folder / ".claude" / "meta").is_dir()


def _is_mine(folder: Path) -> bool:
    """Tell whether state in a folder is this user's: above a directory anybody may write."""
    return not hasattr(os, "getuid") or (folder / ".claude/meta").stat().st_uid == os.getuid()


def _is_plugin_of(folder: Path, prompt: Path) -> bool:
    """Tell whether a folder is a plugin that brings a prompt file along."""
    manifests = (folder / ".claude-plugin" / "plugin.json", folder / "plugin.json")
    kind = prompt.relative_to(folder).parts[0]
    return kind in PLUGIN_FOLDERS and any(manifest.is_file() for manifest in manifests)


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
        return Path(places.meta(str(self.root)))

    @property
    def registry(self) -> Path:
        """Plans, statuses and decisions; committable."""
        return self.meta / "experiments.json"

    @property
    def learnings(self) -> Path:
        """What experiments taught; committable."""
        return self.meta / "learnings.md"

    @property
    def archive(self) -> Path:
        """Experiments that were put away, one file each; committable."""
        return self.meta / "archive"

    def archived(self, experiment_id: str) -> Path:
        """The file of one experiment that was put away."""
        return self.archive / f"{safe_component(experiment_id)}{_ARCHIVED}"

    def archived_ids(self) -> list[str]:
        """The ids of all that were put away, at the cost of listing one folder."""
        try:
            with os.scandir(self.archive) as entries:
                names = sorted(entry.name for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            return []
        ids = [name.removesuffix(_ARCHIVED) for name in names if name.endswith(_ARCHIVED)]
        return list(filter(is_id, ids))

    @property
    def active_index(self) -> Path:
        """The compiled index of running experiments."""
        return Path(places.active_index(str(self.root)))

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

    def in_flight(self) -> bool:
        """Whether anything lies in the journal, at the cost of listing one folder."""
        try:
            return any(path.name != IGNORE_FILE for path in self.journal.iterdir())
        except FileNotFoundError:
            return False
        except OSError:  # whoever looks closer says what it is
            return True

    @property
    def locks(self) -> Path:
        """Lock files."""
        return self.meta / "locks"

    @property
    def local(self) -> Path:
        """What belongs to this checkout alone."""
        return Path(places.local(str(self.root)))

    @property
    def local_id(self) -> Path:
        """The identity of this checkout."""
        return Path(places.local_id(str(self.root)))

    @property
    def aside(self) -> Path:
        """What was found and could not be used, kept."""
        return self.local / "aside"

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
        return Path(places.trials(str(self.root), safe_component(experiment_id)))

    def summaries(self, experiment_id: str) -> Path:
        """The folded trials of one experiment, derived."""
        return self.meta / "summaries" / f"{safe_component(experiment_id)}.fold"

    def history(self, experiment_id: str) -> Path:
        """Every change of state of one experiment."""
        return self.meta / "history" / f"{safe_component(experiment_id)}.jsonl"

    def started(self, experiment_id: str) -> Path:
        """The marker that this checkout started the experiment itself."""
        return self.local / "started" / safe_component(experiment_id)

    @property
    def own_states(self) -> Path:
        """How a team's experiments stand in this checkout alone."""
        return self.local / "states.json"

    def own_history(self, experiment_id: str) -> Path:
        """Every change of one experiment that is of this checkout alone."""
        return self.local / "history" / f"{safe_component(experiment_id)}.jsonl"

    @property
    def measured(self) -> Path:
        """What this checkout measured itself of what promotions save."""
        return self.local / "measured"

    def positions(self, experiment_id: str) -> Path:
        """File of the positions of a team's sequence that this checkout leased."""
        return self.local / "positions" / safe_component(experiment_id)

    def lock(self, name: str) -> Path:
        """The lock file for one purpose."""
        return Path(places.lock(str(self.root), safe_component(name)))
