"""A change of status and what is served go together: both are done, or neither is."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.everyday import some
from tests.logs import everything
from tests.services.test_two_commands import ACTS, once, repository
from tests.support.git import git
from tests.support.serving import COMMAND, PLACED, SKILL, control, drafted, opened, treatment

from meta_experiment.cli.main import main
from meta_experiment.errors import ConflictError, GitError, LockedError, StorageError
from meta_experiment.files.lock import FileLock
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import index
from meta_experiment.services.acting import lifecycle
from meta_experiment.services.health import recovery
from meta_experiment.services.health.recovery import finish_unless_busy
from meta_experiment.services.serving import freshness, reconciliation
from meta_experiment.types import Status

__all__ = ["repository"]

VERBS = {**ACTS, "start": lifecycle.start}
BEFORE = {
    "start": (), "pause": ("start",), "stop": ("start",), "promote": ("start",),
    "rollback": ("start", "promote"), "resume": ("start", "pause"),
    "archive": ("start", "stop"),
}  # fmt: skip
AFTER = {
    "start": Status.RUNNING, "pause": Status.PAUSED, "stop": Status.EXPIRED,
    "promote": Status.PROMOTED, "rollback": Status.ROLLED_BACK, "resume": Status.RUNNING,
    "archive": Status.ARCHIVED,
}  # fmt: skip


def state(root):
    """All that a verb may change, as far as anybody can see."""
    space = opened(root)
    experiments = space.store.experiments()
    marks = [space.checkout.start_of(item) for item in experiments]
    texts = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in (root / ".claude").rglob("*")
        if path.is_file() and "/meta/" not in path.as_posix()
    }
    history = [space.store.history(item.experiment_id).entries for item in experiments]
    running = [entry.id for entry in index.entries(str(root)) if entry.running]
    return experiments, marks, texts, history, running, git(root, "rev-parse", "HEAD")


def prepared(root, verb, path=SKILL):
    made = drafted(root, path)
    for step in BEFORE[verb]:
        VERBS[step](opened(root), made)
    return made


def status(root):
    (experiment,) = everything(opened(root).store)
    return experiment.status


@pytest.mark.parametrize("path", some([SKILL, COMMAND], 1))
@pytest.mark.parametrize("verb", some(BEFORE, 2))
def test_who_cannot_change_what_is_served_changes_nothing(repository, monkeypatch, verb, path):
    """Another command is at it for too long: the verb is refused, and can be run again."""
    made = prepared(repository, verb, path)
    before = state(repository)
    monkeypatch.setattr(reconciliation, "WAIT", 0.05)
    with FileLock(Layout(repository).lock("serving"), verb="test"):
        with pytest.raises(LockedError, match="serving"):
            VERBS[verb](opened(repository), made)
        assert state(repository) == before
    VERBS[verb](opened(repository), made)
    assert status(repository) is AFTER[verb]
    served = AFTER[verb] is Status.RUNNING
    assert [entry.running for entry in index.entries(str(repository))] == [served]
    assert all((repository / placed).exists() is served for placed in PLACED[path])


@pytest.mark.parametrize("verb", some(["start", "resume", "pause"], 1))
def test_what_is_served_not_being_brought_up_to_date_is_as_before(
    repository, monkeypatch, verb
):
    """The disk is full for a moment; once there is room again, the verb does all of it."""
    made = prepared(repository, verb)
    before = state(repository)

    def full():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reconciliation, "write_index", once(reconciliation.write_index, full))
    with pytest.raises(StorageError, match="No space"):
        VERBS[verb](opened(repository), made)
    assert state(repository) == before
    assert finish_unless_busy(opened(repository)) == []
    assert state(repository) == before
    VERBS[verb](opened(repository), made)
    assert status(repository) is AFTER[verb]


def test_what_is_taken_back_is_known_by_what_the_registry_holds_of_it(repository, monkeypatch):
    """A clock tells more of the time than is stored, and what is stored is compared."""
    made = prepared(repository, "start")
    before = state(repository)
    space = replace(opened(repository), clock=lambda: 1_760_000_000.123456)

    def full():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reconciliation, "write_index", once(reconciliation.write_index, full))
    with pytest.raises(StorageError, match="No space"):
        lifecycle.start(space, made)
    assert state(repository) == before


def test_a_start_that_git_cannot_be_kept_from_seeing_is_none(repository):
    """git's settings are locked by another program: nothing would hide the stand-in."""
    made = drafted(repository, SKILL)
    before = state(repository)
    lock = repository / ".git/config.lock"
    lock.touch()
    with pytest.raises(GitError):
        lifecycle.start(opened(repository), made)
    lock.unlink()
    assert state(repository) == before
    lifecycle.start(opened(repository), made)
    assert git(repository, "status", "--short", "--", SKILL) == ""


def test_a_file_that_came_into_the_way_ends_a_start_without_a_trace(repository, monkeypatch):
    """It was free when it was looked at; the user's own file stays, the draft is a draft."""
    made = drafted(repository, COMMAND)
    (placed,) = PLACED[COMMAND]

    def appears():
        (repository / placed).parent.mkdir(parents=True)
        (repository / placed).write_bytes(b"my own\n")

    monkeypatch.setattr(lifecycle, "serving_lock", once(lifecycle.serving_lock, appears))
    with pytest.raises(ConflictError, match="not of this tool"):
        lifecycle.start(opened(repository), made)
    assert status(repository) is Status.DRAFT
    assert (repository / placed).read_bytes() == b"my own\n"
    assert index.entries(str(repository)) == []
    assert finish_unless_busy(opened(repository)) == []
    (repository / placed).unlink()
    lifecycle.start(opened(repository), made)
    assert made.encode() in (repository / placed).read_bytes()


def test_a_colleagues_experiment_that_cannot_be_joined_is_not(repository, monkeypatch):
    """What runs elsewhere goes on running; this checkout has no part in it."""
    made = drafted(repository, SKILL)
    space = opened(repository)
    space.store.change(made, lambda it: replace(it, status=Status.RUNNING, started=1.0))
    monkeypatch.setattr(reconciliation, "WAIT", 0.05)
    with FileLock(Layout(repository).lock("serving"), verb="test"), pytest.raises(LockedError):
        lifecycle.start(opened(repository), made)
    (experiment,) = opened(repository).store.experiments()
    assert opened(repository).checkout.start_of(experiment) is None
    lifecycle.start(opened(repository), made)
    assert b"serve-variant" in (repository / SKILL).read_bytes()


def test_a_history_that_cannot_be_written_does_not_undo_what_is_done(repository, monkeypatch):
    """It is said, and repair adds it; the experiment runs and is served."""
    made = drafted(repository, SKILL)
    space = opened(repository)
    full = StorageError("full")
    monkeypatch.setattr(space.store, "note", lambda *_, **__: (_ for _ in ()).throw(full))
    moved = lifecycle.start(space, made)
    assert any("repair" in note for note in moved.notes)
    assert status(repository) is Status.RUNNING
    assert b"serve-variant" in (repository / SKILL).read_bytes()


def test_who_changes_what_is_served_looks_again_before_it_ends(repository, monkeypatch):
    """So a command that finds it at work need not wait for it."""
    made = drafted(repository, COMMAND)
    lifecycle.start(opened(repository), made)
    work = reconciliation._ReconcilePass
    real = work.remember

    def changed_meanwhile(self, signature):
        monkeypatch.setattr(work, "remember", real)

        opened(repository).store.change(made, lambda it: replace(it, status=Status.PAUSED))
        assert reconciliation.reconcile_quietly(opened(repository), within=0) == []
        real(self, signature)

    monkeypatch.setattr(work, "remember", changed_meanwhile)
    reconciliation.reconcile(opened(repository))
    assert not (repository / PLACED[COMMAND][0]).exists()
    assert [entry.running for entry in index.entries(str(repository))] == [False]
    assert not freshness.stale(Layout(repository))


def test_a_look_does_not_wait_for_a_command_at_work(repository, monkeypatch):
    """It leaves what is served to that one, at once."""
    drafted(repository, SKILL)
    opened(repository).checkout.identity()
    monkeypatch.setattr(recovery, "stale", lambda _: True)
    with FileLock(Layout(repository).lock("serving"), verb="test"):
        assert finish_unless_busy(opened(repository)) == []


def test_a_plan_that_was_not_started_is_told_with_the_way_to_start_it(
    repository, monkeypatch, capsys
):
    """`create --start` plans and starts; the first is done when the second is refused."""
    file = repository / COMMAND
    file.parent.mkdir(parents=True)
    file.write_bytes(control(COMMAND))
    (repository / "new.md").write_bytes(treatment(COMMAND))
    monkeypatch.chdir(repository)
    monkeypatch.setattr(reconciliation, "WAIT", 0.05)
    with FileLock(Layout(repository).lock("serving"), verb="test"):
        assert main(["create", "--file", f"{COMMAND}=new.md", "--start"]) == 1
    (experiment,) = opened(repository).store.experiments()
    name = experiment.experiment_id
    assert experiment.status is Status.DRAFT
    said = capsys.readouterr().err
    assert f"meta-experiment start {name}" in said
    assert main(["start", name]) == 0
    assert made_of(repository, name)


def made_of(root, name):
    return name.encode() in (root / PLACED[COMMAND][0]).read_bytes()


@pytest.mark.long(40)
def test_thirty_two_starts_at_once_are_all_served_or_can_be_run_again(repository):
    """Each in a process of its own: exit code 0 says that it runs and is served."""
    paths = [f".claude/skills/s{number}/SKILL.md" for number in range(16)]
    paths += [f".claude/commands/c{number}.md" for number in range(16)]
    made = {}
    for path in paths:
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_bytes(
            control(SKILL).replace(b"pdf", Path(path).stem.encode())
        )
        made[drafted(repository, path, (repository / path).read_bytes() + b"More.\n")] = path
    program = Path(lifecycle.__file__).parents[3] / "meta-experiment.py"
    started = {
        name: subprocess.Popen(
            [sys.executable, str(program), "start", "--root", str(repository), name],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=dict(os.environ),
        )
        for name in made
    }
    said = {name: process.communicate()[1] for name, process in started.items()}
    known = {item.experiment_id: item.status for item in opened(repository).store.experiments()}
    for name, process in started.items():
        wanted = Status.DRAFT if process.returncode else Status.RUNNING
        assert known[name] is wanted, said[name]
    assert [process.returncode for process in started.values()] == [0] * len(made), said
    served = {entry.id for entry in index.entries(str(repository)) if entry.running}
    assert served == set(made)
    assert (
        git(repository, "status", "--short", "--", ".claude/skills", ".claude/commands") == ""
    )


def test_a_queue_that_moves_on_is_waited_in(tmp_path):
    """The wait is for one holder; who comes after another is no reason to give up."""
    path = tmp_path / "x.lock"
    turns = [FileLock(path, verb=f"turn {number}") for number in range(4)]
    now, held = 0.0, turns.pop(0)
    assert held.try_acquire(0)
    changes = [0.2, 0.4, 0.6, 0.8]

    def sleep(seconds):
        nonlocal now, held
        now += seconds
        if changes and now >= changes[0]:
            changes.pop(0)
            held.release()
            if turns:
                held = turns.pop(0)
                assert held.try_acquire(0)

    with FileLock(path, timeout=0.3, clock=lambda: now, sleep=sleep) as waited:
        assert waited.held
    assert now >= 0.8
