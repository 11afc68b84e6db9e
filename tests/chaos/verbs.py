"""Every verb that changes something: how to make it ready, do it, and see what it did."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace

from tests.logs import everything
from tests.sources import shapes
from tests.support.git import git

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.machine import Machine
from meta_experiment.files.roots import Layout
from meta_experiment.git import Git, tracked_in
from meta_experiment.services.acting import lifecycle, promotion
from meta_experiment.services.health import recovery
from meta_experiment.services.importing import importing
from meta_experiment.services.planning import amending, creating, request
from meta_experiment.services.recording import assigning, recording
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.backends import open_store
from meta_experiment.store.local.checkout import Checkout
from meta_experiment.types import Trial

CONTROL, TREATMENT = b"\xef\xbb\xbfcontrol\r\n", b"treatment, and no newline at the end"
# what is under experiment, with its mode; all but the first are repositories
PROJECTS = {
    "plain files": {"a.md": 0o644, "folder of b/b.md": 0o600},
    "command": {".claude/commands/review.md": 0o644},
    "skill": {".claude/skills/review/SKILL.md": 0o644},
    "agent": {".claude/agents/reviewer.md": 0o755},
}
FILES = PROJECTS["plain files"]
_HEADS = {".claude/agents/reviewer.md": b"---\nname: reviewer\ndescription: reviews\n---\n"}
NOW = 1_760_000_000
_OURS = (".claude/meta/", ".git/")  # compared in other ways
_OF_GIT = (".git/config", ".git/info/exclude", ".git/info/attributes")


def no_outlook(*_: object, **__: object) -> SimpleNamespace:
    """Stand in for what a draft says of its power: slower than all else, and writes nothing."""
    return SimpleNamespace(outlook=SimpleNamespace(sentence=""), warnings=[], sooner=None)


def opened(root: Path, files: FileSystem | None = None) -> Workspace:
    """Open a root over a disk of the test's own, with a clock that ticks at each look."""
    layout, ticks = Layout(root), itertools.count(NOW)
    disk = FileSystem() if files is None else files
    program = Git.find(root) if (root / ".git").exists() else None
    checkout = Checkout(layout, disk, partial(tracked_in, program))
    return Workspace(
        layout,
        disk,
        checkout,
        open_store("files", layout, disk, checkout),
        program,
        lambda: float(next(ticks)),
        Machine.here(),
    )


def drafted(root: Path) -> str:
    """A draft on the files of a project, made without faults."""
    paths = json.loads((root / "files.json").read_text())
    for path, mode in paths.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        head = _HEADS.get(path, b"")
        place.write_bytes(head + CONTROL)
        place.chmod(mode)
        (root / f"new-{place.name}").write_bytes(head + TREATMENT)
    (root / "results.json").write_text(json.dumps(shapes.canonical(cases=3)))
    if paths != FILES:
        for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "start"]):
            git(root, *command)
        opened(root).checkout.identity()  # drawn by chance, and part of what git is told
    return create(opened(root), "drafted")


def project(root: Path, name: str) -> None:
    """Say which files are under experiment below a root."""
    root.mkdir(parents=True)
    (root / "files.json").write_text(json.dumps(PROJECTS[name]))


def create(workspace: Workspace, name: str) -> str:
    paths = json.loads((workspace.root / "files.json").read_text())
    flags = [f"{path}=new-{Path(path).name}" for path in paths]
    document = {"name": name, "seed": 7}
    wanted = request.from_flags(document, flags, workspace.root, workspace.root)
    return creating.create(workspace, wanted).experiment.experiment_id


def fresh(root: Path) -> str:
    """A running experiment that has no trial yet."""
    made = drafted(root)
    lifecycle.start(opened(root), made)
    return made


def started(root: Path) -> str:
    made = fresh(root)
    workspace = opened(root)
    assigning.assign(workspace, made, "earlier")
    recording.record(workspace, [observation(made, "earlier")])
    return made


def paused(root: Path) -> str:
    made = started(root)
    lifecycle.pause(opened(root), made)
    return made


def promoted(root: Path) -> str:
    made = started(root)
    promotion.promote(opened(root), made, promotion.ActionOptions(override="x"), dry_run=False)
    return made


def ended(root: Path) -> str:
    made = started(root)
    promotion.stop(opened(root), made, "x", dry_run=False)
    return made


def nothing(root: Path) -> str:
    """A project with prompt files and no experiment."""
    made = drafted(root)
    shutil.rmtree(root / ".claude" / "meta")
    return made


def observation(made: str, trial_id: str, *, seconds: float = 5.0) -> dict[str, object]:
    return {
        "experiment": made,
        "variant": "control",
        "unit": f"unit of {trial_id}",
        "trial_id": trial_id,
        "metrics": {"duration_seconds": seconds},
    }


Act = Callable[[Workspace, str], object]


@dataclass(frozen=True)
class Verb:
    """How a verb is made ready and done.

    Of a `batch` a crash may leave a part, unacknowledged. What came `from_outside` has its
    trials before its id, so that a second attempt may take the next id.
    """

    ready: Callable[[Path], str]
    act: Act
    batch: bool = False
    from_outside: bool = False


def _import(workspace: Workspace, _made: str) -> None:
    wanted = importing.ImportRequest((str(workspace.root / "results.json"),))
    importing.import_results(workspace, wanted, workspace.root, dry_run=False)


VERBS = {
    "create": Verb(nothing, lambda space, _: create(space, "drafted")),
    "start": Verb(drafted, lifecycle.start),
    "assign": Verb(started, lambda space, made: assigning.assign(space, made, "unit-1")),
    "first assign": Verb(fresh, lambda space, made: assigning.assign(space, made, "unit-1")),
    "first record": Verb(
        fresh, lambda space, made: recording.record(space, [observation(made, "t1")])
    ),
    "record": Verb(
        started, lambda space, made: recording.record(space, [observation(made, "t1")])
    ),
    "record --stdin": Verb(
        started,
        lambda space, made: recording.record(
            space, [observation(made, f"t{number}") for number in range(3)]
        ),
        batch=True,
    ),
    "pause": Verb(started, lifecycle.pause),
    "resume": Verb(paused, lifecycle.resume),
    "amend": Verb(
        started,
        lambda space, made: amending.amend(space, made, [("hypothesis", "another")], "why"),
    ),
    "promote": Verb(
        started,
        lambda space, made: promotion.promote(
            space, made, promotion.ActionOptions(override="x"), dry_run=False
        ),
    ),
    "rollback": Verb(
        promoted,
        lambda space, made: promotion.rollback(
            space, made, promotion.ActionOptions(), dry_run=False
        ),
    ),
    "stop": Verb(started, lambda space, made: promotion.stop(space, made, "x", dry_run=False)),
    "archive": Verb(ended, lifecycle.archive),
    "import": Verb(nothing, _import, from_outside=True),
    "panic": Verb(started, lambda space, _: recovery.panic(space)),
}


@dataclass(frozen=True)
class Seen:
    """What a user finds: experiments, all files to the byte and mode, trials, git's view."""

    experiments: tuple[tuple[str, str, str, int, int], ...]
    files: frozenset[tuple[str, str, int]]
    trials: frozenset[tuple[str, ...]]
    repository: str

    def without_ids(self) -> tuple[object, ...]:
        """Return the same with the experiments' ids left out."""
        experiments = tuple(item[1:] for item in self.experiments)
        trials = frozenset(item[1:] for item in self.trials)
        return experiments, self.files, trials, self.repository


def seen(root: Path) -> Seen:
    """Look at a root with a disk that works. Each trial must be there once."""
    workspace = opened(root)
    experiments = everything(workspace.store)
    trials: list[tuple[str, ...]] = []
    for item in experiments:
        log = workspace.store.trials(item)
        assert log.set_aside_count <= 1, log.set_aside  # the line that was torn
        trials += [
            # which arm is drawn depends on the checkout's identity, drawn by chance
            (item.experiment_id, trial.unit, *_result(trial))
            for trial in log.trials
        ]
        for name in {name for arms in item.versions.values() for name in arms}:
            workspace.store.variant(item, name)  # raises where the bytes are not the plan's
    assert len(set(trials)) == len(trials), "a trial is there twice"
    return Seen(
        tuple(
            (
                item.experiment_id,
                item.status.value,
                item.plan_sha256,
                len(item.outcomes),
                len(item.amendments),
            )
            for item in experiments
        ),
        frozenset(_files(root)),
        frozenset(trials),
        _history_of_git(root),
    )


def _result(trial: Trial) -> tuple[str, str]:
    return (trial.variant, str(dict(trial.metrics))) if trial.metrics else ("drawn", "")


def _files(root: Path) -> Iterator[tuple[str, str, int]]:
    for place in root.rglob("*"):
        path = place.relative_to(root).as_posix()
        if place.is_file() and (path in _OF_GIT or not path.startswith(_OURS)):
            yield path, hashlib.sha256(place.read_bytes()).hexdigest(), place.stat().st_mode


def _history_of_git(root: Path) -> str:
    """Return what git says has changed, and how many commits there are."""
    if not (root / ".git").exists():
        return ""
    status = git(root, "status", "--porcelain").splitlines()
    changed = [line for line in status if not line.endswith(_OURS)]
    return "\n".join([git(root, "rev-list", "--count", "HEAD"), *changed])


def left_over(root: Path) -> list[Path]:
    """Return what `recover` should have taken away: changes in flight, unfinished files."""
    meta = root / ".claude" / "meta"
    flights = [*(meta / "journal").glob("[!.]*")]
    return [*flights, *root.rglob("*.meta-tmp")]
