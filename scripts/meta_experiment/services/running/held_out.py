"""Cases held out of a set: kept from whoever tunes the prompt, for one decision on them alone.

They lie in this machine's own folder, outside of the project. Which cases they are follows from
their ids and a seed, whatever their order. Who opened them is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from meta_experiment.assign.uniform import uniform
from meta_experiment.errors import (
    ConflictError,
    NotFoundError,
    RefusedError,
    StorageError,
    UsageError,
    as_word,
    cite,
)
from meta_experiment.files.durable import append_lines, ensure_directory
from meta_experiment.model import instants
from meta_experiment.protocol.places import is_id
from meta_experiment.runs.cases.forms import read_cases
from meta_experiment.services.kept_outside import (
    HELD_OUT,
    kept_outside,
    require_kept_outside,
)
from meta_experiment.services.running.case_files import require_place, write_cases
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment
from meta_experiment.types.cases import Case
from meta_experiment.types.results.case_split import CaseSplit


def split(
    workspace: Workspace,
    path: Path,
    out: Path,
    *,
    share: float,
    name: str,
    seed: int = 0,
    tracked: bool = False,
) -> CaseSplit:
    """Part a set of cases: what is for tuning into a file, the rest out of sight.

    Args:
        workspace: of whose project the cases are.
        path: the cases.
        out: a new file for those that are for tuning.
        share: of the cases to hold out, from 0 to 1.
        name: by which `run` is to find the others.
        seed: of the draw.
        tracked: cases of past uses may also lie where git would commit them.

    Raises:
        UsageError: a part would be empty, or the name is none.
        RefusedError: either file is there, or git would commit past uses.
        NotFoundError: there are no such cases. StorageError: they cannot be written.
    """
    if not is_id(name):
        raise UsageError(f"{cite(name)} is no plain name; expected letters, digits, '-'.")
    held = require_kept_outside(workspace, HELD_OUT) / f"{name}.jsonl"
    for file in (out, held):
        if os.path.lexists(file):
            raise RefusedError(
                f"{file} is there already.", hint="Take another --out or --name."
            )
    cases = read_cases(path)
    if any(case.origin for case in cases):
        require_place(out, tracked=tracked, conversations=any(case.history for case in cases))
    drawn = _drawn(cases, share, seed)
    apart = [case for case in cases if case.case_id in drawn]
    tuning = [case for case in cases if case.case_id not in drawn]
    if not tuning:
        raise UsageError(
            f"Of {len(cases)} cases {len(apart)} would be held out; expected some in each "
            "part.",
            hint="Take a smaller --holdout, or more cases.",
        )
    try:
        ensure_directory(workspace.files, held.parent)
        for file, some in ((held, apart), (out, tuning)):
            write_cases(workspace.files, file, some, _histories(some))
    except OSError as error:
        raise StorageError(
            f"{error.filename or out} cannot be written: {error.strerror}."
        ) from error
    return CaseSplit(
        source=str(path),
        name=name,
        file=str(out),
        tuning=len(tuning),
        held_out=len(apart),
        seed=seed,
    )


def _drawn(cases: Iterable[Case], share: float, seed: int) -> set[str]:
    """Return the ids of the share nearest to what was asked for, one at least."""
    ids = sorted((case.case_id for case in cases), key=lambda name: uniform(seed, name))
    return set(ids[: max(1, round(share * len(ids)))])


def held_out(workspace: Workspace, name: str) -> Path:
    """Return the file of the cases that are held out under a name.

    Raises:
        NotFoundError: there is none; says which there are.
    """
    folder = require_kept_outside(workspace, HELD_OUT)
    known = sorted(path.stem for path in folder.glob("*.jsonl"))
    if name not in known:
        raise NotFoundError(
            f"No cases are held out as {cite(name)}; there are: {', '.join(known) or 'none'}.",
            hint="Hold some out: meta-experiment cases split FILE --holdout 30 --out FILE",
        )
    return folder / f"{name}.jsonl"


def opened(workspace: Workspace, experiment: Experiment, name: str) -> list[str]:
    """Note that an experiment sees held-out cases, and say what is to be known of that.

    Raises:
        OSError: it cannot be noted.
    """
    notes = require_kept_outside(workspace, HELD_OUT) / f"{name}.opened"
    before = _openings(notes)
    others = {name: at for name, at in before.items() if name != experiment.experiment_id}
    if experiment.experiment_id not in before:
        now = instants.to_text(workspace.clock())
        append_lines(workspace.files, notes, f"{experiment.experiment_id} {now}\n".encode())
        status = experiment.status
        workspace.note(experiment, "run", status, f"opened the held-out cases {name}")
    return [
        f"The held-out cases {name} were opened before, by {other} at {at}: a text that was "
        "changed since then may be fitted to them."
        for other, at in others.items()
    ]


def require_same_opened(workspace: Workspace, experiment_id: str, name: str) -> None:
    """Refuse other cases of an experiment that held-out ones were opened for.

    `name` is that of the held-out cases it is to be run on, empty where it is on others.

    Raises:
        ConflictError: it was opened others; names them.
    """
    folder = kept_outside(workspace, HELD_OUT)
    for notes in sorted(folder.glob("*.opened")) if folder is not None else ():
        if experiment_id in _openings(notes) and notes.stem != name:
            raise ConflictError(
                f"{experiment_id} was run on the held-out cases {as_word(notes.stem)}; "
                "expected a decision on them alone.",
                hint=f"meta-experiment run {experiment_id} --holdout {notes.stem}; on other "
                "cases make a new experiment: meta-experiment create --unit case",
            )


def _openings(notes: Path) -> dict[str, str]:
    """Return which experiments opened held-out cases, and when; a broken line is none."""
    if not notes.exists():
        return {}
    words = (line.split() for line in notes.read_text("utf-8", "replace").splitlines())
    return {line[0]: line[1] for line in words if len(line) == 2}


def _histories(cases: Iterable[Case]) -> dict[str, bytes]:
    return {case.case_id: Path(case.history).read_bytes() for case in cases if case.history}
