"""Machines of a team, each with a home and a checkout of its own, over one store."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections import Counter
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from unittest.mock import patch

from tests.chaos import verbs
from tests.store.memory_exchange import MemoryTeam

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.machine import Machine
from meta_experiment.files.roots import Layout
from meta_experiment.services.acting import lifecycle
from meta_experiment.services.planning import creating, request
from meta_experiment.services.recording import assigning, recording
from meta_experiment.services.teams import exchanging, team_joining
from meta_experiment.services.teams.machine_keys import own_signer
from meta_experiment.services.teams.membership import Membership
from meta_experiment.services.teams.team_setting import read_setting
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.backends import open_store
from meta_experiment.store.local.checkout import Checkout

PROJECT = "project"


class Teammate:
    """One machine: `at_work` opens its checkout, with its home and its own clock around it.

    Args:
        folder: where home and checkout lie.
        name: for people.
        team: the store, as `seen_by(machine)` gives a view of it.
        skew: seconds by which its clock is wrong.
    """

    def __init__(self, folder, name, team, *, skew=0.0):
        self.name, self.team = name, team
        self.home, self.root = folder / name / "home", folder / name / "checkout"
        self._ticks = map(float, itertools.count(verbs.NOW + round(skew)))
        self.home.mkdir(parents=True)

    def clone(self, source):
        """Get what git would bring of a checkout."""
        ours = shutil.ignore_patterns(
            "trials", "summaries", "journal", "backups", "locks", "local", "active.idx"
        )
        shutil.copytree(source, self.root, ignore=ours)
        return self

    @contextlib.contextmanager
    def at_work(self, files=None):
        """Open the checkout on this machine, over a disk of the test's own."""
        with patch.dict(os.environ, self.environment):
            layout, disk = Layout(self.root), files or FileSystem()
            checkout = Checkout(layout, disk, lambda _: [])
            store = open_store("files", layout, disk, checkout)
            try:
                yield Workspace(
                    layout,
                    disk,
                    checkout,
                    store,
                    None,
                    lambda: next(self._ticks),
                    Machine.here(),
                )
            finally:
                store._writer.release()  # as the end of a process does

    @property
    def environment(self):
        return {"HOME": str(self.home), "XDG_DATA_HOME": str(self.home / "data")}

    def signer(self, workspace):
        return own_signer(workspace.machine.data, workspace.files, self.name)

    def join(self, **more):
        """Join the project; return the id of the machine."""
        with self.at_work() as workspace:
            signer = self.signer(workspace)
            exchange = self.team.seen_by(signer.machine)
            with contextlib.closing(exchange):
                team_joining.join(
                    workspace, exchange, signer, url="postgresql://db", create=True, **more
                )
            return signer.machine

    @contextlib.contextmanager
    def member(self, files=None):
        """Open the checkout, and speak with the team."""
        with self.at_work(files) as workspace:
            signer = self.signer(workspace)
            with contextlib.closing(self.team.seen_by(signer.machine)) as exchange:
                yield workspace, Membership(exchange, read_setting(workspace), signer)

    def admit(self, *words, **more):
        with self.member() as (workspace, member):
            return team_joining.admit(workspace, member, words, **more)

    def exchange(self, files=None, selectors=()):
        """Ship and pull, on a disk of the test's own."""
        with self.member(files) as (workspace, member):
            return exchanging.exchange(workspace, member, selectors)

    def record(self, name, trials, *, seconds=5.0):
        """Record trials by their ids; return when they are on the disk."""
        with self.at_work() as workspace:
            told = [verbs.observation(name, trial, seconds=seconds) for trial in trials]
            recording.record(workspace, told)

    def assign(self, name, unit):
        with self.at_work() as workspace:
            return assigning.assign(workspace, name, unit)

    def trials(self, name):
        """Return the trials that count here."""
        with self.at_work() as workspace:
            return list(self.log(workspace, name).trials)

    def counts(self, name):
        """Return how often each trial counts here."""
        return Counter(trial.trial_id for trial in self.trials(name))

    @staticmethod
    def log(workspace, name):
        return workspace.store.trials(workspace.store.experiment(name))


@cache
def _template():
    """Make a project with a running experiment once, as somebody commits it."""
    folder = Path(mkdtemp(prefix="team-"))
    home = {"HOME": str(folder / "home"), "XDG_DATA_HOME": str(folder / "home/data")}
    with patch.dict(os.environ, home):
        root = folder / "checkout"
        verbs.project(root, "plain files")
        for path in verbs.FILES:
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_bytes(verbs.CONTROL)
            (root / f"new-{Path(path).name}").write_bytes(verbs.TREATMENT)
        document = {"name": "shared", "seed": 7, "team": "main"}
        flags = [f"{path}=new-{Path(path).name}" for path in verbs.FILES]
        workspace = verbs.opened(root)
        wanted = request.from_flags(document, flags, root, root)
        made = creating.create(workspace, wanted).experiment.experiment_id
        lifecycle.start(workspace, made)
        return root, made


def team_of(folder, *names, team=None, skews=()):
    """Return the name of an experiment, and machines that joined; the first is the owner.

    All are admitted.
    """
    source, made = _template()
    team = team or MemoryTeam(PROJECT)
    pairs = itertools.zip_longest(names, skews[: len(names)], fillvalue=0.0)
    mates = [Teammate(folder, name, team, skew=skew).clone(source) for name, skew in pairs]
    ids = [mate.join() for mate in mates]
    if ids[1:]:
        mates[0].admit(*ids[1:])
    return made, mates
