"""Shipping and pulling: every trial on every machine once, whatever is cut off or wrong."""

import contextlib
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
from tests.faults import Crash, FaultyFileSystem, count_operations
from tests.store.memory_exchange import MemoryTeam
from tests.teams.teammates import PROJECT, Teammate, team_of

from meta_experiment.errors import (
    InvalidStateError,
    LockedError,
    MetaExperimentError,
    RefusedError,
)
from meta_experiment.files.lock import FileLock
from meta_experiment.model.plan_document import plan_sha256
from meta_experiment.protocol import log_head
from meta_experiment.services.acting import lifecycle
from meta_experiment.services.planning import amending, creating, request
from meta_experiment.services.teams import restoring
from meta_experiment.services.teams.exchange_note import sentences
from meta_experiment.store.local import ignore
from meta_experiment.types import TeamTerms

_RARE = ("crash", "enospc", "eacces")  # kinds of faults that show little that others do not


def _once(*ids):
    return dict.fromkeys(ids, 1)


def test_what_one_records_counts_on_the_other(tmp_path):
    """Both ways, each trial once, the same on both."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    ann.record(made, ["a-1", "a-2"])
    bob.record(made, ["b-1"])
    bob.assign(made, "b-unit")
    assert ann.exchange().experiments[0].shipped == 2
    told = bob.exchange().experiments[0]
    assert (told.shipped, told.pulled, told.aside, told.refused) == (2, 2, (), None)
    assert ann.exchange().experiments[0].pulled == 2
    assert ann.trials(made) == bob.trials(made)
    assert {"a-1", "a-2", "b-1"} < set(ann.counts(made))
    assert set(ann.counts(made).values()) == {1}


def test_nothing_new_is_nothing_shipped(tmp_path):
    """Also of what was taken from others: whoever wrote it ships it."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    ann.record(made, ["a-1"])
    ann.exchange()
    bob.exchange()
    for mate in (ann, bob):
        told = mate.exchange().experiments[0]
        assert (told.shipped, told.pulled) == (0, 0)
    assert len(ann.team.batches) == 1


def test_conflicts_and_wrong_clocks_come_out_alike_everywhere(tmp_path):
    """Of two values the earlier stands by what each said of its time; all see the same."""
    made, mates = team_of(tmp_path, "ann", "bob", "eve", skews=(0.0, 3600.0, -3600.0))
    for number, mate in enumerate(mates):
        mate.record(made, ["shared", f"own-{number}"], seconds=5.0 + number)
        mate.assign(made, f"unit-{number}")
    for mate in [*mates, *mates]:
        mate.exchange()
    seen = [mate.trials(made) for mate in mates]
    assert seen[0] == seen[1] == seen[2]
    (shared,) = [trial for trial in seen[0] if trial.trial_id == "shared"]
    assert shared.metrics["duration_seconds"] == 7.0  # eve's clock is an hour behind


def test_what_a_commit_brought_along_is_never_shipped(tmp_path):
    """Nor what another writer wrote that the user admitted; a log is its writer's to ship."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    bob.record(made, ["b-1"])
    ann.record(made, ["a-1"])
    with bob.at_work() as there, ann.at_work() as here:
        folder = here.layout.trials(made)
        for path in there.layout.trials(made).glob("*.jsonl"):
            (folder / path.name).write_bytes(path.read_bytes())
            here.checkout.admit(made, [log_head.writer_of(path.name)])
        assert len(list(folder.glob("*.jsonl"))) == 2
    assert set(ann.counts(made)) == {"a-1", "b-1"}
    ann.exchange()
    (batches,) = ann.team.batches.values()
    assert b"b-1" not in batches[0].lines


def test_a_torn_tail_waits(tmp_path):
    """Until somebody writes on, who closes it off."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    ann.record(made, ["a-1"])
    with ann.at_work() as workspace:
        (path,) = workspace.layout.trials(made).glob("*.jsonl")
    with path.open("ab") as log:
        log.write(b'{"event":"recorded","at":')
    assert ann.exchange().experiments[0].shipped == 1
    ann.record(made, ["a-2"])
    ann.exchange()
    bob.exchange()
    assert bob.counts(made) == _once("a-1", "a-2")


def test_a_log_that_a_backup_put_back_is_refused(tmp_path):
    """It is shorter than the store's, or another: nothing of it is shipped, all else is."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    ann.record(made, ["a-1"])
    with ann.at_work() as workspace:
        (path,) = workspace.layout.trials(made).glob("*.jsonl")
    backup = path.read_bytes()
    ann.record(made, ["a-2"])
    ann.exchange()
    path.write_bytes(backup)
    bob.record(made, ["b-1"])
    bob.exchange()
    told = ann.exchange().experiments[0]
    assert "backup" in told.refused
    assert "before what the store has" in told.refused
    assert (told.shipped, told.pulled) == (0, 1)
    ann.record(made, ["a-3", "a-4"])
    told = ann.exchange().experiments[0]
    assert "is not what the store has" in told.refused
    assert told.shipped == 0
    bob.exchange()
    assert set(bob.counts(made)) == {"a-1", "a-2", "b-1"}


def test_a_log_that_a_backup_put_back_is_made_whole(tmp_path):
    """What the store has comes back, what was written since stands behind it."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    ann.record(made, ["a-1"])
    ann.assign(made, "unit-1")
    with ann.at_work() as workspace:
        folder = workspace.layout.trials(made)
    backup = {path: path.read_bytes() for path in folder.glob("[!.]*")}
    ann.record(made, ["a-2"])
    ann.assign(made, "unit-2")
    ann.exchange()
    for path, data in backup.items():
        path.write_bytes(data)
    ann.record(made, ["a-3"])
    ann.assign(made, "unit-3")
    assert ann.exchange().experiments[0].refused
    with ann.member() as (workspace, member):
        assert len(restoring.restore_all(workspace, member)) == 2
        assert restoring.restore_all(workspace, member) == ()
    told = ann.exchange().experiments[0]
    assert (told.shipped, told.refused) == (2, None)
    bob.exchange()
    assert bob.trials(made) == ann.trials(made)
    assert {"a-1", "a-2", "a-3"} < set(bob.counts(made))
    assert {trial.unit for trial in bob.trials(made)} > {"unit-1", "unit-2", "unit-3"}
    (drawn,) = folder.glob("assignments.*")
    counts = [line.split(b"\t")[0] for line in drawn.read_bytes().splitlines()[1:]]
    assert counts == [b"1", b"2", b"3"]


def test_another_checkout_on_the_same_machine_counts(tmp_path):
    """It signs by the same key, and has logs of its own."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    second = type(ann)(tmp_path, "ann again", ann.team).clone(bob.root)
    second.home = ann.home
    assert second.join() == ann.join()
    ann.record(made, ["a-1"])
    second.record(made, ["s-1"])
    for mate in (ann, second, bob, ann):
        mate.exchange()
    assert ann.counts(made) == second.counts(made) == bob.counts(made) == _once("a-1", "s-1")


def test_one_exchange_at_a_time(tmp_path):
    """A second one says who is at it."""
    _, (ann,) = team_of(tmp_path, "ann")
    with ann.at_work() as workspace:
        lock = FileLock(workspace.layout.lock("store"), verb="store ship")
    with lock, pytest.MonkeyPatch.context() as patched:
        patched.setattr(FileLock, "try_acquire", lambda *_: False)
        with pytest.raises(LockedError):
            ann.exchange()


def test_another_plan_under_the_same_id_exchanges_nothing(tmp_path):
    """An amendment that may come after data is the same plan."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    ann.record(made, ["a-1"])
    ann.exchange()
    with bob.at_work() as workspace:
        amending.amend(workspace, made, [("max_duration_days", "30")], "more time")
    bob.record(made, ["b-1"])
    assert bob.exchange().experiments[0].refused is None
    eve = type(ann)(tmp_path, "eve", ann.team).clone(bob.root)
    ann.admit(eve.join())
    with eve.at_work() as workspace:
        amending.amend(workspace, made, [("alpha", "0.2")], "sooner")
    eve.record(made, ["e-1"])
    told = eve.exchange().experiments[0]
    assert "another plan" in told.refused
    assert (told.shipped, told.pulled) == (0, 0)
    ann.exchange()
    assert ann.counts(made) == _once("a-1", "b-1")


def _ready(folder):
    made, (ann, bob) = team_of(folder, "ann", "bob")
    ann.record(made, ["a-1", "a-2"])
    ann.assign(made, "unit")
    bob.record(made, ["b-1"])
    ann.exchange()
    bob.exchange()
    ann.record(made, ["a-3"])
    bob.record(made, ["b-2"])
    ann.exchange()
    return made, ann, bob


@pytest.mark.long
@pytest.mark.parametrize(
    "mode", ["torn", "eio", *(pytest.param(it, marks=pytest.mark.long) for it in _RARE)]
)
def test_a_fault_at_any_step_loses_and_doubles_nothing(tmp_path, mode):
    """The next exchange brings what is missing, byte for byte."""
    made, ann, bob = _ready(tmp_path / "whole")
    total = count_operations(bob.exchange)
    whole = bob.counts(made)
    assert len(whole) == 6
    for number in range(1, total + 1):
        made, ann, bob = _ready(tmp_path / str(number))
        with contextlib.suppress(Crash, MetaExperimentError):
            bob.exchange(FaultyFileSystem(number, mode))
        bob.exchange()
        ann.exchange()
        assert len(bob.counts(made)) == len(whole)
        assert bob.trials(made) == ann.trials(made)
        with bob.at_work() as workspace:
            assert workspace.store.trials(workspace.store.experiment(made)).set_aside == ()


class _Dying:
    """A view of a team's store that dies at one of its calls: before it, or once it is done."""

    def __init__(self, exchange, at, *, done):
        self._exchange, self._left, self._done = exchange, at, done
        self.died = False

    def __getattr__(self, name):
        found = getattr(self._exchange, name)
        if not callable(found) or name == "close":
            return found

        def call(*words):
            self._left -= 1
            if self._left:
                return found(*words)
            self.died = True
            if self._done:
                found(*words)
            raise Crash

        return call


def _seen(team, dying, at, done, machine):
    dying.append(_Dying(team.seen_by(machine), at, done=done))
    return dying[-1]


@pytest.mark.long
@pytest.mark.parametrize(
    "done",
    [
        pytest.param(False, id="before it", marks=pytest.mark.long),
        pytest.param(True, id="unacknowledged"),
    ],
)
def test_a_client_that_dies_at_any_call_loses_and_doubles_nothing(tmp_path, done):
    """Whether the store did what was asked or not, the next exchange goes on from there."""
    died, at = True, 0
    while died:
        at += 1
        made, ann, bob = _ready(tmp_path / str(at))
        whole, dying = bob.team, []
        bob.team = SimpleNamespace(seen_by=partial(_seen, whole, dying, at, done))
        with contextlib.suppress(Crash):
            bob.exchange()
        died, bob.team = dying[-1].died, whole
        bob.exchange()
        ann.exchange()
        assert len(bob.counts(made)) == 6
        assert set(bob.counts(made).values()) == {1}
        assert bob.trials(made) == ann.trials(made)
    assert at > 6


def test_a_replica_that_a_crash_spoilt_is_mended(tmp_path):
    """Also where what stands in it is no line of the log, and where its head is cut short."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    ann.record(made, ["a-1"])
    ann.exchange()
    bob.exchange()
    with bob.at_work() as workspace:
        (path,) = workspace.layout.trials(made).glob("team-*.jsonl")
    good = path.read_bytes()
    for spoilt in (good[:20], good[:-5], good[: log_head.LENGTH], b""):
        path.write_bytes(spoilt)
        bob.exchange()
        assert path.read_bytes() == good
    known = ["a-1"]
    for number, tail in enumerate((b"\0" * 9, b'{"no line of hers":1}\n')):
        path.write_bytes(path.read_bytes() + tail)
        known.append(f"later-{number}")
        ann.record(made, known[-1:])
        ann.exchange()
        bob.exchange()
        assert bob.counts(made) == _once(*known)


def test_a_machine_that_counts_no_longer_takes_its_trials_with_it(tmp_path):
    """And brings them back when it counts again."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    bob.record(made, ["b-1", "b-2"])
    bob.exchange()
    ann.exchange()
    ann.admit("bob", remove=True)
    told = ann.exchange()
    assert told.experiments[0].removed == 2
    assert list(told.not_counted.values()) == ["the owner admits it no longer"]
    assert ann.counts(made) == {}
    ann.admit("bob")
    ann.exchange()
    assert ann.counts(made) == _once("b-1", "b-2")


def test_who_is_not_admitted_is_told_so_of_itself(tmp_path):
    """It would ship for days and count for nobody."""
    _, (ann,) = team_of(tmp_path, "ann")
    bob = type(ann)(tmp_path, "bob", ann.team).clone(ann.root)
    machine = bob.join()
    assert bob.exchange().not_counted[machine].endswith("its trials count here alone")
    ann.admit("bob")
    assert bob.exchange().not_counted == {}


def test_a_clone_that_begins_to_write_keeps_that_from_git(tmp_path):
    """Also where what was committed lacks git's instructions."""
    made, (ann,) = team_of(tmp_path, "ann")
    instructions = ann.root / ".claude/meta/.gitignore"
    instructions.unlink()
    with ann.at_work() as workspace:
        assert instructions in ignore.lacking(workspace.layout)
        lifecycle.start(workspace, made)
        assert ignore.lacking(workspace.layout) == []


def test_a_clone_joins_without_a_file_that_a_pull_would_bring(tmp_path):
    """Git refuses to pull over what lies there and is not its own."""
    bob = Teammate(tmp_path, "bob", MemoryTeam(PROJECT))
    bob.root.mkdir()
    bob.join()
    folders = list((bob.root / ".claude/meta").iterdir())
    assert {path.name for path in folders} <= {"local", "locks"}
    assert [(path / ".gitignore").read_text() for path in folders] == ["*\n"] * len(folders)


def test_a_store_of_another_owner_is_refused(tmp_path):
    """Somebody put another in its place."""
    _, (ann, bob) = team_of(tmp_path, "ann", "bob")
    ann.team.owner = bob.team.keys[bob.join()]
    with pytest.raises(RefusedError, match="is owned by"):
        ann.exchange()


def test_what_is_of_no_team_stays_where_it_is(tmp_path):
    """It is neither shipped nor published, and who names it is told why."""
    _, (ann,) = team_of(tmp_path, "ann")
    with ann.at_work() as workspace:
        root = workspace.root
        for name in ("c.md", "new-c.md"):
            (root / name).write_text(name)
        wanted = request.from_flags({"name": "own"}, ["c.md=new-c.md"], root, root)
        own = creating.create(workspace, wanted).experiment.experiment_id
    told = ann.exchange()
    assert own not in {item.experiment_id for item in told.experiments}
    assert own not in ann.team.experiments
    with pytest.raises(InvalidStateError, match="names no team"):
        ann.exchange(selectors=[own])


def test_machines_that_a_plan_names_count_and_no_other(tmp_path):
    """Until the owner takes that back; what this checkout wrote itself counts in any case."""
    made, (ann, bob, eve) = team_of(tmp_path, "ann", "bob", "eve")
    named = TeamTerms("main", machines=(bob.join(),))

    def naming(experiment):
        plan = replace(experiment.plan, team=named)
        digest = plan_sha256(plan, experiment.versions)
        return replace(experiment, plan=plan, plan_sha256=digest)

    for mate in (ann, bob, eve):
        with mate.at_work() as workspace:
            workspace.store.change(made, naming)
        mate.record(made, [mate.name])
    for mate in (bob, eve, ann):
        mate.exchange()
    assert set(ann.counts(made)) == {"ann", "bob"}
    ann.admit("bob", remove=True)
    ann.exchange()
    assert set(ann.counts(made)) == {"ann"}


def test_one_that_ships_alone_takes_trials_of_others_where_they_are_named(tmp_path):
    """All has what it wrote; it says so on the board, and it lets go of who counts no more."""
    made, (ann, bob) = team_of(tmp_path, "ann", "bob")
    bob.join(pulls=False)
    ann.record(made, ["a-1"])
    bob.record(made, ["b-1"])
    ann.exchange()
    told = bob.exchange().experiments[0]
    assert (told.shipped, told.pulled) == (1, 0)
    assert bob.counts(made) == _once("b-1")
    with bob.at_work() as workspace:
        (said,) = sentences(workspace.layout)
    assert "--ship-only" in said
    ann.exchange()
    assert ann.counts(made) == _once("a-1", "b-1")
    assert bob.exchange(selectors=[made]).experiments[0].pulled == 1
    assert bob.counts(made) == _once("a-1", "b-1")
    bob.join()
    ann.record(made, ["a-2"])
    ann.exchange()
    bob.exchange()
    assert bob.counts(made) == _once("a-1", "a-2", "b-1")
