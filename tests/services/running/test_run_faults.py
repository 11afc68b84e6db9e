"""A fault at every operation of a run: no cell twice, no trial lost, the next call goes on."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from tests.faults import FATAL, REFUSING, Crash, FaultyFileSystem, telling
from tests.support.git import git

from meta_experiment.errors import MetaExperimentError, StorageError
from meta_experiment.files.roots import Layout
from meta_experiment.runs import workplace
from meta_experiment.runs.base import Base
from meta_experiment.runs.fence import Fence
from meta_experiment.runs.supervising import Launch, ProgramEnding
from meta_experiment.runs.work_tree import Changes
from meta_experiment.services.health.recovery import finish_unless_busy
from meta_experiment.services.planning import creating, request
from meta_experiment.services.running import run_plan, running
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import TrialStatus
from meta_experiment.types.results.run import RunEnd
from meta_experiment.types.runs import AgentReport, Failure, FailureKind, Spent

COMMAND = ".claude/commands/review.md"
CASES = 2
AT = 1_760_000_000.0


class Machine:
    """Checkouts, supervisor and agent in one, which a runner's death does not end."""

    name = identity = "stand-in"
    takes_history = False

    def __init__(self, folder):
        self.folder = folder
        self.launched = Counter()
        self.over = {}

    def require(self):
        pass

    def resolve(self, commit):
        return commit

    def prepare(self, number, arm, commit=None):
        del number, arm, commit
        return self.folder

    def project(self, number):
        del number
        return self.folder

    def stands(self, number):
        return number >= 0

    def changes(self, number):
        del number
        return Changes({"a.txt": 1}, b"+a\n")

    def keep_work(self, number, path):
        pass

    def dispose(self):
        pass

    def launch(self, given):
        if isinstance(given, Launch):  # as the supervisor
            self.launched[given.folder.parent.name] += 1
            self.over[given.folder] = ProgramEnding(0, 1.0)
            return None
        where = (self.folder, {}, given.prompt, given.attempt)
        return Launch(("true",), *where, within=1.0, output_limit=1)

    def ended(self, folders, within):
        del within
        return {path: self.over.get(path, ProgramEnding(None, 0.0)) for path in folders}

    def shortcoming(self, system):
        del system

    def end(self, path):
        self.over.setdefault(path, ProgramEnding(None, 0.0))

    def stuck(self, task):
        del task

    def report(self, task, ending):
        at_once = b"at once" in task.texts[COMMAND]
        seconds = (10.0 + len(task.case.prompt)) * (0.5 if at_once else 1.0)
        lost = Failure(FailureKind.MACHINE, "its supervisor died")
        return AgentReport(
            status=TrialStatus.OK,
            output="done",
            metrics={"active_seconds": seconds},
            spent=Spent(0.0, 0.0) if ending.lost else Spent(0.01, 10.0),
            received=True,
            failure=lost if ending.lost else None,
        )


class Crew:
    """One attempt at a time, in this thread."""

    fenced = True

    def __init__(self, make):
        self.make, self.waiting = make, []

    def begin(self, cell, slot):
        self.waiting.append((cell, slot))

    def next(self):
        from threading import Event

        cell, slot = self.waiting.pop(0)
        return [self.make(cell, slot, Event())]

    def close(self):
        self.waiting.clear()


class Bench:
    """Starts the same runs again and again from the same state, in fresh folders."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.patch = folder, monkeypatch
        self.template = folder / "template"
        root = self.template / "project"
        (root / COMMAND).parent.mkdir(parents=True)
        (root / COMMAND).write_text("Review slowly.\n")
        (folder / "new.md").write_text("Review at once.\n")
        lines = ({"id": f"c{n}", "prompt": "x" * n} for n in range(1, CASES + 1))
        self.cases = folder / "cases.jsonl"
        self.cases.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        git(root, "init", "-q", "-b", "main")
        git(root, "add", ".")
        git(root, "commit", "-qm", "start")
        self.enter(self.template)
        wanted = {
            "name": "review",
            "seed": 7,
            "unit": "case",
            "metrics": {"primary": "active_seconds"},
            "stopping": {"sample_size": 5},
        }
        flags = request.from_flags(wanted, [f"{COMMAND}={folder / 'new.md'}"], root, root)
        made = creating.create(self.space(root), flags, manual=True)
        self.name = made.experiment.experiment_id
        files = FaultyFileSystem()
        self.root = self.fresh()
        assert self.run(files).ended is RunEnd.EXHAUSTED
        self.names = [name for name, _ in files.operations]
        self.operations = len(self.names)
        self.expected = self.trials()
        self.before = self.theirs(root)

    def enter(self, home):
        """Begin with a machine of its own."""
        self.patch.setenv("HOME", str(home / "home"))
        self.patch.delenv("XDG_DATA_HOME", raising=False)
        self.machine = Machine(home)
        base = Base("0" * 40, "main", "", (), "", "", ())
        for name, value in {
            "base_of": lambda *_: base,
            "Slots": lambda *_: self.machine,
            "fence": lambda *_: Fence("stand-in"),
            "supervising": self.machine,
            "hire": lambda _, work, **__: Crew(work.make),
        }.items():
            self.patch.setattr(running, name, value)
        self.patch.setattr(workplace, "supervising", self.machine)
        self.patch.setattr(Fence, "around", lambda *given: given[1])

    def fresh(self):
        """Return a copy of the project as it is before the runs."""
        copy = self.folder / "copy"
        if copy.exists():
            shutil.rmtree(copy)
        shutil.copytree(self.template, copy, symlinks=True)
        self.enter(copy)
        return copy / "project"

    def space(self, root, files=None):
        return Workspace.open(Layout(root), lambda: AT, files=files)

    def run(self, files=None):
        space = self.space(self.root, files)
        wanted = run_plan.RunRequest(self.cases, self.machine)
        planned = run_plan.plan_runs(space, self.name, wanted)
        return running.run(space, planned, wanted, lambda *_: None)

    def trials(self):
        space = self.space(self.root)
        log = space.store.trials(space.store.experiment(self.name))
        assert log.conflicts == ()
        return {item.trial_id: (item.variant, item.unit, item.metrics) for item in log.trials}

    def theirs(self, root):
        """Return the user's own files."""
        own = root / ".claude" / "meta"
        found = (path for path in Path(root).rglob("*") if not path.is_relative_to(own))
        ours = {root / ".git/info/exclude"}
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in found
            if path.is_file() and path not in ours
        }

    def settle(self):
        """Go on with a sound disk as the next command does: all is there, each once."""
        finish_unless_busy(self.space(self.root))
        done = self.run()
        assert done.ended is RunEnd.EXHAUSTED
        assert done.counted == 2 * CASES
        assert self.trials() == self.expected
        assert set(self.machine.launched.values()) == {1}
        assert self.theirs(self.root) == self.before
        assert done.spent.usd == pytest.approx(0.01 * 2 * CASES)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    return Bench(tmp_path, monkeypatch)


def disturb(bench, mode, places, **more):
    """Let one operation after another fail; return how often the runs went through at once."""
    whole = 0
    for fail_at in places:
        bench.root = bench.fresh()
        files = FaultyFileSystem(fail_at, mode, **more)
        error = failure(bench, files)
        assert files.fired
        if mode in FATAL:
            assert isinstance(error, Crash)
        elif error is not None:
            assert isinstance(error, StorageError)
            assert "injected" in error.message
        whole += error is None
        bench.settle()
    return whole


def failure(bench, files):
    """Run, and return what that died of or was refused with."""
    try:
        bench.run(files)
    except (Crash, MetaExperimentError) as error:
        return error
    return None


@pytest.mark.long(25)
@pytest.mark.parametrize("mode", [*FATAL, *REFUSING])
def test_a_fault_at_every_operation_is_made_good_by_the_next_call(bench, mode):
    places = telling(mode, bench.names)
    assert disturb(bench, mode, places) < len(places) / 4


@pytest.mark.long
def test_a_disk_that_stays_full_ends_the_runs_and_loses_none(bench):
    disturb(bench, "enospc", range(1, bench.operations + 1, 2), lasting=True)


@pytest.mark.long
def test_some_faults_are_made_good_by_the_next_call(bench):
    for place, mode in enumerate((*FATAL, *REFUSING)):
        disturb(bench, mode, [bench.operations * (place + 1) // 6])
