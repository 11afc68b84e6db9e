"""Carrying a treatment over to a file that was edited while the experiment ran."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from meta_experiment.errors import DependencyError, DriftError
from meta_experiment.files.confine import Content
from meta_experiment.git import Git, complaint

_BOM = b"\xef\xbb\xbf"
_FAILED = 128  # from here on git merge-file reports errors, below it conflicts


def merge(
    path: str, *, edited: Content, control: Content, treatment: Content, git: Git | None
) -> Content:
    """Apply what the treatment changes in the control to the file as it was edited.

    Line ends, byte order mark, final newline and mode are the edited file's. Works on
    bytes, in and outside of repositories.

    Args:
        path: the file, for messages.
        edited: what is on disk.
        control: what the experiment compared against.
        treatment: what won.
        git: the program that merges; None where it is not installed.

    Raises:
        DriftError: both change the same lines, or the file is no text.
        DependencyError: git is needed and not installed.
        OSError: no temporary file can be written.
    """
    if edited.data == control.data:
        return Content(treatment.data, _mode(edited, control, treatment))
    if edited.data == treatment.data:
        return edited
    if treatment.data == control.data:
        return Content(edited.data, _mode(edited, control, treatment))
    style = _LineStyle(edited.data)
    sides = [style.plain(side.data) for side in (edited, control, treatment)]
    data = style.restored(_merge_lines(path, sides, git))
    return Content(data, _mode(edited, control, treatment))


class _LineStyle:
    """The line ends, mark and last line of a file: taken off before the merge.

    A file that mixes line ends keeps each as it is.
    """

    def __init__(self, data: bytes) -> None:
        lines, returns = data.count(b"\n"), data.count(b"\r\n")
        self.mixed = 0 < returns < lines
        self.crlf = 0 < returns == lines
        self.mark = data.startswith(_BOM)
        self.open_end = bool(data) and not data.endswith(b"\n")

    def plain(self, data: bytes) -> bytes:
        text = data.removeprefix(_BOM)
        if not self.mixed:
            text = text.replace(b"\r\n", b"\n")
        return text if text.endswith(b"\n") or not text else text + b"\n"

    def restored(self, text: bytes) -> bytes:
        data = text.removesuffix(b"\n") if self.open_end else text
        if self.crlf:
            data = data.replace(b"\n", b"\r\n")
        return (_BOM if self.mark else b"") + data


def _merge_lines(path: str, sides: list[bytes], git: Git | None) -> bytes:
    if git is None:
        raise DependencyError(
            f"Merging {path} needs git, which is not installed.",
            hint="Install git, or carry the change over by hand and run "
            "`meta-experiment amend`.",
        )
    with tempfile.TemporaryDirectory() as folder:
        names = ("edited", "control", "treatment")
        for name, data in zip(names, sides, strict=True):
            (Path(folder) / name).write_bytes(data)
        finished = replace(git, directory=Path(folder)).run(
            "merge-file", "-p", "--diff3", *names
        )
    if finished.code == 0:
        return finished.output
    if finished.code < _FAILED:
        trouble = f"it and the treatment change the same lines in {finished.code} place(s)"
    else:
        trouble = f"git cannot merge it: {complaint(finished)}"
    raise DriftError(
        f"{path} was edited and {trouble}; nothing was changed.",
        hint="Carry the change over by hand, or end the experiment with "
        "`meta-experiment stop`.",
    )


def _mode(edited: Content, control: Content, treatment: Content) -> int:
    return treatment.mode if edited.mode == control.mode else edited.mode
