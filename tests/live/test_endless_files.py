"""Files of a stranger's repository that never end, on the way of a prompt."""

import os
from pathlib import Path

import pytest
from tests import logs
from tests.everyday import some
from tests.live.stage import PYTHON
from tests.sealing import own_seal

from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.protocol import places, sequence
from meta_experiment.store.local.assignments import assign

PROMPT = ".claude/commands/review.md"
ENDLESS = {
    "index": lambda root: Path(places.active_index(str(root))),
    "sequence": lambda root: logs.sequence(root, "exp-1"),
    "apart": lambda root: logs.drawn_apart(root, "exp-1"),
    "body": lambda root: Path(places.served_text(str(root), "exp-1", "treatment.md")),
    "prompt": lambda root: root / PROMPT,
}


@pytest.mark.parametrize("kind", ["zeros", "pipe"])
@pytest.mark.parametrize("what", some(ENDLESS, 3))
def test_a_file_without_end_costs_neither_memory_nor_time(stage, what, kind):
    """A device or a pipe in place of a file: no hook fails, and the prompt goes on."""
    stage.run(sequence="1" * 10)
    stage.environment["META_EXPERIMENT_PYTHON"] = str(frugal(stage))
    path = ENDLESS[what](stage.root)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if kind == "zeros":
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(path)
    stage.typed("x", "p1")
    stage.hook("SessionStart", "start", {"source": "startup"})
    done = stage.serve()
    # what fails prints nothing, and the rest of the injected line has the control
    assert (done.returncode, done.stdout) in [(0, b"Control for x."), (1, b"")]
    told = "is a symbolic link" if kind == "zeros" else "is no regular file"
    assert any(told in line for line in stage.faults())
    stage.hook("SessionEnd", "end", {"reason": "exit"})


def test_a_file_larger_than_any_of_ours_is_not_read(stage):
    """A stranger's gigabyte in place of the assignments costs no memory."""
    stage.run(sequence="1" * 10)
    path = ENDLESS["sequence"](stage.root)
    path.parent.mkdir(parents=True, exist_ok=True)
    logs.own_log(stage.root, "exp-1", path.name)
    with path.open("ab") as stream:
        stream.truncate(sequence.LARGEST + 1)
    stage.environment["META_EXPERIMENT_PYTHON"] = str(frugal(stage))
    assert stage.call("x") == "Control for x."
    assert any("larger than 1024 MB" in line for line in stage.faults())
    assert path.stat().st_size == sequence.LARGEST + 1


@pytest.mark.long
def test_a_long_sequence_goes_on(stage):
    """Larger than any other file is read: in little memory, and units keep their arm."""
    stage.run(sequence="1" * 10, unit="session")
    line = "%d\tsession-%d-of-a-thousand-thousand\tcontrol\t0123456789abcdef\t1795292446000\n"
    count = places.LARGEST // len(line) + 1
    lines = "".join(line % (number, number) for number in range(1, count + 1))
    path = logs.own_log(stage.root, "exp-1", ENDLESS["sequence"](stage.root).name, lines)
    assert path.stat().st_size > places.LARGEST
    stage.environment["META_EXPERIMENT_PYTHON"] = str(frugal(stage))
    given = (Layout(stage.root), FileSystem(), own_seal(stage.root))
    known = assign(*given, "exp-1", "session-7-of-a-thousand-thousand", None, at=1.0)
    assert (known.variant, known.position) == ("control", 6)
    new = assign(*given, "exp-1", "new", lambda _: "treatment", at=1.0)
    assert (new.variant, new.position) == ("treatment", count)
    for session, texts in (("new", "T"), ("newer", "CT")):
        stage.typed("x", "p1", session=session)
        assert stage.text(session=session)[0] in texts
    assert stage.faults() == []
    last = [line.split("\t")[:2] for line in path.read_text().splitlines()[-3:]]
    assert [(int(number) - count, unit) for number, unit in last] == [
        (1, "new"), (1, "new"), (2, "newer"),
    ]  # fmt: skip


def frugal(stage):
    """Return a Python that has little memory and time."""
    script = stage.home / "python"
    script.write_text(f'#!/bin/sh\nulimit -v 400000\nulimit -t 5\nexec {PYTHON} "$@"\n')
    script.chmod(0o755)
    return script
