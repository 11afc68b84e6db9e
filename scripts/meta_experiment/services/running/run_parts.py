"""Runs that were made elsewhere: packed there as one file, and taken in here.

What is taken in counts as if it had been run here, so that it must bear the seal of a key that
is known here, or be admitted by who takes it. What is of another plan, or began at another
state of the project, never comes in.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import (
    ConflictError,
    CorruptStoreError,
    NotFoundError,
    RefusedError,
    StorageError,
    cite,
)
from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.lock import FileLock
from meta_experiment.model.result_document import to_document
from meta_experiment.runs.budget import Budget, Caps
from meta_experiment.runs.part_files import (
    PartHead,
    RunsPart,
    place_files,
    require_key,
    write_part,
)
from meta_experiment.runs.pledges import read_pledges, write_pledges
from meta_experiment.runs.run_folder import RunFolder, contest_of, outcome_of
from meta_experiment.services.find import find_in
from meta_experiment.services.running.run_records import run_folder
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Experiment
from meta_experiment.types.results.run_parts import PackedRuns, TakenPart, TakenRuns
from meta_experiment.types.runs import CellOutcome, Pledge, RunCell

SUFFIX = ".part"
_ORIGIN = "origin.json"


def pack_runs(
    workspace: Workspace,
    selector: str,
    target: Path,
    key: bytes,
    *,
    share: str = "",
    pledge: Caps | None = None,
) -> PackedRuns:
    """Write what runs of an experiment left here into one file.

    With a `pledge` what is left of these caps counts as spent elsewhere, until a later part of
    this machine says what was. Without a key the part is not sealed.

    Raises:
        NotFoundError: there is no such experiment. LockedError: its runs are under way.
        RefusedError: the key can be guessed. StorageError: the file cannot be written.
    """
    if key:
        require_key(key)
    experiment = find_in(workspace.store, selector)
    folder = run_folder(workspace, experiment.experiment_id)
    try:
        workspace.files.make_directory(folder.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.lock, timeout=5.0, verb="runs pack"):
            book = read_pledges(folder.folder)
            book = book.settle() if pledge is None else book.with_new(_left(folder, pledge))
            write_pledges(workspace.files, folder.folder, book)
            head = PartHead(
                experiment.experiment_id,
                _plan_digest(experiment),
                _base(folder),
                _cases(folder),
                share,
                book.pledges,
                book.settled,
            )
            files = write_part(target, head, folder, key)
            outcomes = [item for item in folder.records() if item.outcome is not None]
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}.") from error
    return PackedRuns(
        experiment.experiment_id, str(target), len(outcomes), files, is_sealed=bool(key)
    )


def take_runs(
    workspace: Workspace,
    selector: str,
    paths: Sequence[Path],
    key: bytes,
    *,
    admit: bool = False,
) -> TakenRuns:
    """Take in parts, files or folders of such; the same part again adds nothing.

    All of them are looked at before any is taken in.

    Raises:
        NotFoundError: there is no such experiment, or no part.
        RefusedError: a part bears no seal, or another one, and none is admitted; or its runs
            began at another state of the project.
        ConflictError: it is of another experiment or plan. CorruptStoreError: it is no part.
    """
    if key:
        require_key(key)
    experiment = find_in(workspace.store, selector)
    folder = run_folder(workspace, experiment.experiment_id)
    found = [path for place in paths for path in _parts_in(place)]
    try:
        workspace.files.make_directory(folder.folder)
        with FileLock(folder.lock, timeout=5.0, verb="runs take"):
            parts = [RunsPart(path, key) for path in found]
            for part in parts:
                _require_believed(part, key, admit=admit)
                _require_same_plan(part, experiment)
            _require_one_base(folder, parts)
            for part in parts:
                _require_sound(part, experiment)
            taken = tuple(_taken(workspace, folder, part) for part in parts)
    except OSError as error:
        raise StorageError(
            f"{error.filename or folder.folder} cannot be used: {error.strerror}."
        ) from error
    book = read_pledges(folder.folder)
    return TakenRuns(
        experiment.experiment_id,
        taken,
        tuple(item.usd for item in book.pledges.values()),
        sum(item.outcome is not None for item in folder.records()),
    )


def require_same_base(folder: RunFolder, commit: str) -> None:
    """Refuse to make runs at another state of the project than those that were taken in.

    Raises:
        RefusedError: says which state that was.
    """
    known = _origin(folder)
    if known and known != commit:
        raise RefusedError(
            f"The runs that were taken in began at {known[:12]}, and here they would at "
            f"{commit[:12]}: they are not comparable.",
            hint=f"Check out {known[:12]} with nothing uncommitted, or count what there is: "
            "meta-experiment run ID --cases PATH --count-only",
        )


def _left(folder: RunFolder, caps: Caps) -> Pledge:
    """Return what is left of caps."""
    budget = Budget(caps)
    for bill in folder.bills():
        budget.spend(bill)
    return Pledge(
        None if caps.usd is None else max(0.0, caps.usd - budget.usd),
        None if caps.tokens is None else max(0.0, caps.tokens - budget.tokens),
    )


def _plan_digest(experiment: Experiment) -> str:
    told = json.dumps(
        [experiment.plan_sha256, to_document(experiment.versions)], sort_keys=True
    )
    return str(sha256(told.encode()).hexdigest())


def _base(folder: RunFolder) -> str:
    """Return the commit at which the runs in a folder began; empty where none did."""
    with suppress(FileNotFoundError):
        return str(json.loads((folder.folder / "base" / "base.json").read_bytes())["commit"])
    return _origin(folder)


def _origin(folder: RunFolder) -> str:
    with suppress(FileNotFoundError):
        return str(json.loads((folder.folder / _ORIGIN).read_bytes())["base"])
    return ""


def _cases(folder: RunFolder) -> dict[str, str]:
    return {
        record.cell.case_id: start.case
        for record in folder.records()
        if (start := folder.start(folder.attempts(record.cell)[-1])) is not None
    }


def _parts_in(place: Path) -> Iterator[Path]:
    """Yield a part, or those in a folder and its folders. Raises NotFoundError."""
    if place.is_dir():
        yield from sorted(path for path in place.rglob(f"*{SUFFIX}") if path.is_file())
    elif place.is_file():
        yield place
    else:
        raise NotFoundError(f"There is no part at {place}.")


def _require_believed(part: RunsPart, key: bytes, *, admit: bool) -> None:
    if part.is_sealed or admit:
        return
    why = "bears no seal" if key else "cannot be held against a seal, as no key is known here"
    raise RefusedError(
        f"{part.path} {why}: whoever wrote it may have made up what is in it.",
        hint="Put the key it was sealed by into META_EXPERIMENT_PARTS_KEY; or, if you know "
        "where it comes from, say --admit.",
    )


def _require_same_plan(part: RunsPart, experiment: Experiment) -> None:
    name = experiment.experiment_id
    if part.head.experiment_id != name:
        raise ConflictError(
            f"{part.path} is of {cite(part.head.experiment_id)}; expected runs of {name}."
        )
    if part.head.plan != _plan_digest(experiment):
        raise ConflictError(
            f"{part.path} was made by another plan, or other texts, than {name} has here.",
            hint="Bring the experiment of both to the same state: commit .claude/meta.",
        )


def _require_one_base(folder: RunFolder, parts: Iterable[RunsPart]) -> None:
    known = _base(folder)
    for part in parts:
        if known and part.head.base and part.head.base != known:
            raise RefusedError(
                f"The runs of {part.path} began at {part.head.base[:12]}, the others at "
                f"{known[:12]}: they are not comparable.",
                hint="Make all of them at one commit, with nothing uncommitted.",
            )
        known = known or part.head.base


def _require_sound(part: RunsPart, experiment: Experiment) -> None:
    """Refuse a part of which something is no file of a run of this plan.

    Raises:
        CorruptStoreError: says which.
    """
    variants = {item.name for item in experiment.plan.variants}
    for name in part:
        kind, *rest = name.split("/")
        try:
            if name.endswith("/start.json"):
                cell = RunCell(**part.json(name)["cell"])
                _require(cell.name == rest[0] and cell.variant in variants)
                _require(isinstance(cell.repeat, int))
            elif name.endswith("/outcome.json"):
                found = outcome_of(part.json(name))
                _require_outcome(found, rest[0], variants)
                _require(f"cells/{rest[0]}/{found.attempts}/start.json" in part)
            elif kind == "contests":
                _require(f"{contest_of(part.json(name)).cell.name}.json" == rest[0])
            elif name.endswith("/spent.json"):
                found = part.json(name)
                _require(all(_is_price(found[key]) for key in ("usd", "tokens")))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorruptStoreError(
                f"{part.path} holds in {name} what is none of a run of this plan.",
                hint="Make it anew where the runs were made: meta-experiment runs pack",
            ) from error


def _require_outcome(outcome: CellOutcome, folder: str, variants: set[str]) -> None:
    _require(outcome.cell.name == folder and outcome.cell.variant in variants)
    values = (outcome.started, outcome.ended, *outcome.report.metrics.values())
    _require(all(_is_finite(value) for value in values))
    for spent in (outcome.report.spent, outcome.judging):
        _require(_is_price(spent.usd) and _is_price(spent.tokens))


def _require(true: bool) -> None:
    if not true:
        raise ValueError


def _is_finite(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value)


def _is_price(value: object) -> bool:
    return value is None or (_is_finite(value) and not str(value).startswith("-"))


def _taken(workspace: Workspace, folder: RunFolder, part: RunsPart) -> TakenPart:
    files = workspace.files
    if part.head.base and not _origin(folder):
        document = json.dumps({"base": part.head.base}).encode()
        write_atomically(files, folder.folder / _ORIGIN, document)
    groups: dict[str, list[str]] = {}
    for name in part:
        groups.setdefault("/".join(name.split("/")[:2]), []).append(name)
    new = known = 0
    for group, names in groups.items():
        if group.startswith("contests/"):
            place_files(files, folder.folder, {name: part.read(name) for name in names})
            continue
        is_new = _taken_group(workspace, folder, part, group, names)
        new, known = new + (is_new is True), known + (is_new is False)
    book = read_pledges(folder.folder).joined(part.head.pledges, part.head.settled)
    write_pledges(files, folder.folder, book)
    return TakenPart(str(part.path), part.head.share, new, known, is_sealed=part.is_sealed)


def _taken_group(
    workspace: Workspace, folder: RunFolder, part: RunsPart, group: str, names: Sequence[str]
) -> bool | None:
    """Take in a cell, or the questions about one; tell whether its outcome is new.

    None is one without an outcome. Attempts that are here already, by how they were begun or
    what was asked, are left; others get the next number.
    """
    place = folder.folder / group
    key = "start.json" if group.startswith("cells/") else "prompt"
    numbers = sorted({int(name.split("/")[2]) for name in names if name.endswith(f"/{key}")})
    here = _begun(place, key)
    last = max((int(path.name) for path in place.glob("[0-9]*")), default=0)
    moved: dict[int, int] = {}
    for number in numbers:
        inner = [name for name in names if name.startswith(f"{group}/{number}/")]
        mark = part.read(f"{group}/{number}/{key}")
        if mark in here:
            moved[number] = here[mark]
            continue
        last += 1
        moved[number] = last
        contents = {name.split("/")[-1]: part.read(name) for name in inner}
        place_files(workspace.files, place / str(last), contents)
    outcome = f"{group}/outcome.json"
    if outcome not in names:
        return None
    if (place / "outcome.json").exists():
        return False
    found = part.json(outcome)
    found["attempts"] = moved[found["attempts"]]
    rest = [name for name in names if name.startswith((f"{group}/work/", f"{group}/patch"))]
    contents = {name.removeprefix(f"{group}/"): part.read(name) for name in rest}
    place_files(
        workspace.files, place, {**contents, "outcome.json": json.dumps(found).encode()}
    )
    return True


def _begun(place: Path, key: str) -> Mapping[bytes, int]:
    return {
        path.read_bytes(): int(path.parent.name)
        for path in place.glob(f"*/{key}")
        if path.parent.name.isdecimal()
    }
