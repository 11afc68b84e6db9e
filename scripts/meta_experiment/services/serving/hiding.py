"""Checks that version control does not see a stand-in, or can be kept from it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterator
from pathlib import Path

from meta_experiment.deploy.unseen import HiddenFiles
from meta_experiment.errors import RefusedError, as_word, cite
from meta_experiment.files.roots import git_top
from meta_experiment.files.version_control import other_control
from meta_experiment.protocol import index
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.local.ignore import PRIVATE_PATHS, lacking

MANUAL = "Or start it with --manual, and serve and record it yourself (assign, record)."
_REPAIR = "meta-experiment repair"


def require_hidden(root: Path, unseen: HiddenFiles | None, form: str, path: str) -> None:
    """Refuse a form of serving whose files something would take for the user's own.

    `unseen` is the repository around the root, as far as git works there.

    Raises:
        RefusedError: says what would take them.
    """
    other = other_control(root)
    if other is not None and not (
        other.name == "jj"  # reads git's ignore files, and git's own list where it has one
        and (form == index.SHADOW or (form == index.AGENTS and unseen is not None))
    ):
        raise RefusedError(
            f"{other.folder} is a working copy of {other.name}, which knows nothing of git's "
            f"filters and lists: it would commit what stands in for {as_word(path)}.",
            hint=f"Use a clone that git alone keeps. {MANUAL}",
        )
    if form == index.SHADOW:
        return  # its folder has an ignore file of its own
    top, own = git_top(root), git_top((root / path).parent)
    if own != top:
        raise RefusedError(
            f"{as_word(path)} lies in a git repository of its own, {own}, whose lists are not "
            f"those of {root}.",
            hint=f"Make that the root: --root {shlex.quote(str(own))}. {MANUAL}",
        )
    if top is not None and unseen is None:
        raise RefusedError(
            f"{top} is a git repository, and git does not work in it here, so that nothing "
            f"would keep it from committing what stands in for {as_word(path)}.",
            hint=f"Look why: git -C {shlex.quote(str(top))} status. {MANUAL}",
        )


def require_hideable(
    unseen: HiddenFiles, form: str, path: str, placed: Collection[str]
) -> None:
    """Refuse to begin what cannot be kept from git's eyes without harm to something else.

    While ours hides a stand-in, git would not apply another filter, and a commit would hold
    the plain bytes of a file that git encrypts or keeps elsewhere.

    Raises:
        RefusedError: says what stands in the way.
    """
    link = unseen.linked()
    if link:
        raise RefusedError(
            f"{link} is a link: what git is not to see in this clone would be written to a "
            "file that other repositories may share.",
            hint=f"Put a copy in its place. {MANUAL}",
        )
    beside = placed if form == index.AGENTS else ()
    shown = next(filter(None, map(unseen.shown, beside)), "")
    if shown:
        raise RefusedError(
            f"git is told to see what would be put beside {as_word(path)}: {cite(shown)}. "
            "Whoever adds all files would commit it.",
            hint=f"Narrow that rule. {MANUAL}",
        )
    other = unseen.other_filter(path) if form == index.IN_PLACE else ""
    if other:
        raise RefusedError(
            f"git passes {as_word(path)} through the filter {other!r}, which cannot go on "
            "while a stand-in is hidden from git by another.",
            hint=f"Take the file out of that filter (.gitattributes). {MANUAL}",
        )


def problems(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Say what keeps git from being blind to what is private, and what to run.

    Raises:
        GitError: git cannot say. OSError: a file of ours or of git's cannot be read.
    """
    for path in _listed(workspace):
        yield (
            f"{as_word(path)} is tracked by git; it is of one checkout, and may be anybody's",
            f"git rm --cached -- {shlex.quote(path)}",
        )
    if not workspace.layout.registry.exists():
        return
    for place in lacking(workspace.layout):
        shown = place.relative_to(workspace.root).as_posix()
        yield f"{shown} is not as written: git may see what is local", _REPAIR
    for path in _listed(workspace, "--others", "--exclude-standard", "--directory"):
        rule = f"git check-ignore --verbose --no-index -- {shlex.quote(path)}"
        yield f"git sees {as_word(path)}, which is private: an ignore rule takes it back", rule
    unseen = HiddenFiles.around(workspace.git, workspace.files, workspace.root)
    if unseen is None or unseen.linked():
        return
    files = [path for path in PRIVATE_PATHS if (workspace.root / path).is_file()]
    if not unseen.ignores(files):
        shown = ", ".join(files)
        yield f"git's info/exclude does not name {shown}: an older branch shows it", _REPAIR
    exchanged = [
        entry.path
        for entry in index.entries(str(workspace.root))
        if entry.running and entry.form == index.IN_PLACE
    ]
    if not unseen.filters(exchanged):
        shown = ", ".join(exchanged)
        yield f"git's filter for {shown} is not as it was made: git may take ours", _REPAIR


def _listed(workspace: Workspace, *options: str) -> list[str]:
    if workspace.git is None or not workspace.layout.meta.is_dir():
        return []
    listed = workspace.git.run("ls-files", "-z", *options, "--", *PRIVATE_PATHS)
    return [os.fsdecode(name) for name in listed.output.split(b"\0")[:-1]]
