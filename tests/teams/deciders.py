"""A team whose experiment may be decided: its machines, what they measure, what `auto` does."""

import itertools
import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from unittest.mock import patch

from tests.chaos import verbs
from tests.store.memory_exchange import MemoryTeam
from tests.teams.teammates import PROJECT, Teammate

from meta_experiment.services.acting import (
    autopilot,
    lifecycle,
    team_auto,
    team_settling,
    team_sharing,
)
from meta_experiment.services.acting.promotion import ActionOptions
from meta_experiment.services.acting.team_by_hand import act_with_team
from meta_experiment.services.planning import creating, request
from meta_experiment.services.recording import recording
from meta_experiment.services.teams.said_decisions import signed_decision
from meta_experiment.types import Action

TEAM = {"branch": "main", "carry_out": "commit"}
PATH = ".claude/commands/review.md"
SECONDS = {"control": 100.0, "treatment": 20.0}  # what trials take, about


class Decider(Teammate):
    """A machine that measures, and looks whether something is to be decided."""

    def start(self, name):
        with self.at_work() as workspace:
            lifecycle.start(workspace, name)

    def act_alone(self, verb, name):
        """Change how an experiment stands in this checkout."""
        with self.at_work() as workspace:
            getattr(lifecycle, verb)(workspace, name)

    def measure(self, name, first, stop, seconds=None):
        """Record trials of both arms, in turn, under names of their own."""
        means = seconds or SECONDS
        arms = tuple(means)
        told = [
            {
                "experiment": name,
                "variant": arms[number % len(arms)],
                "unit": f"{self.name}-{number}",
                "metrics": {
                    "duration_seconds": means[arms[number % len(arms)]]
                    * (1 + 0.1 * (number // len(arms) % 3))
                },
            }
            for number in range(first, stop)
        ]
        with self.at_work() as workspace:
            recording.record(workspace, told)

    def auto(self, *, dry_run=False, exchange=None):
        """Do what `auto` does; return its step with the one experiment, if there is one."""
        wrapped = exchange or (lambda it: it)
        with self.member() as (workspace, member):
            seen = replace(member, exchange=wrapped(member.exchange))
            steps = autopilot.auto(
                workspace, commit=True, dry_run=dry_run, open_team=lambda: _Open(seen)
            )
        return steps[0] if steps else None

    @property
    def signer_id(self):
        with self.at_work() as workspace:
            return self.signer(workspace).machine

    def space(self):
        with self.at_work() as workspace:
            return workspace

    def share(self):
        with self.member() as (workspace, member):
            team_sharing.share(workspace, member)

    def act(self, name, wanted=Action.PROMOTE, *, dry_run=False, **options):
        with self.member() as (workspace, member):
            experiment = workspace.store.experiment(name)
            return act_with_team(
                workspace,
                lambda: _Open(member),
                experiment,
                ActionOptions(**options),
                wanted,
                dry_run=dry_run,
            )

    def forge(self, name, lease, **changed):
        """Sign a decision as this machine would make it, but for what is changed."""
        with self.member() as (workspace, member):
            seat = team_settling.TeamSeat(workspace, member, workspace.store.experiment(name))
            outcome = replace(team_auto.due_outcome(seat, by_auto=True), **changed)
            return signed_decision(member, seat.experiment, lease, 0, outcome, {})

    def experiment(self, name):
        with self.at_work() as workspace:
            return workspace.store.experiment(name)


class _Open:
    def __init__(self, member):
        self._member = member

    def __enter__(self):
        return self._member

    def __exit__(self, *_):
        return None


@cache
def _source(auto, machines, arms):
    """Make a project with a running experiment once, as somebody commits it."""
    folder = Path(mkdtemp(prefix="deciders-"))
    home = {"HOME": str(folder / "home"), "XDG_DATA_HOME": str(folder / "home/data")}
    with patch.dict(os.environ, home):
        root = folder / "checkout"
        (root / PATH).parent.mkdir(parents=True)
        (root / PATH).write_text("Review it.\n")
        for arm in arms:
            (folder / f"{arm}.md").write_text(f"Review it, {arm}.\n")
        workspace = verbs.opened(root)
        document = {
            "name": "shared",
            "seed": 7,
            "auto": auto,
            "team": TEAM | ({"machines": list(machines)} if machines else {}),
            "metrics": {"primary": "duration_seconds"},
        }
        flags = [f"{arm}:{PATH}={folder / arm}.md" for arm in arms]
        wanted = request.from_flags(document, flags, root, root)
        made = creating.create(workspace, wanted).experiment.experiment_id
        lifecycle.start(workspace, made)
        return root, made


def deciders(folder, *names, auto=True, machines=(), admitted=None, arms=("treatment",)):
    """Return the name of an experiment, and machines that joined and started it.

    The first is the owner; all others are admitted, or those that are named.
    """
    team, source = MemoryTeam(PROJECT), _source(auto, tuple(machines), arms)
    mates = [Decider(folder, name, team).clone(source[0]) for name in names]
    ids = [mate.join() for mate in mates]
    counted = [machine for machine, name in zip(ids, names, strict=True)
               if admitted is None or name in admitted][0 if admitted else 1:]  # fmt: skip
    if counted:
        mates[0].admit(*counted)
    for mate in mates:
        mate.start(source[1])
    return source[1], mates


def trade(*mates):
    """Let machines exchange, twice: what the last one ships reaches the first."""
    for mate in itertools.chain(mates, mates[:-1]):
        mate.exchange()
