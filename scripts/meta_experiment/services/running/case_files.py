"""Files of cases that are written: private, new, and where git does not commit them.

What was said before the prompts of cases lies in a folder beside them, a file for each.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from meta_experiment.errors import NotFoundError, RefusedError, UsageError
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.durable import ensure_directory
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.git import Git
from meta_experiment.runs.cases.case_document import case_document
from meta_experiment.types.cases import Case


def history_folder(out: Path) -> Path:
    """Return where the conversations of the cases in a file lie."""
    return out.with_suffix(".history")


def require_place(out: Path, *, tracked: bool, conversations: bool = False) -> None:
    """Refuse a file that is there already, or whose content git would commit.

    Where there are `conversations`, git is asked about their folder as well.

    Raises:
        UsageError: it could not be read back. NotFoundError: its folder does not exist.
        RefusedError: it is there, or git would commit it.
    """
    if out.suffix != ".jsonl":
        raise UsageError(f"{out} is no file of JSON lines; expected a name in .jsonl.")
    if not out.parent.is_dir():
        raise NotFoundError(f"There is no folder {out.parent} to write {out.name} into.")
    folder = history_folder(out)
    for place in (out, folder):
        if os.path.lexists(place):
            raise RefusedError(
                f"{place} is there already, perhaps with criteria that somebody has added.",
                hint="Name another file with --out.",
            )
    git = Git.find(out.parent)
    if tracked or git is None:
        return
    if git.run("rev-parse", "--is-inside-work-tree").output.strip() != b"true":
        return
    wanted = {out.name: f"./{out.name}"}
    if conversations:
        wanted[f"{folder.name}/"] = f"./{folder.name}/one"
    for name, path in wanted.items():
        if git.run("--no-literal-pathspecs", "check-ignore", "-q", "--", path).code:
            raise RefusedError(
                f"git would commit {out.parent / name}, and with it what people have typed.",
                hint=f"Let git ignore it: echo {shlex.quote(name)} >> "
                f"{shlex.quote(str(out.parent / '.gitignore'))}; or name a file elsewhere; or "
                "write it all the same: --tracked",
            )


def write_cases(
    files: FileSystem, out: Path, cases: Iterable[Case], histories: Mapping[str, bytes]
) -> None:
    """Write cases, and by their ids what was said before them, for their owner alone.

    The file of the cases comes last: where it is, all is there. Raises OSError.
    """
    folder, rows = history_folder(out), []
    for case in cases:
        said = histories.get(case.case_id)
        if said is not None:
            ensure_directory(files, folder)
            write_atomically(files, folder / f"{case.case_id}.jsonl", said)
        place = None if said is None else f"{folder.name}/{case.case_id}.jsonl"
        document = case_document(replace(case, history=place))
        rows.append(f"{json.dumps(document, ensure_ascii=False)}\n")
    write_atomically(files, out, "".join(rows).encode())
