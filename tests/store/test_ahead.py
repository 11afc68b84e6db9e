"""A second process that parses ahead changes the time a reading takes, and nothing else."""

import fcntl
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.everyday import some
from tests.logs import own_log
from tests.store.making import read_trials, recorded
from tests.store.test_own_lines import big, compare

from meta_experiment.store.fold.events import encode_event
from meta_experiment.store.fold.own_outcomes import Outcomes, Reader
from meta_experiment.store.local import line_files
from meta_experiment.store.local.reading import ahead

PROGRAM = """
import os, sys
from pathlib import Path
from meta_experiment.files.roots import Layout
from meta_experiment.protocol.seal import seal_of
from meta_experiment.store.local.reading import trials
from meta_experiment.store.local.counting import Counting
from meta_experiment.store.local.tracked import TrackedLogs
forks, fork = [], os.fork
os.fork = lambda: forks.append(1) or fork()
counting = Counting(seal_of(sys.argv[1]), {}, TrackedLogs())
log = trials.read_trials(Layout(Path(sys.argv[1])), counting, "e")
print(len(log.trials), len(forks), len(os.sched_getaffinity(0)))
"""


@pytest.fixture
def children(monkeypatch):
    """The processes that were started here."""
    started, fork = [], os.fork

    def noted():
        started.append(fork())
        return started[-1]

    monkeypatch.setattr(os, "fork", noted)
    return started


@pytest.fixture
def always(monkeypatch):
    """Read everything ahead."""
    monkeypatch.setattr(ahead, "WORTHWHILE", 0)
    monkeypatch.setattr(ahead, "_possible", lambda: True)


@pytest.fixture
def delivered(always, monkeypatch):  # noqa: ARG001
    """Read everything ahead; gives what came of it, block by block."""
    taken = []
    plain = ahead.BlocksAhead.outcomes

    def outcomes(self, cursor, block):
        taken.append(plain(self, cursor, block))
        return taken[-1]

    monkeypatch.setattr(ahead.BlocksAhead, "outcomes", outcomes)
    return taken


@pytest.fixture
def logs():
    """Logs of dozens of blocks with repeats, gaps and damage."""
    rng = random.Random(11)  # noqa: S311
    text = recorded("t", 2.0, unit="é", metrics={"n": 1}, fingerprint={"model": "m"})
    return {
        "h-0.jsonl": big(rng, 2500),
        "h-1.jsonl": big(rng, 2500) + encode_event(text) * 800,
    }


def none_is_left(children):
    assert children
    for child in children:
        with pytest.raises(ChildProcessError):
            os.waitpid(child, os.WNOHANG)


def test_same_as_alone(layout, logs, delivered, children):
    """Two processes read what one reads, and two of three blocks come from the second."""
    compare(layout, logs)
    came = sum(isinstance(item, Outcomes) for item in delivered)
    assert len(delivered) / 3 < came <= len(delivered) * 2 / 3
    none_is_left(children)


@pytest.mark.long
@pytest.mark.parametrize("after", [0, 3])
@pytest.mark.parametrize("end", some(["killed", "failed"], 1))
def test_a_second_process_that_ends_early(
    layout, logs, delivered, children, monkeypatch, after, end
):
    """What it did not deliver is parsed by the first."""
    parent, read, calls = os.getpid(), Reader.read, []

    def short_lived(self, text, count):
        if os.getpid() != parent:
            calls.append(count)
            if len(calls) > after:
                if end == "failed":
                    raise OSError
                os.kill(os.getpid(), signal.SIGKILL)
        return read(self, text, count)

    monkeypatch.setattr(ahead, "Reader", type("Mortal", (Reader,), {"read": short_lived}))
    compare(layout, logs)
    came = sum(isinstance(item, Outcomes) for item in delivered)
    assert came <= 2 * after
    none_is_left(children)


@pytest.mark.long
def test_blocks_that_differ_are_not_taken(layout, logs, delivered, monkeypatch):
    """A file that grew between the two readings is cut elsewhere; then one reads alone."""

    def elsewhere(path, cursor):
        with monkeypatch.context() as patch:
            patch.setattr(line_files, "_CHUNK", 50_000)
            yield from line_files.read_blocks(path, cursor)

    monkeypatch.setattr(ahead, "read_blocks", elsewhere)
    compare(layout, logs)
    assert not any(isinstance(item, Outcomes) for item in delivered)


@pytest.mark.usefixtures("always")
def test_a_reading_that_is_broken_off_leaves_no_process(layout, logs, children, monkeypatch):
    """An error of the reader ends the second process too."""
    own_log(layout.root, "e", "h-0.jsonl", logs["h-0.jsonl"] * 20)  # more than the pipe holds

    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ahead.BlocksAhead, "outcomes", broken)
    with pytest.raises(KeyboardInterrupt):
        read_trials(layout, "e")
    none_is_left(children)


@pytest.mark.usefixtures("always")
def test_a_lock_is_free_once_its_owner_lets_go(tmp_path, logs):
    """The second process does not hold on to what the first had open."""
    log, lock = tmp_path / "log", tmp_path / "lock"
    log.write_bytes(logs["h-0.jsonl"] * 20)  # more than the pipe holds
    owner = os.open(lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(owner, fcntl.LOCK_EX)
    with ahead.read_ahead(log, line_files.Cursor(), log.stat().st_size) as blocks:
        cursor = line_files.Cursor()
        for _, block in zip(range(2), line_files.read_blocks(log, cursor), strict=False):
            blocks.outcomes(cursor, block)  # so that the second process is well under way
        os.close(owner)
        other = os.open(lock, os.O_RDWR)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(other)


@pytest.mark.long
@pytest.mark.parametrize("what", ["pipe", "fork"])
@pytest.mark.usefixtures("always")
def test_without_a_second_process_one_reads(layout, logs, monkeypatch, what):
    """The system has no more pipes or processes to give."""
    before = len(list(Path("/proc/self/fd").iterdir()))

    def refused():
        raise BlockingIOError

    monkeypatch.setattr(os, what, refused)
    compare(layout, logs)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.long
def test_little_is_read_alone(layout, logs, monkeypatch):
    """No process is started for what is read before it would be there."""
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("a process was started"))
    compare(layout, logs)


@pytest.mark.long
def test_a_large_log_is_read_by_two(layout):
    """Where there are two processors, the program has a second process by itself."""
    first = f"{0:016x}"
    line = encode_event(recorded(first, 1e9, metrics={"duration_seconds": 1.5, "n": 2}))
    lines_of_it = (line.replace(first.encode(), b"%016x" % number) for number in range(130_000))
    path = own_log(layout.root, "e", "h-0.jsonl", b"".join(lines_of_it))
    assert path.stat().st_size > ahead.WORTHWHILE
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(layout.root)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "HOME": os.environ["HOME"]},
    )
    trials, forks, processors = map(int, run.stdout.split())
    assert trials == 130_000
    assert forks == (processors > 1)
