"""Ctrl-C and its like, at any moment: the exit code says so, and the sentence is true."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.everyday import some
from tests.services.test_two_commands import (
    once,
    repository,
    require_agreement,
    running,
    told,
)
from tests.support.git import git
from tests.support.serving import COMMAND, SKILL, control, drafted, opened

from meta_experiment.files import interruption, lock
from meta_experiment.files.interruption import Interrupted, held
from meta_experiment.files.lock import FileLock
from meta_experiment.files.process import run
from meta_experiment.live import apart
from meta_experiment.services.acting import (
    execution,
    lifecycle,
    promotion,
    registry_commit,
)
from meta_experiment.services.health.recovery import finish_unless_busy
from meta_experiment.services.notifying import telling_apart
from meta_experiment.services.planning import creating
from meta_experiment.services.serving import reconciliation
from meta_experiment.services.telemetry.exporting_apart import SWITCH, export_apart
from meta_experiment.types import Status

__all__ = ["repository"]

PROGRAM = Path(lifecycle.__file__).parents[3] / "meta-experiment.py"
STANDS = {COMMAND: ".claude/skills/review/SKILL.md", SKILL: SKILL}
UNDONE, DONE = "nothing was left half done", "was finished first"


@pytest.fixture(autouse=True)
def _heard():
    """No signal is ignored, as it is in what a shell runs in the background."""
    usual = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def listening(monkeypatch, _heard):
    """Signals are exceptions in this process, as they are in one of the program."""
    monkeypatch.setattr(interruption, "_state", interruption._State())
    interruption.listen()


def process(root, *words, **environment):
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), words[0], "--root", str(root), *words[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONFAULTHANDLER": "1", **environment},
        start_new_session=True,
    )


def end_of(process):
    """Return what it printed; one that hangs is ended, and says where it was."""
    try:
        return process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGABRT)
        raise AssertionError(process.communicate()[1]) from None


def promote(root, made, **environment):
    return process(root, "promote", made, "--override", "x", "--yes", **environment)


def hook(root, name, body):
    place = root / ".git/hooks" / name
    place.write_text(f"#!/bin/sh\n{body}\n")
    place.chmod(0o755)
    return place


def await_file(path, process):
    for _ in range(3000):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    raise AssertionError(f"{path} did not come")


@pytest.mark.parametrize("name", some(["pre-commit", "commit-msg"], 1))
@pytest.mark.parametrize(
    ("group", "number"),
    some(
        [
            (True, signal.SIGINT),
            (False, signal.SIGTERM),
            (False, signal.SIGINT),
            (True, signal.SIGTERM),
        ],
        1,
    ),
)
def test_a_signal_while_a_hook_runs_undoes_the_change(repository, name, group, number):
    """The hook ends as well; files, branch, index and status are as before."""
    made = running(repository)
    before = git(repository, "rev-parse", "HEAD"), (repository / SKILL).read_bytes()
    begun, left = repository.parent / "begun", repository.parent / "left"
    slow = hook(repository, name, f"touch '{begun}'; sleep 20; touch '{left}'")
    running_one = promote(repository, made)
    await_file(begun, running_one)
    (os.killpg if group else os.kill)(running_one.pid, number)
    out, said = end_of(running_one)
    assert running_one.returncode == 128 + number
    assert (out, "Traceback" in said, UNDONE in said) == ("", False, True)
    assert (git(repository, "rev-parse", "HEAD"), (repository / SKILL).read_bytes()) == before
    assert told(repository).status is Status.RUNNING
    require_agreement(repository)
    assert list((repository / ".git").glob("*.lock")) == []
    assert not left.exists()
    slow.unlink()
    again = promote(repository, made)
    assert again.wait() == 0
    again.communicate()
    require_agreement(repository)


@pytest.mark.long
def test_a_signal_in_the_hook_after_a_commit_finds_it_done(repository):
    """The last hook has no say; what follows it is done all the same."""
    made = running(repository)
    begun = repository.parent / "begun"
    hook(repository, "post-commit", f"touch '{begun}'; sleep 20")
    running_one = promote(repository, made)
    await_file(begun, running_one)
    os.kill(running_one.pid, signal.SIGINT)
    _, said = end_of(running_one)
    assert (running_one.returncode, DONE in said) == (130, True)
    assert told(repository).status is Status.PROMOTED
    assert opened(repository).store.history(made).entries[-1].verb == "promote"
    require_agreement(repository)


@pytest.mark.long
def test_json_says_that_it_was_interrupted(repository):
    """One document on stdout, as for every failure."""
    made = running(repository)
    begun = repository.parent / "begun"
    hook(repository, "pre-commit", f"touch '{begun}'; sleep 20")
    running_one = process(repository, "promote", made, "--override", "x", "--yes", "--json")
    await_file(begun, running_one)
    os.kill(running_one.pid, signal.SIGINT)
    out, _ = end_of(running_one)
    assert '"kind": "interrupted"' in out
    assert running_one.returncode == 130


def interrupting(function, *numbers):
    """Have signals come just before a function does its work."""
    return once(function, lambda: [os.kill(os.getpid(), number) for number in numbers])


@pytest.mark.long
@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("number", some([signal.SIGINT, signal.SIGTERM], 1))
@pytest.mark.parametrize(
    ("place", "step"), [(registry_commit.RegistryCommit, "record"), (execution, "noted")]
)
def test_a_signal_that_comes_too_late_to_undo_is_told_when_all_is_done(
    repository, monkeypatch, place, step, number
):
    """Files and commit stand: registry, history and what is served follow first."""
    made = running(repository)
    monkeypatch.setattr(place, step, interrupting(getattr(place, step), number))
    with pytest.raises(Interrupted) as caught:
        promotion.promote(
            opened(repository), made, promotion.ActionOptions(override="x"), dry_run=False
        )
    assert caught.value.number == number
    assert DONE in caught.value.sentence
    assert told(repository).status is Status.PROMOTED
    assert opened(repository).store.history(made).entries[-1].verb == "promote"
    require_agreement(repository)


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("path", [COMMAND, SKILL])
def test_a_start_is_finished_before_a_signal_is_heard(repository, monkeypatch, path):
    """It runs and is served, or the signal came before anything was changed."""
    made = drafted(repository, path)
    served = interrupting(reconciliation.write_index, signal.SIGINT, signal.SIGINT)
    monkeypatch.setattr(reconciliation, "write_index", served)
    with pytest.raises(Interrupted) as caught:
        lifecycle.start(opened(repository), made)
    assert DONE in caught.value.sentence
    assert told(repository).status is Status.RUNNING
    assert finish_unless_busy(opened(repository)) == []
    assert b"serve-variant" in (repository / STANDS[path]).read_bytes()
    assert opened(repository).store.history(made).entries[-1].verb == "start"


@pytest.mark.usefixtures("listening")
def test_a_second_signal_does_not_end_the_undoing(repository, monkeypatch):
    """Somebody presses Ctrl-C again and again."""
    made = running(repository)
    before = (repository / SKILL).read_bytes()
    from meta_experiment.deploy.flight import Flight

    monkeypatch.setattr(Flight, "commit", interrupting(Flight.commit, signal.SIGINT))
    undo = interrupting(Flight.undo, signal.SIGINT, signal.SIGTERM, signal.SIGINT)
    monkeypatch.setattr(Flight, "undo", undo)
    with pytest.raises(Interrupted):
        promotion.promote(
            opened(repository), made, promotion.ActionOptions(override="x"), dry_run=False
        )
    assert (repository / SKILL).read_bytes() == before
    require_agreement(repository)


@pytest.mark.usefixtures("listening")
def test_what_cannot_be_undone_now_is_told_to_be_cleared_up_later(repository, monkeypatch):
    """The sentence says so, and the next command does it."""
    made = running(repository)
    from meta_experiment.deploy.flight import Flight

    def full():
        raise OSError(28, "No space left on device")

    wish = promotion.ActionOptions(override="x")
    with monkeypatch.context() as patch:
        patch.setattr(Flight, "commit", interrupting(Flight.commit, signal.SIGINT))
        patch.setattr(Flight, "undo", once(Flight.undo, full))
        with pytest.raises(Interrupted) as caught:
            promotion.promote(opened(repository), made, wish, dry_run=False)
    assert "the next command clears the change up" in caught.value.sentence
    assert len(finish_unless_busy(opened(repository))) == 1
    assert told(repository).status is Status.RUNNING
    require_agreement(repository)


@pytest.mark.usefixtures("listening")
def test_no_program_is_left_behind_by_a_signal(repository, monkeypatch):
    """One that comes just when git has been started ends that git."""
    git_here = opened(repository).git
    begun = []
    real = subprocess.Popen

    def started(*_, **__):
        begun.append(real(["sleep", "20"], start_new_session=True))
        os.kill(os.getpid(), signal.SIGINT)
        return begun[-1]

    monkeypatch.setattr(subprocess, "Popen", started)
    with pytest.raises(Interrupted):
        git_here.run("version")
    assert begun[0].poll() is not None


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize(("deaths", "code"), [(1, 0), (2, -signal.SIGTERM)])
def test_a_program_that_a_held_signal_met_at_its_start_is_run_again_once(
    tmp_path, deaths, code
):
    """A signal to the whole group meets it as well, until it has a session of its own."""
    dies = f"echo . >>deaths; test $(wc -l <deaths) -gt {deaths} && exec cat"
    script = f"{dies}; kill -TERM $PPID; sleep 0.1; kill -TERM $$"
    seen = []
    with pytest.raises(Interrupted), held():
        seen.append(run(["sh", "-c", script], within=20, directory=tmp_path, stdin=b"in"))
    (found,) = seen
    assert (found.code, found.output) == (code, b"" if code else b"in")


@pytest.mark.usefixtures("listening")
def test_a_signal_between_two_looks_at_a_program_leaves_no_lock_behind(monkeypatch):
    """Python's own lock of the looks: the last look would wait for it for ever."""

    signals = [signal.SIGINT]

    class Lock:
        taken = False

        def acquire(self, blocking=True):
            if self.taken:
                assert not blocking, "nobody gives it back"
                return False
            self.taken = True
            while signals:
                os.kill(os.getpid(), signals.pop())
            return True

        def release(self):
            self.taken = False

        __enter__ = acquire

        def __exit__(self, *_):
            self.release()

    monkeypatch.setattr(threading, "Lock", Lock)
    with pytest.raises(Interrupted):
        run(["sleep", "20"], within=30)


@pytest.mark.usefixtures("listening")
def test_a_signal_while_a_lock_is_signed_gives_it_back(tmp_path, monkeypatch):
    """What undoes the change takes it again, in the same process."""
    monkeypatch.setattr(lock, "machine", interrupting(lock.machine, signal.SIGINT))
    with pytest.raises(Interrupted), FileLock(tmp_path / "a.lock"):
        raise AssertionError("the signal came before")
    assert FileLock(tmp_path / "a.lock").try_acquire(0)


def telling(layout, monkeypatch):
    book = SimpleNamespace(targets={"exp": ()}, waiting=())
    monkeypatch.setattr(telling_apart, "book_file", lambda _: layout.root)
    monkeypatch.setattr(telling_apart, "NotificationBook", lambda *_: book)
    return telling_apart.tell_apart(layout)


def exporting(layout, _monkeypatch):
    return export_apart(layout, {SWITCH: str(layout.root / "spans")})


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("begin", [telling, exporting])
def test_a_signal_just_after_a_fork_meets_one_process_only(
    begin, repository, tmp_path, monkeypatch
):
    """The second one would else undo what the first one does, as if it were that."""
    parent, fork, children = os.getpid(), os.fork, []

    def met():
        child = fork()
        if not child:
            os.kill(os.getpid(), signal.SIGINT)
        children.append(child)
        return child

    layout = opened(repository).layout
    layout.local.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(apart.os, "fork", met)
    try:
        assert begin(layout, monkeypatch)
    finally:
        if os.getpid() != parent:
            (tmp_path / "twice").touch()
            os._exit(1)
    for child in children:
        os.waitpid(child, 0)
    assert not (tmp_path / "twice").exists()


@pytest.mark.usefixtures("listening")
def test_a_signal_in_a_finalizer_is_heard_a_moment_later():
    """An exception there would only be printed, and the signal lost."""

    class Dying:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGINT)
            time.monotonic()

    def die_and_wait():
        Dying()
        time.sleep(5)

    with pytest.raises(Interrupted):
        die_and_wait()


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("inner", [os.kill, lambda *signalled: [os.kill(*signalled)]])
def test_a_signal_while_a_class_is_made_is_heard_as_itself(inner):
    """An exception in `__set_name__`, or in what it calls, becomes another."""

    class Named:
        def __set_name__(self, owner, name):
            inner(os.getpid(), signal.SIGINT)
            time.monotonic()

    def make_and_wait():
        type("Owner", (), {"named": Named()})
        time.sleep(5)

    with pytest.raises(Interrupted):
        make_and_wait()


@pytest.mark.usefixtures("listening")
def test_no_alarm_outlives_the_signal_that_it_was_set_for():
    """It would end the process without a word when nothing listens any more."""

    class Dying:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGINT)
            time.monotonic()

    def die_and_heed():
        Dying()
        interruption.heed()

    with pytest.raises(Interrupted):
        die_and_heed()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.usefixtures("listening")
def test_a_plan_is_stored_whole_before_a_signal_is_heard(repository, monkeypatch):
    """Variants, registry and history."""
    (repository / COMMAND).parent.mkdir(parents=True)
    (repository / COMMAND).write_bytes(control(COMMAND))
    noting = interrupting(creating.reconcile_quietly, signal.SIGTERM)
    monkeypatch.setattr(creating, "reconcile_quietly", noting)
    with pytest.raises(Interrupted) as caught:
        drafted(repository, COMMAND)
    assert "stored first" in caught.value.sentence
    assert opened(repository).store.history(told(repository).experiment_id).entries


def test_an_ignored_signal_stays_ignored(monkeypatch):
    """`nohup` and shells without job control mean it."""
    monkeypatch.setattr(interruption, "_state", interruption._State())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interruption.listen()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    interruption.rest()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


SLOW = '#!/bin/sh\nsleep 0.03\nexec {git} "$@"\n'
VERBS = {
    "start": ((), Status.DRAFT, Status.RUNNING),
    "pause": (("start",), Status.RUNNING, Status.PAUSED),
    "stop": (("start",), Status.RUNNING, Status.EXPIRED),
    "promote": (("start",), Status.RUNNING, Status.PROMOTED),
    "rollback": (("start", "promote"), Status.PROMOTED, Status.ROLLED_BACK),
}


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("verb", VERBS)
def test_a_signal_at_any_moment_ends_as_the_sentence_says(repository, tmp_path, verb, number):
    """With a slow git and a slow hook, from the first moment until it is done."""
    import shutil

    from tests.services.acting.test_all_or_nothing import VERBS as ACTS

    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "git").write_text(SLOW.format(git=shutil.which("git")))
    (tools / "git").chmod(0o755)
    steps, first, last = VERBS[verb]
    made = drafted(repository, SKILL)
    for step in steps:
        ACTS[step](opened(repository), made)
    hook(repository, "pre-commit", "sleep 0.2")
    delay, codes = 0.02 if number == signal.SIGINT else 0.08, set()
    while delay < 20:
        words = ["--override", "x"] if verb == "promote" else []
        words += ["--yes"] if verb in ("promote", "rollback") else []
        slow = {"PATH": f"{tools}:{os.environ['PATH']}"}
        attempt = process(repository, verb, made, *words, **slow)
        time.sleep(delay)
        os.killpg(attempt.pid, number)
        _, said = end_of(attempt)
        codes.add(attempt.returncode)
        delay += 0.12
        if "KeyboardInterrupt" in said and "meta_experiment/" not in said:
            continue  # Python itself had hardly begun
        assert "Traceback" not in said, said
        assert attempt.returncode in (0, 128 + number, -number), said
        status = told(repository).status
        assert status in (first, last)
        assert not opened(repository).deployer.pending() or "next command" in said
        if UNDONE in said or attempt.returncode == -number:
            assert status is first, said
        if DONE in said or attempt.returncode == 0:
            assert status is last, said
        if status is last:
            break
        assert finish_unless_busy(opened(repository)) == [], said
    assert status is last
    assert 128 + number in codes
    finish_unless_busy(opened(repository))
    if verb != "rollback":
        require_agreement(repository)
