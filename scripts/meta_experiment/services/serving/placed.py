"""Files that this machine placed for experiments, and the user's text behind them.

A commit can bring along any file below a root, also one that equals what this tool would place
there. So what is brought back or taken away is known by the sealed index, else by what lies in
git's own folder. Only where there is no repository, and so no commit, a file is believed by the
line that it holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import shlex
from collections.abc import Container, Iterator
from pathlib import Path

from meta_experiment.deploy import version_of
from meta_experiment.deploy.apply import observe
from meta_experiment.deploy.filter import StandIn
from meta_experiment.deploy.unseen import HiddenFiles
from meta_experiment.errors import DriftError, NotFoundError, UnsafePathError, as_word
from meta_experiment.files.confine import Content, real_path
from meta_experiment.files.roots import git_top
from meta_experiment.prompts.agent_variants import is_copy
from meta_experiment.prompts.traces import Traces
from meta_experiment.protocol import index, places
from meta_experiment.protocol.texts import ORIGINAL, SHIM, is_text, placed
from meta_experiment.services.serving.client_places import shadow_path
from meta_experiment.services.serving.unserved import stand_in_of
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment, FileVersion

_PROGRAM = b"serve-variant"  # stands in all that is ours in a stand-in


def placed_by(root: Path, entry: index.Entry) -> Iterator[tuple[str, str]]:
    """Yield the path of each file of ours beside the user's, with the digest of its bytes."""
    for path, name in placed(entry).items():
        with contextlib.suppress(UnsafePathError):
            if path != entry.path:
                own = shadow_path(root, entry.name) if entry.form == index.SHADOW else path
                yield own, entry.digests.get(name, "")


def stand_in_version(
    workspace: Workspace, experiment: Experiment, path: str
) -> FileVersion | None:
    """Return the version of the stand-in, where exactly that stands for a prompt file."""
    entry = _in_place(workspace, experiment.experiment_id, path)
    found = observe(workspace.root, path) if entry is not None else None
    if entry is None or found is None or not is_text(entry, SHIM, found.data):
        return None
    return version_of(found)


def original(workspace: Workspace, experiment_id: str, path: str) -> bytes:
    """Return the text that a stand-in stands for, as it was when it was placed here.

    Raises:
        NotFoundError: it is nowhere any more.
    """
    entry = _in_place(workspace, experiment_id, path)
    data = _text(workspace, entry, ORIGINAL) if entry is not None else None
    if data is None:
        raise NotFoundError(
            f"The text that the stand-in at {as_word(path)} stands for is not kept here any "
            "more.",
            hint=f"Bring the file back: git checkout -- {shlex.quote(path)}",
        )
    return data


def without_stand_in(
    workspace: Workspace, experiment_id: str, path: str, found: Content
) -> Content:
    """Return what a prompt file would be with the user's edits and without the stand-in.

    A file without a stand-in is returned as it is.

    Raises:
        DriftError: the edits are in the lines of the stand-in.
        NotFoundError: what that was made of is nowhere any more.
    """
    entry = _in_place(workspace, experiment_id, path)
    if entry is None or _PROGRAM not in found.data:
        return found
    text = _traces(workspace, entry).without_stand_in(found.data)
    if text is None:
        raise DriftError(
            f"{as_word(path)} was edited where it serves its variants; nothing was changed.",
            hint=f"meta-experiment stop {experiment_id} (a copy of the edit is kept)",
        )
    return Content(text, found.mode)


def text_behind(
    workspace: Workspace, unseen: HiddenFiles | None, experiment_id: str, path: str, data: bytes
) -> bytes | None:
    """Return the text behind a stand-in that no line of the index knows; None: none is known.

    So it is when the home with this machine's key is new.
    """
    if unseen is not None:
        kept = unseen.kept()
        found = (it.original for it in kept if (it.path, it.stand_in) == (path, data))
        return next(found, None)
    folder = places.served_folder(str(workspace.root), experiment_id)
    if git_top(workspace.root) is not None or places.try_read(f"{folder}/{SHIM}") != data:
        return None
    return places.try_read(f"{folder}/{ORIGINAL}")


def staged_control(
    unseen: HiddenFiles | None, experiment: Experiment, path: str
) -> bytes | None:
    """Return the control of an experiment where git's index holds it for a prompt file.

    It is what `git checkout` would bring back, so it does not matter who says that it is the
    control.
    """
    data = None if unseen is None else unseen.staged(path)
    control = experiment.versions[path][experiment.plan.control.name]
    if data is None or control is None:
        return None
    return data if hashlib.sha256(data).hexdigest() == control.sha256 else None


def is_ours(workspace: Workspace, unseen: HiddenFiles | None, path: str) -> bool:
    """Tell whether a file that says so was placed by this tool here, whatever it holds now."""
    if unseen is not None:
        return unseen.excludes(path)
    return git_top(workspace.root) is None


def left_over(
    root: Path, known: Container[str], expected: Container[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield what stands in for commands and agents by its own words, and serves none that runs.

    It is left when the folder of this tool is deleted, or the program goes before `stop`.

    Args:
        root: where to look.
        known: experiments that are served.
        expected: paths that are not looked at.
    """
    for path in sorted((root / ".claude" / "skills").glob("*/SKILL.md")):
        command = root / ".claude" / "commands" / (path.parent.name.replace(":", "/") + ".md")
        data = places.try_read(path) or b""
        served = stand_in_of(data)
        if served and served not in known and command.is_file():
            yield from _unless(root, path, data, expected)
    plugins = [root / "agents"] if (root / ".claude-plugin").is_dir() else []
    for folder in (root / ".claude" / "agents", *plugins):
        for path in sorted(folder.rglob("*.md")):
            data = places.try_read(path) or b""
            if is_copy(data):
                yield from _unless(root, path, data, expected)


def _unless(
    root: Path, path: Path, data: bytes, expected: Container[str]
) -> Iterator[tuple[str, bytes]]:
    with contextlib.suppress(UnsafePathError):
        real = real_path(root, path.relative_to(root).as_posix())
        if real not in expected:
            yield real, data


def _in_place(workspace: Workspace, experiment_id: str, path: str) -> index.Entry | None:
    entry = index.find_entry(str(workspace.root), experiment_id)
    fits = entry is not None and (entry.form, entry.path) == (index.IN_PLACE, path)
    return entry if fits else None


def _traces(workspace: Workspace, entry: index.Entry) -> Traces:
    """Return what of a stand-in is not the user's, by texts as they were sealed."""
    for kept in _kept(workspace):
        if is_text(entry, SHIM, kept.stand_in) and is_text(entry, ORIGINAL, kept.original):
            return kept.traces
    parts = range(1, entry.parts + 1) if entry.parts > 1 else (0,)
    bodies = [_text(workspace, entry, places.body_name(entry.control, part)) for part in parts]
    control, shim = _text(workspace, entry, ORIGINAL), _text(workspace, entry, SHIM)
    if control is None or shim is None:
        raise NotFoundError(
            f"What the stand-in at {as_word(entry.path)} was made of is not kept here."
        )
    return Traces.between(shim, control, [body or b"" for body in bodies])


def _text(workspace: Workspace, entry: index.Entry, name: str) -> bytes | None:
    """Return a text as it was sealed, from the first place that still has it."""
    stored = workspace.layout.variants(entry.id, entry.control) / entry.path
    copies = [places.try_read(places.served_text(str(workspace.root), entry.id, name))]
    copies += [places.try_read(stored)] if name == ORIGINAL else []
    copies += [
        kept.original if name == ORIGINAL else kept.stand_in for kept in _kept(workspace)
    ]
    return next((data for data in copies if data and is_text(entry, name, data)), None)


def _kept(workspace: Workspace) -> Iterator[StandIn]:
    unseen = HiddenFiles.around(workspace.git, workspace.files, workspace.root)
    return unseen.kept() if unseen is not None else iter(())
