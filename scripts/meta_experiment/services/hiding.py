"""What git is not to see of the folder: what it tracks or sees of that, and what is missing."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator

from meta_experiment.deploy.unseen import Unseen
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.ignore import PRIVATE_PATHS, lacking

_REPAIR = "meta-experiment repair"


def problems(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Say what keeps git from being blind to what is private, and what to run.

    Raises:
        GitError: git cannot say. OSError: a file of ours or of git's cannot be read.
    """
    for path in _listed(workspace):
        yield (
            f"{path} is tracked by git; it belongs to one checkout and may come from anybody",
            f"git rm --cached -- {shlex.quote(path)}",
        )
    if not workspace.layout.registry.exists():
        return
    for place in lacking(workspace.layout):
        shown = place.relative_to(workspace.root).as_posix()
        yield f"{shown} is not as written: git may see what is local", _REPAIR
    for path in _listed(workspace, "--others", "--exclude-standard", "--directory"):
        rule = f"git check-ignore --verbose --no-index -- {shlex.quote(path)}"
        yield f"git sees {path}, which is private: an ignore rule takes it back", rule
    unseen = Unseen.around(workspace.git, workspace.files, workspace.root)
    files = [path for path in PRIVATE_PATHS if (workspace.root / path).is_file()]
    if unseen is not None and not unseen.linked() and not unseen.ignores(files):
        shown = ", ".join(files)
        yield f"git's info/exclude does not name {shown}: an older branch shows it", _REPAIR


def _listed(workspace: Workspace, *options: str) -> list[str]:
    if workspace.git is None or not workspace.layout.meta.is_dir():
        return []
    listed = workspace.git.run("ls-files", "-z", *options, "--", *PRIVATE_PATHS)
    return [os.fsdecode(name) for name in listed.output.split(b"\0")[:-1]]
