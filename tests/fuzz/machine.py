"""Random sequences of verbs against a small model, compared after every step."""

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import jsonschema
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from tests.logs import everything

from meta_experiment.errors import MetaExperimentError
from meta_experiment.files.roots import Layout
from meta_experiment.services.acting import autopilot, lifecycle, promotion
from meta_experiment.services.board.board import board
from meta_experiment.services.health import recovery, repairing, verifying
from meta_experiment.services.planning import amending, creating, request
from meta_experiment.services.recording import assigning, recording
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Status

PATHS = (".claude/commands/a.md", ".claude/commands/b.md", "notes/c.md")
HOLDING = {Status.DRAFT, Status.RUNNING, Status.PAUSED}
OPEN = {Status.RUNNING, Status.PAUSED, Status.EXPIRED}
SCHEMA = json.loads(
    (Path(__file__).resolve().parents[2] / "schemas/experiments.v1.schema.json").read_bytes()
)
VALID = jsonschema.Draft202012Validator(SCHEMA)


@dataclass
class Model:
    """What we think of one experiment."""

    path: str
    control: bytes
    treatment: bytes
    status: Status = Status.DRAFT
    begun: bool = False
    trials: set = field(default_factory=set)
    units: dict = field(default_factory=dict)


class Verbs(RuleBasedStateMachine):
    """A repository with three prompt files; each rule is one verb, or an edit by the user."""

    experiments = Bundle("experiments")
    steps = 0

    def __init__(self):
        super().__init__()
        place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
        self.base = Path(tempfile.mkdtemp(dir=place))
        self.root = self.base / "project"
        self.environment = mock.patch.dict(
            os.environ, {"HOME": str(self.base), "XDG_DATA_HOME": str(self.base / "data")}
        )
        self.environment.start()
        self.files, self.known, self.ticks = {}, {}, itertools.count(1_800_000_000)
        self.numbers = itertools.count(1)
        for path in PATHS:
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            self.write(path, f"control of {path}\r\n".encode())
        self.git("init", "--quiet", "--initial-branch=main")
        with (self.root / ".git/info/exclude").open("a") as stream:
            stream.write(".claude/meta/\nnew.md\n")
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", "start")
        self.committed = dict(self.files)
        self.reopen()

    def teardown(self):
        self.environment.stop()
        shutil.rmtree(self.base, ignore_errors=True)

    # what the user does

    def write(self, path, data):
        (self.root / path).write_bytes(data)
        self.files[path] = data

    def git(self, *arguments):
        return subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True
        ).stdout

    @rule()
    def reopen(self):
        """Another process takes over."""
        self.space = Workspace.open(Layout(self.root), lambda: float(next(self.ticks)))

    @rule(path=st.sampled_from(PATHS))
    def edit(self, path):
        """The user saves another text."""
        self.write(path, f"edit {next(self.numbers)}\n".encode())

    @rule(made=experiments)
    def bring_back(self, made):
        """The user undoes an edit."""
        item = self.known[made]
        if item.status in HOLDING:
            self.write(item.path, item.control)

    # verbs

    def attempt(self, allowed, act):
        """Act, and hold the answer against what the model allows; say whether it was done."""
        try:
            act()
        except MetaExperimentError as error:
            if allowed:
                raise AssertionError(f"refused: {error.message}") from error
            return False
        assert allowed, "done, and should have been refused"
        return True

    def free(self, path, but=None):
        return not any(
            item.path == path and item.status in HOLDING
            for name, item in self.known.items()
            if name != but
        )

    @rule(target=experiments, path=st.sampled_from(PATHS))
    def create(self, path):
        text = f"treatment {next(self.numbers)}".encode()
        (self.root / "new.md").write_bytes(text)
        document = {"unit": "invocation", "seed": 1}
        wanted = request.from_flags(document, [f"{path}=new.md"], self.root, self.root)
        made = []
        done = self.attempt(
            self.free(path),
            lambda: made.append(creating.create(self.space, wanted).experiment.experiment_id),
        )
        if not done:
            return multiple()
        self.known[made[0]] = Model(path, self.files[path], text)
        return made[0]

    @rule(made=experiments, manual=st.booleans())
    def start(self, made, manual):
        item = self.known[made]
        if item.status is Status.RUNNING:
            return  # joining, which the checkout has done already
        allowed = item.status is Status.DRAFT and self.files[item.path] == item.control
        if self.attempt(allowed, lambda: lifecycle.start(self.space, made, manual=manual)):
            item.status, item.begun = Status.RUNNING, True

    @rule(made=experiments)
    def pause(self, made):
        item = self.known[made]
        if self.attempt(
            item.status is Status.RUNNING, lambda: lifecycle.pause(self.space, made)
        ):
            item.status = Status.PAUSED

    @rule(made=experiments)
    def resume(self, made):
        item = self.known[made]
        allowed = (
            item.status in (Status.PAUSED, Status.EXPIRED)
            and self.free(item.path, but=made)
            and self.files[item.path] == item.control
        )
        if self.attempt(allowed, lambda: lifecycle.resume(self.space, made)):
            item.status, item.begun = Status.RUNNING, True

    @rule(made=experiments)
    def archive(self, made):
        item = self.known[made]
        allowed = item.status not in (Status.RUNNING, Status.PAUSED, Status.ARCHIVED)
        if self.attempt(allowed, lambda: lifecycle.archive(self.space, made)):
            item.status = Status.ARCHIVED

    @rule(made=experiments, unit=st.sampled_from("uvw"))
    def assign(self, made, unit):
        item, drawn = self.known[made], []
        if self.attempt(
            item.status is Status.RUNNING,
            lambda: drawn.append(assigning.assign(self.space, made, unit)),
        ):
            assert item.units.setdefault(unit, drawn[0].variant) == drawn[0].variant
            item.trials.add(drawn[0].trial_id)

    @rule(made=experiments, number=st.integers(1, 4), seconds=st.floats(0.1, 1e6))
    def record(self, made, number, seconds):
        item = self.known[made]
        trial = f"t{number}"
        document = {
            "experiment": made,
            "variant": ("control", "treatment")[number % 2],
            "trial_id": trial,
            "metrics": {"duration_seconds": seconds},
        }
        allowed = item.status not in (Status.DRAFT, Status.ARCHIVED)
        if self.attempt(allowed, lambda: recording.record(self.space, [document])):
            item.trials.add(trial)

    @rule(made=experiments)
    def amend(self, made):
        item = self.known[made]
        allowed = item.status not in (Status.PROMOTED, Status.ROLLED_BACK, Status.ARCHIVED)
        text = f"hypothesis {next(self.numbers)}"
        self.attempt(
            allowed, lambda: amending.amend(self.space, made, [("hypothesis", text)], "why")
        )

    @rule(made=experiments, commit=st.booleans())
    def promote(self, made, commit):
        item = self.known[made]
        allowed = (
            item.status in OPEN
            and item.begun
            and self.free(item.path, but=made)
            and self.files[item.path] in (item.control, item.treatment)
        )
        wish = promotion.ActionOptions(override="fuzz", commit=commit)
        if self.attempt(
            allowed, lambda: promotion.promote(self.space, made, wish, dry_run=False)
        ):
            item.status = Status.PROMOTED
            self.moved(item.path, item.treatment, commit)

    @rule(made=experiments, commit=st.booleans())
    def rollback(self, made, commit):
        item = self.known[made]
        promoted = item.status is Status.PROMOTED
        allowed = (item.status in OPEN and item.begun) or promoted
        allowed &= self.free(item.path, but=made)
        if promoted:
            allowed &= self.files[item.path] in (item.control, item.treatment)
        wish = promotion.ActionOptions(commit=commit)
        if self.attempt(
            allowed, lambda: promotion.rollback(self.space, made, wish, dry_run=False)
        ):
            item.status = Status.ROLLED_BACK
            if promoted:
                self.moved(item.path, item.control, commit)

    def moved(self, path, data, commit):
        if commit and self.files[path] != data:
            self.committed[path] = data
        self.files[path] = data

    @rule(made=experiments)
    def rehearse(self, made):
        """A dry run changes nothing, whatever it says."""
        for act in (promotion.promote, promotion.rollback):
            with contextlib.suppress(MetaExperimentError):
                act(self.space, made, promotion.ActionOptions(override="x"), dry_run=True)

    @rule(made=experiments)
    def stop(self, made):
        item = self.known[made]
        allowed = item.status in HOLDING and self.free(item.path, but=made)
        if self.attempt(
            allowed, lambda: promotion.stop(self.space, made, "fuzz", dry_run=False)
        ):
            item.status = Status.EXPIRED

    @rule()
    def panic(self):
        recovery.panic(self.space)
        for item in self.known.values():
            if item.status is Status.RUNNING:
                item.status = Status.PAUSED

    @rule()
    def auto(self):
        """So few trials decide nothing."""
        autopilot.auto(self.space, commit=True, dry_run=False)

    @rule()
    def recover(self):
        recovery.recover(self.space)

    @rule()
    def repair(self):
        repairing.repair(self.space)

    @rule()
    def verify(self):
        drifted = {
            item.path
            for item in self.known.values()
            if item.status is Status.RUNNING and self.files[item.path] != item.control
        }
        wrong = [item for item in verifying.verify(self.space).findings if not item.ok]
        told = [item for item in wrong if item.name != "logs"]  # a conflict is no damage
        assert {item.name for item in told} == ({"prompt files"} if drifted else set()), wrong

    @rule()
    def status(self):
        layout = self.space.layout
        shown = board(layout, self.space.clock, lambda: self.space, None, archived=True)
        assert {row["id"]: row["status"] for row in shown["experiments"]} == {
            name: item.status.value for name, item in self.known.items()
        }

    # what must hold after every step

    @invariant()
    def everything_is_as_the_model_says(self):
        type(self).steps += 1
        for path, data in self.files.items():
            assert (self.root / path).read_bytes() == data, path
        experiments = {item.experiment_id: item for item in everything(self.space.store)}
        assert {name: item.status for name, item in experiments.items()} == {
            name: item.status for name, item in self.known.items()
        }
        for name, item in self.known.items():
            log = self.space.store.trials(experiments[name])
            assert {trial.trial_id for trial in log.trials} == item.trials
            assert log.set_aside_count == 0
        for item in experiments.values():
            assert item.status is not Status.RUNNING or item.started is not None
        if experiments:
            VALID.validate(json.loads(self.space.layout.registry.read_bytes()))
        assert not self.space.deployer.pending()

    @invariant()
    def git_sees_the_users_edits_and_nothing_else(self):
        lines = self.git("status", "--porcelain", "-z", "--untracked-files=all").split(b"\0")
        dirty = {path for path in PATHS if self.files[path] != self.committed[path]}
        assert {line.decode() for line in lines if line} == {f" M {path}" for path in dirty}
